"""The rows that flow between stages.

One class per kind of row. A record is immutable and rejects unknown fields; its Arrow schema is
derived from it (``pipeline.records.schema``). Times are float64 seconds from the first presented
frame of the (clipped) video; spans are half-open ``[start_s, end_s)``.

A subclass adds columns, and its rows can be read as the base class: a reader of ``Segment`` also
reads ``FramedSegment``, without loading the pixels, and one of that the first frames of a
``DenseSegment``.
"""

from __future__ import annotations

from pipeline.records.annotation import Annotation, Check, Question, Response, Span, Verdict
from pipeline.records.base import (
    FILTER,
    THIS_CALL,
    ModelReply,
    Provenance,
    Ratio,
    Record,
    Reject,
    Seconds,
    State,
)
from pipeline.records.dialogue import (
    AskedQuestion,
    CorpusGroup,
    Dialogue,
    DialogueHead,
    PlacedResponse,
    ShardFile,
    TaskMixture,
)
from pipeline.records.event import (
    Aspect,
    Candidate,
    CaptionedEvent,
    Change,
    ChangePoint,
    Event,
    GroundedEvent,
    VerifiedEvent,
)
from pipeline.records.memory import MemoryLevel, Remembered, Summary
from pipeline.records.trajectory import (
    PieceRelevance,
    RolledOut,
    TypeDraw,
    VideoKind,
    VideoType,
)
from pipeline.records.turns import Turn, Turns
from pipeline.records.vector import CaptionedStream, ClipCaption, VideoCaption, VideoVector
from pipeline.records.video import (
    DenseSegment,
    FramedSegment,
    ListedClip,
    ManifestRow,
    Segment,
    SourceAnnotation,
    StreamClip,
    TurnFrame,
    Video,
)

__all__ = [
    "FILTER",
    "THIS_CALL",
    "Annotation",
    "AskedQuestion",
    "Aspect",
    "Candidate",
    "CaptionedEvent",
    "CaptionedStream",
    "Change",
    "ChangePoint",
    "Check",
    "ClipCaption",
    "CorpusGroup",
    "DenseSegment",
    "Dialogue",
    "DialogueHead",
    "Event",
    "FramedSegment",
    "GroundedEvent",
    "ListedClip",
    "ManifestRow",
    "MemoryLevel",
    "ModelReply",
    "PieceRelevance",
    "PlacedResponse",
    "Provenance",
    "Question",
    "Ratio",
    "Record",
    "Reject",
    "Remembered",
    "Response",
    "RolledOut",
    "Seconds",
    "Segment",
    "ShardFile",
    "SourceAnnotation",
    "Span",
    "State",
    "StreamClip",
    "Summary",
    "TaskMixture",
    "Turn",
    "TurnFrame",
    "Turns",
    "TypeDraw",
    "Verdict",
    "VerifiedEvent",
    "Video",
    "VideoCaption",
    "VideoKind",
    "VideoType",
    "VideoVector",
]
