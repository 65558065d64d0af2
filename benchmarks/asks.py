"""CPU time of an ask on its way through a shard, beside a bare client that posts the same requests.

    python benchmarks/asks.py [--videos N] [--seconds N] [--events N] [--repeats N] [--json FILE]

Shards of ``narrate`` (an ask a turn, with its last frames) and ``ground`` (an ask an event, with
all frames of the video) go through ``run_shard``: parts are read, asks built, sent by the HTTP
engine to a server in a process of its own, parsed, journaled, and rows and replies written.
``bare`` posts bodies that are ready, as many at a time, by aiohttp, and reads what comes back.

Times are CPU of this process, in milliseconds an ask; each way goes once to warm up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.slot_server import slot_server
from pipeline.engines import close_engines
from pipeline.engines.base import Ask, Sampling
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.engine import HttpEngine
from pipeline.engines.http.request_body import Body
from pipeline.engines.sampling import Answered
from pipeline.execution.worker import run_shard
from pipeline.records import THIS_CALL, DenseSegment, Event, Record, TurnFrame
from pipeline.store.location import Location
from pipeline.store.parts import write_part
from pipeline.workflow.prompt import load_prompts
from pipeline.workflow.stage import load_stage
from pipeline.workflow.task import ShardTask

CONCURRENCY = 64
JPEG_BYTES = 9_000
PICTURES = 100
ANSWERS = {
    "ChangeSeen": {"seen": "a person at a door", "changed": True, "sentence": "A person opens it."},
    "SpanSeen": {"seen": "a person at a door", "found": True, "start_s": 1.0, "end_s": 3.0},
}


def segments(videos: int, seconds: int) -> list[DenseSegment]:
    """Turns of a second, two frames each."""
    noise = random.Random(0)
    pictures = [noise.randbytes(JPEG_BYTES) for _ in range(PICTURES)]
    return [
        DenseSegment(
            video_id=f"video-{video:05}",
            index=turn,
            start_s=turn,
            end_s=turn + 1,
            frame_s=turn,
            turns_per_s=1,
            jpeg_sha256="0" * 64,
            jpeg=pictures[(video * 7 + turn) % PICTURES],
            further=[TurnFrame(frame_s=turn + 0.5, jpeg=pictures[(video + turn) % PICTURES])],
        )
        for video in range(videos)
        for turn in range(seconds)
    ]


def events(videos: int, count: int) -> list[Event]:
    return [
        Event(
            video_id=f"video-{video:05}",
            event_id=f"{video:08x}{number:08x}",
            family="event",
            caption=f"Person number {number} opens a door and leaves the room.",
            start_s=number,
            end_s=number + 2,
            provenance=THIS_CALL,
        )
        for video in range(videos)
        for number in range(count)
    ]


def task_of(node: str, root: Location, inputs: Sequence[Location], url: str) -> ShardTask:
    """One shard of a node."""
    stage = load_stage(node)
    config = stage.config()
    prompts = {name: p for each in config.prompts() for name, p in load_prompts(each).items()}
    engine = HttpConfig(model="m", revision="1", base_url=url, concurrency=CONCURRENCY)
    return ShardTask(
        node=node,
        stage=node,
        shard=0,
        config=config.model_dump(mode="json"),
        media_root=root,
        engine=engine,
        prompts=prompts,
        cpus=1,
        gpus=0,
        inputs=(
            tuple((kind.__name__, part) for kind, part in zip(stage.reads, inputs, strict=True)),
        ),
        slot=root / "parts" / node / "recipe" / "part-00000-0123456789ab",
    )


def bodies_of(task: ShardTask) -> tuple[list[bytes], float]:
    """The requests of a shard, which is run for it, and how many frames one has on average."""
    assert isinstance(task.engine, HttpConfig)
    config, real = task.engine, HttpEngine.generate
    noted: list[tuple[Ask, Sampling]] = []

    def generate(self: HttpEngine, asks: Sequence[Ask], sampling: Sampling) -> Iterator[Answered]:
        noted.extend((ask, sampling) for ask in asks)
        return real(self, asks, sampling)

    with mock.patch.object(HttpEngine, "generate", generate):
        through_shard(task)
    bodies = [
        Body(config, ask, s).encode(n=1, temperature=s.temperature, seed=s.seed) for ask, s in noted
    ]
    return bodies, statistics.mean(len(ask.frames) for ask, _ in noted)


def through_shard(task: ShardTask) -> int:
    """How many asks were answered."""
    result = run_shard(task)
    if result.error or result.part is None or result.counts["rows_out"] < result.counts["asks"]:
        raise SystemExit(f"{task.node}: {result.error or result.counts}")
    for file in result.part.parent.walk():
        (result.part.parent / file).remove()
    return int(result.counts["asks"])


def bare(bodies: Sequence[bytes], url: str) -> int:
    """How many bodies were answered."""
    todo = iter(bodies)

    async def work(session: aiohttp.ClientSession) -> int:
        answered = 0
        for body in todo:
            async with session.post(f"{url}/chat/completions", data=body) as response:
                answered += "choices" in json.loads(await response.read())
        return answered

    async def all_of_them() -> int:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            return sum(await asyncio.gather(*(work(session) for _ in range(CONCURRENCY))))

    return asyncio.run(all_of_them())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--events", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    given = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    print("| node | asks | frames an ask | bare, CPU ms | shard, CPU ms | of bare |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        root = Location.of(Path(folder))
        rows: dict[type[Record], Sequence[Record]] = {
            DenseSegment: segments(given.videos, given.seconds),
            Event: events(given.videos, given.events),
        }
        parts = {
            kind: write_part(
                root / "parts" / kind.__name__ / "recipe" / "part-00000-0", kind, of, [], {}
            )
            for kind, of in rows.items()
        }
        reads: dict[str, list[type[Record]]] = {
            "narrate": [DenseSegment],
            "ground": [Event, DenseSegment],
        }
        for node, kinds in reads.items():
            with slot_server(CONCURRENCY, 0.02, ANSWERS, []) as url:
                task = task_of(node, root, [parts[kind] for kind in kinds], url)
                bodies, frames = bodies_of(task)
                spent: dict[str, list[float]] = {"bare": [], "shard": []}
                for _ in range(given.repeats):
                    for way, ms in spent.items():
                        start_s = time.process_time()
                        asks = bare(bodies, url) if way == "bare" else through_shard(task)
                        ms.append((time.process_time() - start_s) / asks * 1000)
                close_engines()
            least = {way: min(ms) for way, ms in spent.items()}
            found[node] = {"asks": len(bodies), "frames": frames, **least}
            print(
                f"| {node} | {len(bodies)} | {frames:.1f} | {least['bare']:.2f}"
                f" | {least['shard']:.2f} | {least['shard'] / least['bare']:.2f} |"
            )
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
