"""What a model makes of a video as its own teacher: its type, what is relevant when, answers."""

from __future__ import annotations

from typing import Literal

from pipeline.records.base import THIS_CALL, Provenance, Ratio, Record, Seconds

VideoKind = Literal[
    "immediate_visual",
    "memory_dependent",
    "temporal_aggregation",
    "anticipatory_monitoring",
    "dynamic_event_description",
]
"""The types of video, by what they are best asked about. Source: arXiv:2605.10343."""


class VideoType(Record):
    """Which type of question a video is best for."""

    video_id: str = ""
    kind: VideoKind
    consistency: Ratio = 1.0
    """The share of the samples that say so."""
    provenance: Provenance = THIS_CALL


class TypeDraw(Record):
    """The videos of one type that are asked about: one row each for the whole dataset."""

    kind: VideoKind
    videos: int
    """Videos of the type."""
    drawn: int
    """Those with a ``hash_rank`` of at most ``last_rank``."""
    last_rank: str
    seed: int
    """Of ``hash_rank``."""


class PieceRelevance(Record):
    """One row of the relevance matrix: which questions of an annotation one piece bears on.

    A piece is a few turns, and nothing but their frames was looked at.
    """

    video_id: str = ""
    annotation_id: str
    index: int
    """Of the piece, from 0, among ``pieces``."""
    pieces: int
    """How many the video has."""
    start_s: Seconds
    end_s: Seconds
    after_s: Seconds | None
    """When the last frame before it was presented; null of the first piece."""
    first_frame_s: Seconds
    """When the first of its frames was presented."""
    frame_s: Seconds
    """When the last of its frames was presented."""
    qids: list[str]
    """The questions of the annotation, in their order; so too the next two."""
    scores: list[Ratio]
    """The share of the samples by which the piece is relevant to the question."""
    relevant: list[bool]
    provenance: Provenance = THIS_CALL


class RolledOut(Record):
    """One ask of a causal roll-out: a question, and what the frames up to then made of it."""

    video_id: str = ""
    annotation_id: str
    piece: int
    """The piece that the question is relevant to."""
    qid: str
    time_s: Seconds
    """When the latest frame that was shown was presented."""
    text: str
    """The answer; empty where there was no valid one."""
    outcome: Literal["said", "unchanged", "unknown", "failed"]
    """It is said; it is what was said last, so that nothing is; the frames do not show it yet; the
    ask has no valid answer, and the roll-out ends here."""
    provenance: Provenance = THIS_CALL
