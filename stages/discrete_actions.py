"""Leave out of the listed actions what is no discrete action: the targeted filtering of the paper.
Events pass.

reads:  Event, Video
writes: Event, all but the actions that a rule speaks against, in their order; a Reject for each of
        those
source: section 4.1 of arXiv:2512.21334, action caption, which says that there is such a filter and
        not what it does; the rules are ours
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import Field

from pipeline.records import Event, Reject, Video
from pipeline.records.spans import iou
from pipeline.settings import DEFAULT_LANGUAGE, LanguageCode
from pipeline.workflow.stage import Context, Reason, VideoRows, per_video_stage
from stages._consistency import texts_alike
from stages._coverage import CoverageConfig
from stages._discrete import fault_of
from stages._reasons import COVERS_VIDEO

ENGLISH = "en"
"""Also as ``en-GB``."""
REASONS = {"state": "state", "scene": "scene_description", "talk": "talk"}
"""By the fault of a caption."""


class Config(CoverageConfig):
    """What counts as a discrete action. The paper gives no rule, so no number either."""

    min_s: float = Field(
        0.5, ge=0, description="shorter ones are refused: at a frame a second nobody sees them"
    )
    max_s: float = Field(
        120.0,
        gt=0,
        description="longer ones are refused: an activity of minutes is a series of actions",
    )
    twin_iou: float = Field(
        0.8,
        ge=0,
        le=1,
        description="of two actions whose spans overlap so much over their union, and whose words"
        " are alike, one is refused",
    )
    twin_words: float = Field(
        0.7, ge=0, le=1, description="share of words, of both together, from which they are alike"
    )
    language: LanguageCode = Field(
        DEFAULT_LANGUAGE,
        description="language of the captions, as a code, the run's by default; rules by words"
        " (state, scene_description, talk) are there for English alone, and for others a reject"
        " says of each video that they did not apply",
    )

    @property
    def english(self) -> bool:
        """Whether the rules by words apply."""
        return self.language.partition("-")[0] == ENGLISH


class Refused(NamedTuple):
    """Why an event is no discrete action."""

    reason: str
    detail: str


def refusal_of(event: Event, duration_s: float, config: Config) -> Refused | None:
    """The first rule that an event breaks by itself."""
    length_s = event.end_s - event.start_s
    if length_s < config.min_s:
        return Refused("too_short", f"{length_s:.2f} s of at least {config.min_s:.2f} s")
    if excess := config.excess([(event.start_s, event.end_s)], duration_s):
        return Refused("covers_video", excess)
    if length_s > config.max_s:
        return Refused("too_long", f"{length_s:.2f} s of at most {config.max_s:.2f} s")
    fault = fault_of(event.caption) if config.english else None
    return Refused(REASONS[fault], event.caption) if fault else None


def twin_of(event: Event, kept: Sequence[Event], config: Config) -> Event | None:
    """The first of the kept events that says the same of the same time."""
    span = event.start_s, event.end_s
    for other in kept:
        overlap = iou(span, (other.start_s, other.end_s))
        if overlap >= config.twin_iou and (
            texts_alike(event.caption, other.caption) >= config.twin_words
        ):
            return other
    return None


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Event | Reject]:
    """The events and the discrete actions of one video. Of twins that stays which other samples
    bear out best, of equals the first."""
    duration_s = rows[Video][0].duration_s
    actions = [event for event in rows[Event] if event.family == "action"]
    refused = {e.event_id: r for e in actions if (r := refusal_of(e, duration_s, config))}
    kept: list[Event] = []
    for event in sorted(actions, key=lambda e: -e.consistency):
        if event.event_id in refused:
            continue
        if twin := twin_of(event, kept, config):
            refused[event.event_id] = Refused("twin", f"of {twin.event_id}: {twin.caption}")
        else:
            kept.append(event)
    if not config.english and actions:
        yield Reject(reason="words_not_judged", detail=f"language {config.language!r}")
    for event in rows[Event]:
        if reason := refused.get(event.event_id):
            yield Reject(reason=reason.reason, detail=reason.detail, row=event.model_dump_json())
        else:
            yield event


STAGE = per_video_stage(
    name="discrete_actions",
    version=2,
    reads=(Event, Video),
    writes=Event,
    config=Config,
    run=run,
    reasons=(
        Reason("state", "The caption says how or where something is, not what is done."),
        Reason("scene_description", "The caption is about the picture, not about what is done."),
        Reason("talk", "The caption says that somebody talks, which cannot be seen as an action."),
        COVERS_VIDEO,
        Reason("too_short", "The action is shorter than `min_s`."),
        Reason("too_long", "The action is longer than `max_s`."),
        Reason("twin", "Another action of the same time has nearly the same words."),
        Reason(
            "words_not_judged",
            "The captions of actions are not English: no rule by words was applied to the video.",
            absence=True,
        ),
    ),
)
