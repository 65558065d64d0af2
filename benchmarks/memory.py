"""How much memory a shard of a stage that asks holds, as a multiple of the JPEGs that it shows.

    python benchmarks/memory.py [--videos N] [--seconds N] [--json FILE]

``caption``, ``ground`` and ``narrate`` run on a shard in a process each, with an engine that
answers at once, so that what is held is the stage's own and none is under way. ``anonymous`` is
measured when all asks are built. ``peak`` is the most that was resident, with the pages of the
part, which is mapped, and which the system takes back when it needs them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.asks import ANSWERS, JPEG_BYTES, events, segments, task_of
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.execution import journaled_engine
from pipeline.execution.worker import run_shard
from pipeline.records import DenseSegment, Event, Record
from pipeline.store.location import Location
from pipeline.store.parts import write_part
from tests.peak_memory import peak_kib

SPAN = {"caption": "A person opens a door.", "start_s": 1.0, "end_s": 3.0}
SAID = {**ANSWERS, "caption": {"events": [SPAN]}}
READS: dict[str, Sequence[type[Record]]] = {
    "caption": [DenseSegment],
    "ground": [Event, DenseSegment],
    "narrate": [DenseSegment],
}
FRAMES_A_SECOND = {"caption": 1, "ground": 1, "narrate": 2}


class Answering:
    """Says the same to each ask, and notes what the process holds when the first are there."""

    version = "none"

    def __init__(self, said: str) -> None:
        """Of one content."""
        self._said = said
        self.held_kib = 0

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """As an engine."""
        self.held_kib = self.held_kib or anonymous_kib()
        for i, ask in enumerate(asks):
            yield i, [Reply(ask.request_id, self._said)] * sampling.samples


def anonymous_kib() -> int:
    """Of this process: memory that is no page of a file."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    return int(text.partition("Anonymous:")[2].split()[0])


def parts_of(folder: Path) -> dict[type[Record], Location]:
    found: dict[type[Record], Location] = {}
    for kind in (DenseSegment, Event):
        (path,) = (folder / "parts" / kind.__name__ / "recipe").glob("part-*")
        found[kind] = Location.of(path)
    return found


def hold(node: str, folder: Path) -> None:
    """Runs a shard, and prints what it held beyond what the process held before, in KiB."""
    parts = parts_of(folder)
    engine = Answering(json.dumps(SAID[node]))
    task = task_of(node, Location.of(folder), [parts[kind] for kind in READS[node]], "http://x")
    before_kib, peak_before_kib = anonymous_kib(), peak_kib()
    with mock.patch.object(journaled_engine, "open_engine", lambda config: engine):
        result = run_shard(task)
    if result.error:
        raise SystemExit(result.error)
    print(engine.held_kib - before_kib, peak_kib() - peak_before_kib)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--videos", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    parser.add_argument("--hold", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.hold:
        hold(given.hold[0], Path(given.hold[1]))
        return
    found = {}
    print("| node | JPEGs, MiB | anonymous, of them | peak, of them |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as raw:
        rows: dict[type[Record], Sequence[Record]] = {
            DenseSegment: segments(given.videos, given.seconds),
            Event: events(given.videos, 5),
        }
        for kind, of in rows.items():
            slot = Location.of(raw) / f"parts/{kind.__name__}/recipe/part-00000-0"
            write_part(slot, kind, of, [], {})
        for node, frames in FRAMES_A_SECOND.items():
            command = [sys.executable, __file__, "--hold", node, raw]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            jpegs_kib = given.videos * given.seconds * frames * JPEG_BYTES / 1024
            held, peak = (int(each) / jpegs_kib for each in done.stdout.split())
            found[node] = {"jpegs_mib": jpegs_kib / 1024, "anonymous": held, "peak": peak}
            print(f"| {node} | {jpegs_kib / 1024:.0f} | {held:.2f} | {peak:.2f} |", flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
