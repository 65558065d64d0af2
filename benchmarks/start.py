"""What it takes to start: the help, a worker process, and a run in which nothing is to be done.

    python benchmarks/start.py [--rows N] [--repeats N] [--json FILE]

Each is a process of its own, and its time is of CPU, the least of several. ``bare`` imports the
libraries that no way does without: Arrow, NumPy, pydantic and typer. ``plan`` plans a manifest of
so many rows over the nodes of ``configs/streamo.yaml``, all of whose parts are there by name, and
``summary`` finds out that the summary which was kept is that of these parts; both are without what
a process takes to load.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.execution.collector import collect_seldom
from pipeline.reports.summary_key import summary_key
from pipeline.store.location import Location
from pipeline.store.part_names import part_path, rejects_path, replies_path
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.plan import NodePlan, make_plan, parts_made, planned_again
from pipeline.workflow.source import read_source
from pipeline.workflow.task import ShardTask

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "configs" / "streamo.yaml"
BARE = "import numpy, pyarrow.compute, pyarrow.parquet, pydantic, typer"
WORKER = """
from pipeline.execution.executors.worker_process import WorkerProcess
process = WorkerProcess(1, {})
assert process.result() == "beat"
process.close()
process.wait()
"""


def cpu_s(*command: str) -> float:
    """Of a process and all below it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, *command], check=True, stdout=subprocess.DEVNULL, env=environment
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def plan(folder: Path) -> Sequence[NodePlan]:
    collect_seldom()
    config = load_config(RECIPE, [f"source.path={folder / 'manifest.jsonl'}"])
    root = Location.of(folder / "run")
    source = read_source(config.source)
    return make_plan(build_graph(config), source, config.run.videos_per_shard, root)


def lay_out(folder: Path, rows: int) -> int:
    """A manifest, and files with the names of all parts; returns how many parts there are."""
    with (folder / "manifest.jsonl").open("w", encoding="utf-8") as file:
        for number in range(rows):
            row = {"video_id": f"made-up/{number:08}", "uri": f"videos/{number:08}.mp4"}
            file.write(json.dumps(row) + "\n")
    plans = plan(folder)
    for number in range(len(plans)):
        node, made = plans[number].node, parts_made(plans)
        for task in map(made.resolve, plans[number].missing):
            assert isinstance(task, ShardTask)
            part = part_path(task.slot, f"{task.shard:016x}", "00000000")
            Path(part).parent.mkdir(parents=True, exist_ok=True)
            beside = [replies_path(part)] if node.engine else []
            for each in (part, rejects_path(part), *beside):
                if node.stage.by_shard:
                    Path(each).touch()
                else:  # of which a plan reads what files they have
                    pq.write_table(pa.table({"a": [1]}), Path(each))
        plans = planned_again(plans)
    assert not any(each.missing for each in plans)
    return sum(len(each.parts) for each in plans)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=135_875)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    parser.add_argument("--again", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.again:
        start_s = time.process_time()
        plans = plan(given.again)
        planned_s = time.process_time()
        summary_key(plans, Location.of(given.again / "run"))
        print(planned_s - start_s, time.process_time() - planned_s)
        return
    with tempfile.TemporaryDirectory() as raw:
        folder = Path(raw)
        parts = lay_out(folder, given.rows)
        print(f"{given.rows:,} videos, {parts:,} parts\n\n| way | CPU s | of bare |\n|---|---|---|")
        ways = {
            "bare": ("-c", BARE),
            "help": (str(ROOT / "pipeline" / "run.py"), "--help"),
            "worker": ("-c", WORKER),
        }
        found = {name: min(cpu_s(*way) for _ in range(given.repeats)) for name, way in ways.items()}
        again = [sys.executable, __file__, "--again", raw]
        said = [
            subprocess.run(again, check=True, capture_output=True, text=True).stdout.split()
            for _ in range(given.repeats)
        ]
    found["plan"], found["summary"] = (min(map(float, each)) for each in zip(*said, strict=True))
    for name, seconds in found.items():
        print(f"| {name} | {seconds:.2f} | {seconds / found['bare']:.2f} |")
    if given.json:
        figures = {"rows": given.rows, "parts": parts, **found}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
