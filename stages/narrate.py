"""Say what changed from each frame to the next.

reads:  FramedSegment
writes: Change, one for every frame but the first, in order of time, also where nothing changed; a
        turn that shows the frame of the turn before again has none
source: section 4.1 of arXiv:2512.21334, real-time narration, step 2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pipeline.engines.base import Frame
from pipeline.records import Change, FramedSegment, Provenance, Reject
from pipeline.workflow.annotation_stage import annotation_stage
from pipeline.workflow.stage import VideoRows
from stages._asking import Answer, SampledConfig, printed, printed_times, shown
from stages._consistency import spokesman, texts_alike


class Config(SampledConfig):
    """How changes are asked for."""

    prompt: str = Field("narrate", description="prompt file")
    window_s: float = Field(
        2.0, gt=0, description="frames shown reach back this far, open; the paper shows two seconds"
    )


class ChangeSeen(Answer):
    """Whether something changed, and if so what."""

    changed: bool
    sentence: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


@dataclass(frozen=True)
class Pair:
    """The frame under question, last, after the one before it and earlier ones of the window."""

    window: tuple[FramedSegment, ...]

    @property
    def before(self) -> FramedSegment:
        """The frame that the last is compared with."""
        return self.window[-2]

    @property
    def after(self) -> FramedSegment:
        """The frame under question."""
        return self.window[-1]


def cases(rows: VideoRows, config: Config) -> Iterator[Pair | Reject]:
    """A pair for every frame but the first."""
    every = rows[FramedSegment]
    segments = [s for i, s in enumerate(every) if i == 0 or s.frame_s > every[i - 1].frame_s]
    if len(segments) < 2:
        yield Reject(video_id=rows.video_id, reason="one_frame")
    for i in range(1, len(segments)):
        opens_s = segments[i].frame_s - config.window_s
        first = i - 1
        while first > 0 and segments[first - 1].frame_s > opens_s:
            first -= 1
        yield Pair(tuple(segments[first : i + 1]))


def ask(pair: Pair, config: Config) -> tuple[Mapping[str, Any], tuple[Frame, ...]]:
    """All frames of the window; the change wanted is the one between the last two."""
    variables = {
        "before_s": printed(pair.before.frame_s),
        "after_s": printed(pair.after.frame_s),
        "frame_times": printed_times(pair.window),
    }
    return variables, shown(pair.window)


def changes_alike(a: ChangeSeen, b: ChangeSeen) -> float:
    """The words that two changes share; two that see none are the same."""
    if a.changed != b.changed:
        return 0.0
    return texts_alike(a.sentence, b.sentence) if a.changed else 1.0


def accept(
    pair: Pair, answers: Sequence[ChangeSeen], config: Config, provenance: Provenance
) -> Iterator[Change | Reject]:
    """The change that speaks for all answers; one without words, or in dispute, is refused."""
    chosen, consistency = spokesman(answers, changes_alike, provenance.samples)
    seen, after = answers[chosen], pair.after
    if seen.changed and not seen.sentence:
        yield Reject(
            video_id=after.video_id,
            reason="empty_sentence",
            detail=f"a change without words at {after.frame_s:.2f} s",
            row=seen.model_dump_json(),
        )
        return
    if consistency < config.min_consistency:
        yield Reject(
            video_id=after.video_id,
            reason="inconsistent",
            detail=f"{consistency:.2f} of {provenance.samples} answers at {after.frame_s:.2f} s",
            row=seen.model_dump_json(),
        )
        return
    yield Change(
        video_id=after.video_id,
        index=after.index,
        time_s=after.frame_s,
        changed=seen.changed,
        text=seen.sentence if seen.changed else "",
        consistency=consistency,
        provenance=provenance,
    )


STAGE = annotation_stage(
    name="narrate",
    version=2,
    reads=(FramedSegment,),
    writes=Change,
    config=Config,
    answer=ChangeSeen,
    cases=cases,
    ask=ask,
    accept=accept,
)
