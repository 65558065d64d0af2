"""What is to be said of the run that made a corpus: what came in, by whom and how it was made.

Values that whoever sees the whole run fills in, for the card and for ``run.json`` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

RUN: Final = "run.json"
"""The file of these facts in a corpus."""
CONFIG: Final = "config.yaml"
"""The file of the config in a corpus."""
TENTHS: Final = 10


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Intake:
    """What became of the videos of the manifest.

    ``videos = annotated + rejected + absent + unfinished + in_streams``.
    """

    videos: int
    annotated: int
    rejected: Mapping[str, int]
    """By the reason that was the first."""
    unfinished: int = 0
    absent: Mapping[str, int] = field(default_factory=dict)
    """Likewise, of those with which nothing is wrong: they gave nothing, or were not wanted."""
    in_streams: int = 0
    """Clips of streams, without a dialogue of their own."""
    streams: int = 0
    streams_annotated: int = 0


class Teacher(_Value):
    """A model in a role of the run, and what it was asked. Tokens are those of the replies that the
    parts of the run have: what they cost to make once."""

    role: str
    kind: str
    model: str
    revision: str
    settings: dict[str, Any]
    """What else changes its answers."""
    nodes: list[str]
    asks: int
    unanswered: int
    tokens_in: int
    tokens_cached: int
    """Of ``tokens_in``, those that a server had computed before."""
    tokens_out: int
    cost: float | None
    """At the prices that the config states; None where it states none."""
    currency: str


class Asked(_Value):
    """What all nodes together were asked."""

    fresh_an_hour: int = 0
    """Tokens of prompts for an hour of video that no engine had cached."""
    cached_an_hour: int = 0
    filtered: int = 0
    """Asks that the still filter saved."""
    reused: int = 0
    """Asks that replies saved which were there, to the same ask."""


class PromptFacts(_Value):
    """A prompt, whose text lies beside the card."""

    name: str
    sha: str
    """As in ``provenance`` of rows."""
    nodes: list[str]


class Setting(_Value):
    """A setting of a node, and what it means."""

    node: str
    name: str
    value: Any
    meaning: str


class Turned(_Value):
    """Rows that a node turned down for a reason, and the settings that it depends on. A reason that
    has settings is there with no rows, too."""

    reason: str
    rows: int
    absence: bool
    """Nothing was wrong with them."""
    settings: dict[str, Any]


class NodeFacts(_Value):
    """What a node of the run took in and gave."""

    node: str
    stage: str
    version: int
    videos_in: int
    videos_out: int
    rows_out: int
    turned_down: list[Turned]


class Agreement(_Value):
    """How far two locations of the same events agree, by a node that compared them."""

    node: str
    events: int
    kept: int
    not_found: int
    tenths: list[int]
    """Events by IoU: in [0, 0.1), [0.1, 0.2), …, [0.9, 1]; without those not found again."""


class HumanTiming(_Value):
    """Spans of the run beside those that people described. None where nothing was to compare."""

    what: str
    spans: int
    """Of people."""
    mean_iou: float | None
    at_0_5: float | None
    """Share of them that a span of the run overlaps with an IoU of at least 0.5."""
    starts_s: float | None
    """Median, by which starts of the run are late; negative: early. So too the next one."""
    ends_s: float | None


class Withdrawn(_Value):
    """What ``corpus.exclude`` withdrew for one reason."""

    reason: str
    videos: int
    samples: int


class RunFacts(_Value):
    """All of it. Texts are files of their own, and no part of ``run.json``."""

    intake: Intake
    teachers: list[Teacher] = []
    asked: Asked = Asked()
    prompts: list[PromptFacts] = []
    policies: list[Setting] = []
    """How dialogues are made of annotations."""
    nodes: list[NodeFacts] = []
    agreement: list[Agreement] = []
    timing: list[HumanTiming] = []
    withdrawn: list[Withdrawn] = []
    config: str = Field("", exclude=True)
    """YAML, with nothing in it of machines and keys."""
    texts: dict[str, str] = Field({}, exclude=True)
    """Of prompts, by name."""


def tenth(share: float) -> int:
    """The number of a share's tenth, from 0; 1 belongs to the last."""
    return min(int(share * TENTHS), TENTHS - 1)
