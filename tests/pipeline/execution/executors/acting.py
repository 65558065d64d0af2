"""A stage and an engine that do what a test tells them, in whatever process they run."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline import engines
from pipeline.engines.base import Ask, EngineConfig, Reply, Sampling
from pipeline.engines.placement import Placement
from pipeline.execution import worker
from pipeline.execution.executors.local import GPU_VARIABLE
from pipeline.media.decode import DecodeProcess
from pipeline.media.kept_media import KeptMedia
from pipeline.records import Record
from pipeline.store.location import Location
from pipeline.store.parts import write_manifest
from pipeline.workflow.stage import Context, Stage, StageConfig, VideoRows
from pipeline.workflow.task import PlannedTask, ShardResult


class Where(Record):
    """In which process a video came by, and what that could see."""

    video_id: str
    pid: int
    gpus: str


ASK_S = 0.1
"""So long an ask takes."""


class ActConfig(StageConfig):
    do: str = ""
    sleep_s: float = 0.0
    meet: int = 0
    """Wait until the stage has run in so many processes."""


class Panic(BaseException):
    """What a library written in another language may raise."""


class Holder(EngineConfig):
    """An engine that holds its GPUs, as files of a folder, until it has closed."""

    kind: str = "holder"
    revision: str = "1"
    folder: Path = Path()
    replicas: int = 1
    least: int | None = None
    size: int = 0
    slots: int = 1
    close_s: float = 0.0
    keeps: float = 0.0
    """CPUs."""

    @property
    def place(self) -> Placement:
        return Placement(cpus=self.keeps)

    def replica_configs(self) -> Sequence[EngineConfig]:
        return [self] * self.replicas

    @property
    def least_replicas(self) -> int:
        return self.replicas if self.least is None else self.least

    @property
    def gpus(self) -> int:
        return self.size

    @property
    def shards_in_flight(self) -> int:
        return self.slots


class Holding:
    """What a ``Holder`` opens."""

    version = "1"

    def __init__(self, config: Holder) -> None:
        names = filter(None, os.environ.get(GPU_VARIABLE, "").split(","))
        self.close_s = config.close_s
        self.held = [config.folder / f"gpu-{name}" for name in names]
        for path in self.held:
            path.touch(exist_ok=False)

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        for i, ask in enumerate(asks):
            time.sleep(ASK_S)
            yield i, [Reply(ask.request_id, "said")]

    def close(self) -> None:
        time.sleep(self.close_s)
        for path in self.held:
            path.unlink()


def act(videos: Iterable[VideoRows], config: ActConfig, context: Context) -> Iterator[Where]:
    """Do what the config says, then write where."""
    assert isinstance(context.media, KeptMedia)
    assert isinstance(context.media._media, DecodeProcess)
    folder = Path(context.media._media._root)
    if context.engine is not None:
        assert context.engine.version
    if config.meet:
        (folder / f"met-{os.getpid()}").touch()
        while len(list(folder.glob("met-*"))) < config.meet:
            time.sleep(0.05)
    time.sleep(config.sleep_s)
    if config.do == "ask" and context.engine is not None:
        list(context.engine.generate([Ask("a", "?", {})], Sampling()))
    if config.do == "exit":
        sys.exit("no more")
    if config.do == "interrupt":
        raise KeyboardInterrupt
    if config.do == "panic":
        raise Panic
    if config.do == "die and leave a child":
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
        child.start()
        (folder / f"child-{child.pid}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if config.do == "be unsendable":
        module: Any = worker
        module.ShardResult = lambda *result: lambda: result
    if config.do == "die once" and not (once := folder / "once").exists():
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if config.do == "stop" or (config.do == "stop once" and not (folder / "once").exists()):
        (folder / "once").write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    for row in context.manifest:
        gpus = os.environ.get(GPU_VARIABLE, "")
        yield Where(video_id=row["video_id"], pid=os.getpid(), gpus=gpus)


class Teaching(dict[str, Any]):
    """Settings that teach the process which receives them stage and engine."""

    def __reduce__(self) -> Any:
        return taught, (dict(self),)


def taught(settings: dict[str, Any]) -> dict[str, Any]:
    module: Any = ModuleType("stages.act")
    module.STAGE = Stage("act", 1, (), Where, ActConfig, act, scope="source")
    sys.modules["stages.act"] = module
    start: Any = engines._start
    replaced: Any = lambda c: Holding(c) if isinstance(c, Holder) else start(c)  # noqa: E731
    engines._start = replaced
    return settings


Tasks = Callable[..., Any]


@pytest.fixture
def make_task(tmp_path: Path) -> Tasks:
    """``make_task(shard, after, …)``: a task of the stage ``act``; the rest is its config."""

    def make(
        shard: int,
        after: Sequence[PlannedTask] = (),
        *,
        node: str = "act",
        engine: EngineConfig | None = None,
        cpus: float = 1,
        **config: Any,
    ) -> PlannedTask:
        folder = Location.of(tmp_path / node)
        write_manifest(folder / f"part-{shard:05d}-0", [{"video_id": f"v{shard}"}])
        return PlannedTask(
            node=node,
            stage="act",
            shard=shard,
            config=Teaching(config),
            needs=(tuple(("Where", other.key) for other in after),),
            folder=folder,
            media_root=Location.of(tmp_path),
            engine=engine,
            prompts={},
            cpus=cpus,
            gpus=0,
        )

    return make


def errors_of(results: Iterable[ShardResult]) -> dict[str, str]:
    """The last line of what went wrong, by node and shard."""
    return {f"{r.node}{r.shard}": r.error.splitlines()[-1] for r in results if r.error}


def parts_of(task: PlannedTask) -> list[Path]:
    """The part of a task, once it is there."""
    return list(Path(task.folder).glob(f"part-{task.shard:05d}-0-*"))


def places(tasks: Iterable[PlannedTask]) -> set[tuple[int, str]]:
    """The processes in which tasks were done, each with the GPUs that it saw."""
    parts = [part for task in tasks for part in parts_of(task)]
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    return {(row["pid"], row["gpus"]) for row in rows}
