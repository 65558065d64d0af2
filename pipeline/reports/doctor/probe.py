"""A node asked about known videos, as a run asks it: its own stage, settings and prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from pipeline.engines.answer import REPAIRED
from pipeline.engines.base import Ask, Engine, EngineConfig, Reply, Sampling
from pipeline.engines.configured import ConfiguredEngine
from pipeline.records import Reject
from pipeline.reports.doctor.findings import NodeReport
from pipeline.reports.doctor.scene_inputs import KnownVideo, family_of, task_of
from pipeline.reports.doctor.timing import timing_of, turn_s
from pipeline.workflow.graph import Node
from pipeline.workflow.stage import Context

SCENES = ("scene-01", "scene-04", "scene-09", "scene-12")
"""Short ones, with shapes that come, go, move and turn another colour, and with cuts."""


class RecordingEngine(ConfiguredEngine):
    """Passes asks on, and keeps them and their replies."""

    def __init__(self, config: EngineConfig, answering: Engine) -> None:
        """``answering`` answers, under the names of ``config``."""
        super().__init__(config, lambda: answering)
        self.asks: list[Ask] = []
        self.replies: list[Reply] = []

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``ConfiguredEngine.generate``."""
        found = {}
        for i, replies in super().generate(asks, sampling):
            found[i] = replies
            yield i, replies
        self.asks += asks
        self.replies += (reply for i in range(len(asks)) for reply in found[i])


def ask_node(
    node: Node, config: EngineConfig, engine: Engine, videos: Sequence[KnownVideo]
) -> tuple[RecordingEngine, list[Any]]:
    """What was asked and answered when the stage ran over known videos, and the rows it wrote.

    Raises:
        EngineError: the engine is gone.
        PromptError: the prompt does not fit what the stage gives it.
    """
    recording = RecordingEngine(config, engine)
    context = Context(engine=recording, prompts=node.prompts)
    rows = [video.rows(family_of(node), task_of(node)) for video in videos]
    return recording, list(node.stage.run(rows, node.config, context))


def probe_node(
    node: Node, config: EngineConfig, engine: Engine, videos: Sequence[KnownVideo]
) -> NodeReport:
    """How the node did; ``ask_node`` says what it raises."""
    recording, rows = ask_node(node, config, engine, videos)
    faults = Counter(filter(None, (fault(node.stage.answer, reply) for reply in recording.replies)))
    rejects = Counter(row.reason for row in rows if isinstance(row, Reject))
    accepted = [row for row in rows if not isinstance(row, Reject)]
    return NodeReport(
        node=node.name,
        engine=config.kind,
        model=config.model,
        asks=len(recording.asks),
        replies=len(recording.replies),
        obeyed=len(recording.replies) - faults.total(),
        errors=dict(faults.most_common()),
        refused=dict(rejects.most_common()),
        timing=timing_of(node.stage, accepted, videos, family_of(node)),
        turn_s=turn_s(videos),
    )


def fault(answer: type[BaseModel] | None, reply: Reply) -> str | None:
    """Why a reply is no answer of that kind; None if it is one."""
    if reply.text is None or reply.detail == REPAIRED:
        return reply.error or REPAIRED
    try:
        if answer is not None:
            answer.model_validate_json(reply.text)
    except ValidationError:
        return "unparsable"
    return None
