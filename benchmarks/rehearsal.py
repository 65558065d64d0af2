"""A rehearsal of the flagship's corpus: all nodes of ``configs/streamo_instruct_465k.yaml`` over as
many videos as the paper has, or a part of them, without models and without decoding.

    python benchmarks/rehearsal.py [--videos N] [--control N] [--folder FOLDER] [--json FILE]

Manifest, config, workers, store and the writing of the corpus are the real ones, on one machine
that is said to have eight GPUs, so that engines take turns as they do there. In place of vLLM an
engine answers at once by a script of the video, and in place of decoding a file says what it would
show (``benchmarks/stand_in``). Lengths are those of the paper (``benchmarks/tokens.py``), in the
same mix in every beginning of the manifest.

A control of the first videos runs undisturbed. The rehearsal itself is killed when half of the
narration is there, and goes on with the same command. Then: nothing that was answered was asked
again; the parts of the shards that both have are the same, byte by byte; videos and samples add up;
and the files keep the limits of the HF Hub. The command once more, with nothing left to do, is
`again`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.made_up_videos import ALL, lay_out
from benchmarks.stand_in.engine import RECORD
from benchmarks.tokens import CONFIG
from benchmarks.watched_run import ROOT, Watched, adopt_orphans, watch
from pipeline.store.location import Location
from pipeline.store.part_names import shard_of
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph

HUB = {"files_a_folder": 10_000, "files": 100_000, "file_bytes": 50_000_000_000}
"""Limits of a repository: https://huggingface.co/docs/hub/storage-limits."""
GPUS = ",".join(map(str, range(8)))


class Rehearsal:
    """One run over the first videos, in a folder of its own."""

    def __init__(self, folder: Path, videos: int) -> None:
        """Lays out its videos, and runs nothing yet."""
        self.videos, self.root, self._asks = videos, folder / "run", folder / "asks"
        self._log = folder / "log.txt"
        manifest = lay_out(folder, videos)
        self._asks.mkdir()
        self._settings = [
            word
            for each in (f"source.path={manifest}", f"run.root={self.root}")
            for word in ("--set", each)
        ]
        config = load_config(CONFIG, self._settings[1::2])
        self.shard_videos = config.run.videos_per_shard
        self.nodes = {node.name: node.stage.scope for node in build_graph(config)}

    def run(self, *, killed: bool = False) -> Watched:
        """The command, to its end; or up to the kill of its driver."""
        shards = -(-self.videos // self.shard_videos)
        found = watch(
            *("run", "-c", str(CONFIG), *self._settings, "--progress", "lines"),
            environment={
                "CUDA_VISIBLE_DEVICES": GPUS,
                "PYTHONPATH": f"{ROOT / 'benchmarks' / 'stand_in'}:{ROOT}",
                "TURNWISE_REHEARSAL": str(self._asks),
            },
            log=self._log,
            kill_when=(lambda: len(self.parts("narrate")) >= shards / 2) if killed else None,
        )
        if found.status != (-9 if killed else 0):
            raise SystemExit(f"the run ended with {found.status}: see {self._log}")
        return found

    def parts(self, node: str) -> Mapping[str, Path]:
        """The parts of a node, by name."""
        return {path.name: path for path in (self.root / "parts" / node).glob("*/part-*")}

    def asked(self) -> dict[str, float]:
        """How often the engine was asked, and what that took it."""
        asked, taken = (self._records(name) for name in ("asked", "taken"))
        return {
            "asks": len(asked),
            "taken": len(taken),
            "taken_twice": len(taken) - len(np.unique(taken["ask"])),
            "asked_twice": len(asked) - len(np.unique(asked["ask"])),
            "engine_cpu_s": float(taken["cpu_us"].sum(dtype=np.float64) / 1e6),
        }

    def _records(self, name: str) -> np.ndarray[Any, Any]:
        return np.concatenate([np.fromfile(each, RECORD) for each in self._asks.glob(f"{name}-*")])

    def counts(self) -> dict[str, Any]:
        """What the run says of its videos and samples.

        Raises:
            SystemExit: they do not add up, or the files have other samples than the run says.
        """
        kept = json.loads((self.root / "summary.json").read_text(encoding="utf-8"))["summary"]
        rejected, absent = (sum(kept[f"videos_{name}"].values()) for name in ("rejected", "absent"))
        samples = kept["samples"]
        in_files = {
            folder.name: sum(pq.read_metadata(file).num_rows for file in folder.iterdir())
            for folder in sorted((self.root / "corpus" / "data").iterdir())
        }
        listed = json.loads((self.root / "corpus" / "counts.json").read_text(encoding="utf-8"))
        check(kept["videos_in"] == self.videos, "every video of the manifest came in")
        check(kept["videos_out"] + rejected + absent == self.videos, "every video left")
        check(in_files == samples, f"{in_files} in files, {samples} in the run")
        by_task: Counter[str] = Counter()
        for each in listed["slices"]:
            by_task[each["task"]] += each["dialogues"]
        check(by_task == samples, f"{dict(by_task)} in counts.json, {samples} in the run")
        return {
            "videos_annotated": kept["videos_out"],
            "videos_rejected": kept["videos_rejected"],
            "videos_absent": kept["videos_absent"],
            "samples": samples,
            "negatives": kept["negatives"],
        }

    def files(self, folder: str) -> dict[str, int]:
        """Of a folder of the run: how many files, the most in one folder, and their bytes."""
        sizes = [path.stat().st_size for path in (self.root / folder).rglob("*") if path.is_file()]
        within = [self.root / folder, *(self.root / folder).rglob("*")]
        most = max(sum(1 for _ in path.iterdir()) for path in within if path.is_dir())
        return {
            "files": len(sizes),
            "files_a_folder": most,
            "file_bytes": max(sizes),
            "bytes": sum(sizes),
        }

    def same_as(self, other: Rehearsal) -> int:
        """How many files of parts both have of the same shards, whose bytes are compared.

        Only of nodes that see a shard alone, and of shards that are full in both.

        Raises:
            SystemExit: a part or its rejects are others.
        """
        full = min(self.videos, other.videos) // self.shard_videos
        compared = 0
        for node, scope in self.nodes.items():
            if scope not in ("source", "shard") or node == "apply_mixture":
                continue  # the mixture is of all videos
            mine, its = (
                {n: p for n, p in each.parts(node).items() if shard_of(Location.of(p)) < full}
                for each in (self, other)
            )
            check(len(mine) == full and mine.keys() == its.keys(), f"the parts of {node}")
            for name in mine:
                for kind in ("part-", "rejects-"):
                    file = name.replace("part-", kind, 1)
                    a, b = (each[name].with_name(file).read_bytes() for each in (mine, its))
                    check(a == b, f"the bytes of {file} of {node}")
                    compared += 1
        return compared


def check(holds: bool, what: str) -> None:
    """Ends the command where something does not hold."""
    if not holds:
        raise SystemExit(f"not as it should be: {what}")


def took(videos: int, runs: Sequence[Watched], asked: Mapping[str, float]) -> dict[str, Any]:
    """The figures of a command, or of one and the same one that went on with it."""
    cpu_s, engine_s = sum(run.cpu_s for run in runs), asked["engine_cpu_s"]
    kinds = sorted({kind for run in runs for kind in run.memory})
    return {
        "videos": videos,
        "wall_s": sum(run.wall_s for run in runs),
        "cpu_s": cpu_s,
        "cpu_ms_a_video": cpu_s / videos * 1000,
        "cpu_ms_a_video_without_engine": (cpu_s - engine_s) / videos * 1000,
        **asked,
        "memory": {
            kind: {
                name: max(asdict(run.memory[kind])[name] for run in runs if kind in run.memory)
                for name in ("peak_mib", "anonymous_mib")
            }
            for kind in kinds
        },
    }


def rehearse(folder: Path, videos: int, control: int) -> dict[str, Any]:
    """Both runs, with all that must hold of them."""
    adopt_orphans()
    first = Rehearsal(folder / "control", control)
    runs = {"control": took(control, [first.run()], first.asked())}
    first.counts()
    print_run("control", runs["control"])
    whole = Rehearsal(folder / "whole", videos)
    killed = whole.run(killed=True)
    at_kill = whole.asked()
    going_on = whole.run()
    asked = whole.asked()
    runs["whole"] = took(videos, [killed, going_on], asked)
    print_run("whole", runs["whole"])
    check(asked["taken_twice"] == 0, "nothing that was answered was asked again")
    lost = at_kill["asks"] - at_kill["taken"]
    check(asked["asked_twice"] <= lost, "what was asked again had no answer when it was killed")
    again = whole.run()
    check(whole.asked() == asked, "a run that has nothing left to do asks nothing")
    corpus = whole.files("corpus")
    for name, most in HUB.items():
        check(corpus[name] < most, f"{name}: {corpus[name]} of fewer than {most}")
    whole_ms, control_ms = (runs[name]["cpu_ms_a_video"] for name in ("whole", "control"))
    return {
        **runs,
        "cpu_a_video_of_control": whole_ms / control_ms,
        "killed_after_s": killed.wall_s,
        "again": {"wall_s": again.wall_s, "cpu_s": again.cpu_s},
        "asks_at_kill": at_kill["asks"],
        "unanswered_at_kill": lost,
        "files_compared": whole.same_as(first),
        "counts": whole.counts(),
        "corpus": corpus,
        "parts": whole.files("parts"),
    }


def print_run(name: str, found: Mapping[str, Any]) -> None:
    """A line of the table."""
    memory = found["memory"]
    print(
        f"| {name} | {found['videos']:,} | {found['wall_s']:.0f} | {found['cpu_ms_a_video']:.1f}"
        f" | {found['cpu_ms_a_video_without_engine']:.1f} | {found['asks']:,}"
        f" | {memory['driver']['peak_mib']:.0f} | {memory['worker']['peak_mib']:.0f}"
        f" | {memory['worker']['anonymous_mib']:.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--videos", type=int, default=ALL)
    parser.add_argument("--control", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "rehearsal")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    given = parser.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    print("| run | videos | s | CPU ms a video | without the engine's | asks | driver, MiB"
          " | worker, MiB | anonymous |")  # fmt: skip
    print(f"|---{'|---' * 8}|")
    found = rehearse(given.folder, given.videos, given.control)
    kept = ("again", "files_compared", "unanswered_at_kill", "counts", "corpus", "parts")
    for name in kept:
        print(f"{name}: {json.dumps(found[name])}")
    print(f"CPU of a video, of the control's: {found['cpu_a_video_of_control']:.3f}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(given.folder)


if __name__ == "__main__":
    main()
