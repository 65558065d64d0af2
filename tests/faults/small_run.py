"""A run of four videos without any video: its stages are small, all else is as in any run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from pydantic import BaseModel

from pipeline.cli import progress
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.execution import install, journaled_engine, worker
from pipeline.records import Dialogue, FramedSegment
from pipeline.run import main
from pipeline.workflow import graph
from pipeline.workflow.stage import Context, Stage, StageConfig, VideoRows
from tests.pipeline.conftest import InlineExecutor
from tests.pipeline.toys import ADMIT, Admitted, load_toy
from tests.runs.small_corpus import asked, dialogue_of, event, frames_of

VIDEOS = 4
SECONDS = 3.0
CONFIG = "small.yaml"
"""The name of the file."""


class Answer(BaseModel):
    """What the engine says of a video."""

    text: str


class WordConfig(StageConfig):
    """Settings of ``talk``."""

    word: str = "seen"


def look(videos: Iterable[VideoRows], config: StageConfig, context: Context) -> Iterator[Any]:
    """The frames of a video of three seconds."""
    for rows in videos:
        yield from frames_of(rows.video_id, SECONDS)


def talk(videos: Iterable[VideoRows], config: WordConfig, context: Context) -> Iterator[Any]:
    """One dialogue a video; what is said in it is asked."""
    assert context.engine is not None
    ids = [rows.video_id for rows in videos]
    asks = [Ask(name, f"{config.word} {name}?", Answer.model_json_schema()) for name in ids]
    said = dict(context.engine.generate(asks, Sampling()))
    for number, name in enumerate(ids):
        response = event("r0", 1, 2).model_copy(update={"text": str(said[number][0].text)})
        yield dialogue_of(frames_of(name, SECONDS), "narration", asked(0.0), [response])


LOOK = Stage("look", 1, (Admitted,), FramedSegment, StageConfig, look)
TALK = Stage("talk", 1, (Admitted,), Dialogue, WordConfig, talk, answer=Answer)
STAGES = {stage.name: stage for stage in (ADMIT, LOOK, TALK)}


class Echo:
    """An engine that says what it was asked."""

    version = "1"

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``."""
        for number, ask in enumerate(asks):
            yield number, [Reply(ask.request_id, f"Yes: {ask.text}")]

    def close(self) -> None:
        """Nothing is held."""


class Failing(Echo):
    """One that gives no answer in time to half of what it is asked."""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``."""
        for number, (reply,) in super().generate(asks, sampling):
            late = Reply(reply.request_id, error="timeout")
            yield number, [late if number % 2 else reply]


class Here(InlineExecutor):
    """Runs tasks in this process."""

    name = "local"
    workers = 1
    in_flight: Mapping[str, int] = {}


def write_config(folder: Path, **sections: object) -> Path:
    """The manifest and the config of the run, with further sections; its root is
    ``folder / "run"``."""
    rows = [{"video_id": f"v{i}", "n": i} for i in range(VIDEOS)]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "m.jsonl").write_text(text, encoding="utf-8")
    nodes = {
        "admit": {"stage": "admit"},
        "look": {"stage": "look", "after": ["admit"]},
        "talk": {"stage": "talk", "after": ["admit"], "engine": "captioner"},
        "write_files": {"stage": "write_files", "after": ["look", "talk"]},
        "write_corpus": {"stage": "write_corpus", "after": ["write_files"]},
    }
    config = {
        "run": {"name": "small", "root": str(folder / "run"), "videos_per_shard": 2},
        "source": {"path": str(folder / "m.jsonl")},
        "engines": {"captioner": {"kind": "embedded"}},
        "nodes": nodes,
        **sections,
    }
    path = folder / CONFIG
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def call_main(arguments: Sequence[str], *, failing: bool = False) -> int:
    """The command line in this process, with the stages above, one task after the other."""
    engine = Failing if failing else Echo

    def load(name: str) -> Stage[Any]:
        return STAGES[name] if name in STAGES else load_toy(name)

    put: Sequence[tuple[ModuleType, str, object]] = (
        (graph, "load_stage", load),
        (worker, "load_stage", load),
        (journaled_engine, "open_engine", lambda config: engine()),
        (progress, "open_executor", lambda *_: Here()),
        (install, "COPY_UP_TO_BYTES", 3000),  # so that some files are copied and some linked
    )
    for module, name, value in put:
        setattr(module, name, value)
    return main(arguments)
