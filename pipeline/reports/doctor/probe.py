"""A node asked about known videos, as a run asks it: its own stage, settings and prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from pipeline.engines.base import Ask, Engine, EngineConfig, Heard, Reply, Sampling, unheard
from pipeline.records import Reject
from pipeline.reports.doctor.findings import NodeReport
from pipeline.reports.doctor.scene_inputs import KnownVideo, family_of
from pipeline.reports.doctor.timing import timing_of, turn_s
from pipeline.workflow.graph import Node
from pipeline.workflow.stage import Context

SCENES = ("scene-01", "scene-04", "scene-09", "scene-12")
"""Short ones, with shapes that come, go, move and turn another colour, and with cuts."""
MENDED = "repaired"
"""What an engine says of an answer whose JSON it had to mend: it did not obey as it was."""


@dataclass
class JournaledEngine:
    """An ``NodeEngine`` whose engine is the seat itself: it passes on what it is asked, and keeps
    that and the answers."""

    kind: str
    model: str
    revision: str
    answering: Engine
    asks: list[Ask] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        """Itself."""
        return self

    @property
    def version(self) -> str:
        """Of the engine that answers."""
        return self.answering.version

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling, heard: Heard = unheard
    ) -> Sequence[Sequence[Reply]]:
        """See ``Engine.generate``."""
        replies = self.answering.generate(asks, sampling, heard)
        self.asks += asks
        self.replies += (reply for samples in replies for reply in samples)
        return replies


def ask_node(
    node: Node, config: EngineConfig, engine: Engine, videos: Sequence[KnownVideo]
) -> tuple[JournaledEngine, list[Any]]:
    """What was asked and answered when the stage ran over known videos, and the rows it wrote.

    Raises:
        EngineError: the engine is gone.
        PromptError: the prompt does not fit what the stage gives it.
    """
    seat = JournaledEngine(config.kind, config.model, config.revision, engine)
    context = Context(engine=seat, prompts=node.prompts)
    rows = [video.rows(family_of(node)) for video in videos]
    return seat, list(node.stage.run(rows, node.config, context))


def probe_node(
    node: Node, config: EngineConfig, engine: Engine, videos: Sequence[KnownVideo]
) -> NodeReport:
    """How the node did; ``ask_node`` says what it raises."""
    seat, rows = ask_node(node, config, engine, videos)
    faults = Counter(filter(None, (fault(node.stage.answer, reply) for reply in seat.replies)))
    rejects = Counter(row.reason for row in rows if isinstance(row, Reject))
    accepted = [row for row in rows if not isinstance(row, Reject)]
    return NodeReport(
        node=node.name,
        engine=config.kind,
        model=config.model,
        asks=len(seat.asks),
        replies=len(seat.replies),
        obeyed=len(seat.replies) - faults.total(),
        errors=dict(faults.most_common()),
        refused=dict(rejects.most_common()),
        timing=timing_of(node.stage, accepted, videos, family_of(node)),
        turn_s=turn_s(videos),
    )


def fault(answer: type[BaseModel] | None, reply: Reply) -> str | None:
    """Why a reply is no answer of that kind; None if it is one."""
    if reply.text is None or reply.detail == MENDED:
        return reply.error or MENDED
    try:
        if answer is not None:
            answer.model_validate_json(reply.text)
    except ValidationError:
        return "unparsable"
    return None
