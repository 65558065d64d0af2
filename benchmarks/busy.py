"""For what share of its time a server has as much to answer as it can, behind ingest and segment.

    python benchmarks/busy.py [--videos N] [--seconds N] [--videos-per-shard N] [--latency-s S]
                              [--slots N...] [--shards N...] [--places RATIO]
                              [--executor local|ray...] [--node NAME...] [--way WAY...]
                              [--folder FOLDER] [--json FILE]

A server answers ``--slots`` asks at once, each after ``--latency-s``; the engine has ``--places``
times as many with it, so that a slot need not wait for an ask to travel. Videos that are there as
files go through ``run``, all nodes side by side: ``narrate``, or ``chain``, which is ``caption``
and then ``ground``, asked of one server. Beside it the same ``stage by stage``: a ``run`` for each
node, after the one before it.

``all slots`` is the share of the time between the first ask and the last in which no slot was free,
``of the slots`` how many were taken, on average. ``others between`` says how many other videos are
asked about between two asks of the chain that begin with the same frame, as do all about a video:
what a prefix cache has to keep. ``CPU`` is that of all processes of the run, and
``limit`` the rate of asks at which the CPUs of this machine would be the limit, not the server.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.many_scenes import render_many
from benchmarks.slot_server import Served, busy, others_between, slot_server
from pipeline.records import ManifestRow
from pipeline.store.process import stat_fields

ROOT = Path(__file__).resolve().parents[1]
EVENTS = [
    {"caption": f"Shape number {number} moves.", "start_s": number, "end_s": number + 2}
    for number in range(5)
]
ANSWERS: Mapping[str, Any] = {
    "ChangeSeen": {"seen": "two shapes", "changed": True, "sentence": "The circle turns red."},
    "Events": {"events": EVENTS},
    "SpanSeen": {"seen": "a shape", "found": True, "start_s": 1, "end_s": 3},
}
NODES: Mapping[str, Mapping[str, Any]] = {
    "narrate": {
        "narrate": {
            "stage": "narrate",
            "after": ["segment"],
            "engine": "narrator",
            "config": {"still_levels": 0},
        }
    },
    "chain": {
        "caption": {"stage": "caption", "after": ["segment"], "engine": "narrator"},
        "ground": {"stage": "ground", "after": ["caption", "segment"], "engine": "narrator"},
    },
}
EXECUTORS = ("local", "ray")
BESIDE, APART = WAYS = ("side by side", "stage by stage")
LOOK_S = 0.5
MARK = "TURNWISE_BUSY"
"""A variable that all processes of a run have, wherever they are started from."""


class Case(NamedTuple):
    """What is measured at a time."""

    executor: str
    nodes: str
    way: str
    slots: int
    shards: int
    """In flight."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--videos", type=int, default=48)
    parser.add_argument("--seconds", type=int, default=20, help="of each video")
    parser.add_argument("--videos-per-shard", type=int, default=4)
    parser.add_argument("--latency-s", type=float, default=0.5)
    parser.add_argument("--slots", type=int, nargs="+", default=[16])
    parser.add_argument("--shards", type=int, nargs="+", default=[8], help="in flight")
    parser.add_argument("--places", type=float, default=1.25, help="of the engine, for each slot")
    parser.add_argument("--executor", nargs="+", choices=EXECUTORS, default=EXECUTORS)
    parser.add_argument("--node", nargs="+", choices=list(NODES), default=list(NODES))
    parser.add_argument("--way", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--folder", type=Path, help="where videos are, and are rendered")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    given = parser.parse_args()
    found: list[Mapping[str, Any]] = []
    print(
        "| executor | nodes | way | slots | shards | asks | asks/s | all slots | of the slots"
        f" | others between | run, s | CPU ms an ask | limit, asks/s |\n|{'---|' * 13}"
    )
    with tempfile.TemporaryDirectory() as raw:
        manifest = clips(render_many(given.folder or Path(raw), given.videos, 0), given.seconds)
        for case in product(given.executor, given.node, given.way, given.slots, given.shards):
            with tempfile.TemporaryDirectory(dir=raw) as folder:
                row = measured(Case(*case), given, manifest, Path(folder))
            found.append(row)
            others = row["others_between"]
            between = "" if others is None else f"{others:.1f}"
            print(
                f"| {' | '.join(map(str, case))} | {row['asks']} | {row['asks_per_s']:.0f}"
                f" | {row['all_slots']:.1%} | {row['of_slots']:.1%} | {between}"
                f" | {row['run_s']:.1f}"
                f" | {row['cpu_ms_an_ask']:.1f} | {row['limit_asks_per_s']:.0f} |",
                flush=True,
            )
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def clips(manifest: Path, seconds: int) -> Path:
    """The manifest of the first seconds of the same videos."""
    rows = [ManifestRow.model_validate_json(line) for line in manifest.open(encoding="utf-8")]
    short = [row.model_copy(update={"clip_end_s": seconds}) for row in rows]
    found = manifest.with_name(f"{manifest.stem}-{seconds}s.jsonl")
    found.write_text("".join(f"{row.model_dump_json()}\n" for row in short), encoding="utf-8")
    return found


def measured(
    case: Case, given: argparse.Namespace, manifest: Path, folder: Path
) -> Mapping[str, Any]:
    """A run, or one for each node, and what the server saw of it."""
    served: list[Served] = []
    with slot_server(case.slots, given.latency_s, ANSWERS, served) as url:
        config = config_of(case, given, manifest, folder, url)
        stages = ["ingest", "segment", *NODES[case.nodes]] if case.way == APART else [""]
        start_s = time.monotonic()
        cpu_s = sum(run(config, case.executor, stage) for stage in stages)
        run_s = time.monotonic() - start_s
    seen = busy(served, case.slots)
    cpu_ms = cpu_s / seen.asks * 1000
    return {
        **case._asdict(),
        "latency_s": given.latency_s,
        "videos_per_shard": given.videos_per_shard,
        **seen._asdict(),
        "asks_per_s": seen.asks / seen.seconds,
        "others_between": others_between(served) if case.nodes == "chain" else None,
        "run_s": run_s,
        "cpu_ms_an_ask": cpu_ms,
        "limit_asks_per_s": len(os.sched_getaffinity(0)) * 1000 / cpu_ms,
    }


def config_of(
    case: Case, given: argparse.Namespace, manifest: Path, folder: Path, url: str
) -> Path:
    """The config of a run."""
    engine = {
        "kind": "http",
        "model": "m",
        "revision": "1",
        "base_url": url,
        "concurrency": int(case.slots * given.places),
        "shards": case.shards,
    }
    config = {
        "run": {"root": str(folder / "run"), "videos_per_shard": given.videos_per_shard},
        "source": {"path": str(manifest)},
        "engines": {"narrator": engine},
        "nodes": {
            "ingest": {"stage": "ingest"},
            "segment": {"stage": "segment", "after": ["ingest"]},
            **NODES[case.nodes],
        },
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def run(config: Path, executor: str, stage: str) -> float:
    """Runs the command, for one node or all; the CPU seconds of all its processes."""
    command = [sys.executable, "pipeline/run.py", "run", "-c", str(config)]
    command += ["--executor", executor, *(["--only", stage] if stage else [])]
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", MARK: config.parent.name}
    with cpu_of(config.parent.name) as spent:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return sum(spent.values())


@contextmanager
def cpu_of(mark: str) -> Iterator[Mapping[int, float]]:
    """The CPU seconds of each process that has the mark, looked at while it lives."""
    spent: dict[int, float] = {}
    wanted = f"{MARK}={mark}".encode()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            for folder in Path("/proc").glob("[0-9]*"):
                pid = int(folder.name)
                try:
                    if pid not in spent and wanted not in (folder / "environ").read_bytes():
                        continue
                    ticks = sum(map(int, stat_fields(folder / "stat")[11:13]))
                except OSError:  # it has ended
                    continue
                spent[pid] = ticks / os.sysconf("SC_CLK_TCK")

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield spent
    finally:
        ended.set()
        looking.join()


if __name__ == "__main__":
    main()
