"""How fast a manifest is planned and cut into shards, and how much memory that takes.

    python benchmarks/plan.py [--rows N] [--out FOLDER]

Makes up a manifest of so many rows (1,000,000 when nothing is said), each with four annotations,
and plans all nodes of ``configs/streamo.yaml`` over it, in a process of its own. `shards` goes on
to leave the rows of every shard in the store and to line up all tasks, and starts none. `read`
parses every row and digests it: what the rows alone take.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.manifest import WORDS, measured
from pipeline.execution.collector import collect_seldom
from pipeline.execution.executors.ready_queue import ReadyQueue
from pipeline.execution.runner import execute, missing_tasks
from pipeline.records.digest import digest
from pipeline.store.location import Location
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.plan import NodePlan, make_plan
from pipeline.workflow.source import read_source
from pipeline.workflow.task import PlannedTask, ShardResult

RECIPE = Path(__file__).resolve().parents[1] / "configs" / "streamo.yaml"


class NoExecutor:
    """Lines tasks up, as every executor does, and runs none."""

    def run(self, tasks: Sequence[PlannedTask], made: PartsMade) -> Iterator[ShardResult]:
        """Nothing comes."""
        return ReadyQueue(tasks, made.resolve).opened()


def read(folder: Path, out: Path) -> None:
    with (folder / "manifest.jsonl").open("rb") as lines:
        for line in lines:
            digest(json.loads(line))


def plan(folder: Path, out: Path) -> Sequence[NodePlan]:
    collect_seldom()
    config = load_config(RECIPE, [f"source.path={folder / 'manifest.jsonl'}"])
    source = read_source(config.source)
    return make_plan(build_graph(config), source, config.run.videos_per_shard, Location.of(out))


def plan_only(folder: Path, out: Path) -> None:
    plan(folder, out)


def shards(folder: Path, out: Path) -> None:
    plans = plan(folder, out)
    tasks = missing_tasks(plans, {each.node.name for each in plans})
    assert not list(execute(plans, tasks, NoExecutor(), Location.of(out)))
    print(f"{len(tasks):,} tasks of {len(plans)} nodes", file=sys.stderr)


def lay_out(folder: Path, rows: int) -> None:
    annotations = [
        {"kind": "event", "text": WORDS, "start_s": 10.0 * i, "end_s": 10.0 * i + 5}
        for i in range(4)
    ]
    with (folder / "manifest.jsonl").open("w", encoding="utf-8") as file:
        for number in range(rows):
            row = {"video_id": f"made-up/{number:08}", "uri": f"videos/{number:08}.mp4"}
            file.write(json.dumps(row | {"annotations": annotations}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, help="folder to work in; a temporary one if not given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.out) as temporary:
        folder = Path(temporary)
        lay_out(folder, given.rows)
        print("| way | seconds | rows/s | MiB held at most |\n|---|---|---|---|")
        for name, work in {"read": read, "plan": plan_only, "shards": shards}.items():
            seconds, held = measured(work, folder, folder / name)
            print(
                f"| {name} | {seconds:.1f} | {given.rows / seconds:,.0f} | {held:.0f} |", flush=True
            )


if __name__ == "__main__":
    main()
