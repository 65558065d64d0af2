"""What models found in a video, or a dataset states about it."""

from __future__ import annotations

from typing import Literal

from pipeline.records.base import THIS_CALL, Provenance, Ratio, Record, Seconds

Aspect = Literal["attribute", "position", "action", "count", "scene"]
"""In what way something can change."""


class Change(Record):
    """What changed since the turn before, as seen up to ``time_s``, or that nothing did."""

    video_id: str = ""
    index: int
    """The turn whose frame is the last one that was shown, at ``time_s``."""
    time_s: Seconds
    changed: bool
    text: str
    consistency: Ratio = 1.0
    """How much the samples of the ask have in common (``stages/_consistency.py``)."""
    provenance: Provenance = THIS_CALL


class ChangePoint(Record):
    """A moment from which on something else holds of a subject, in one aspect."""

    video_id: str = ""
    aspect: Aspect
    subject: str
    """What changes, by the same name in all its change points."""
    before: str
    """What holds until then; empty where nothing does: the subject is not in view, or it has not
    been seen yet."""
    after: str
    """What holds from then on, to the next change point of the subject and aspect; empty where the
    subject is no longer in view."""
    time_s: Seconds
    """Of the first frame that shows it."""
    seen: str
    """The change in a sentence, as the model saw it."""
    provenance: Provenance = THIS_CALL


class Event(Record):
    """Something with a caption and a span."""

    video_id: str = ""
    event_id: str = ""
    family: Literal["event", "action"]
    caption: str
    start_s: Seconds
    end_s: Seconds
    consistency: Ratio = 1.0
    """How well the other samples of the ask bear out its span."""
    provenance: Provenance | None
    """The model call that found it; null where it comes from a dataset, whose ``origin`` is set."""
    origin: Literal["human", "model", "asr", ""] = ""
    """Who wrote the dataset's annotation; empty where a model of this run found the event."""

    @property
    def found_by(self) -> tuple[Provenance, ...]:
        """The model call that found it; none where it comes from a dataset."""
        return (self.provenance,) if self.provenance else ()


class GroundedEvent(Event):
    """An event that was located again by its caption alone. Null where it was not found."""

    grounded_start_s: Seconds | None
    grounded_end_s: Seconds | None
    grounding_consistency: Ratio = 1.0
    """How much the samples of the second ask have in common."""
    denied: Ratio = 0.0
    """The share of the samples that say it is not in the video; one without a valid answer does
    not."""
    grounding: Provenance = THIS_CALL


class Candidate(Event):
    """A description of which a verifier is to say whether it is in a video; its ``caption`` is the
    question as it would be asked.

    Its span is that of the real event it was made from: of an ``other_event`` in the other video.
    """

    kind: Literal["other_event", "near_miss", "planted"]
    """An event of another video; a real event with one thing changed; a real event, which the
    verifier must not deny."""
    attribute: str = ""
    """Of a near miss, what was changed."""
    parent_id: str
    """The annotation whose question it was made from."""
    calls: list[Provenance]
    """The model calls behind that annotation, first to last."""
    written_by: list[str] = []
    """``Annotation.origins`` of that annotation."""


class VerifiedEvent(GroundedEvent):
    """Whether the two spans agree; kept or not, both stay, so a threshold can be swept later."""

    iou: Ratio
    kept: bool
    reason: str
    """Empty when kept."""


class CaptionedEvent(VerifiedEvent):
    """A kept event with the caption as it is to be said."""

    text: str
    """Empty when the rewriting gave no valid sentence."""
    rewriting: Provenance = THIS_CALL
