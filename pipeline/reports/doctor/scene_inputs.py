"""Input rows of stages, made from the truth of a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from pipeline.media.scenes.truth import GONE, TrueEvent, TrueTrack, Truth
from pipeline.records import (
    Annotation,
    CaptionedEvent,
    CaptionedStream,
    Change,
    ChangePoint,
    ClipCaption,
    DenseSegment,
    Event,
    FramedSegment,
    GroundedEvent,
    PieceRelevance,
    Provenance,
    Question,
    Record,
    Response,
    Segment,
    VerifiedEvent,
    Video,
    VideoCaption,
    VideoType,
)
from pipeline.records.streams import stream_of
from pipeline.workflow.graph import Node

R = TypeVar("R", bound=Record)

OF_EVENTS = (Event, GroundedEvent, VerifiedEvent, CaptionedEvent)
OF_FRAMES = (Segment, FramedSegment, DenseSegment)
OF_CHANGES = (Change, ChangePoint, Annotation)
OF_CLIPS = (VideoCaption, CaptionedStream)
OF_STREAMS = (VideoType, PieceRelevance)
MADE: tuple[type[Record], ...] = (
    *(Video, *OF_FRAMES, *OF_CHANGES, *OF_EVENTS, *OF_CLIPS, *OF_STREAMS),
)
"""The kinds of rows that can be made."""

GROUNDING = "event_grounding"

QUESTIONS: Mapping[str, str] = {
    "count": "How many {} are in view?",
    "scene": "What colour is the {}?",
    "attribute": "What colour is the {}?",
    "action": "What is the {} doing?",
}
"""By aspect. Position is left out: it is ambiguous while a thing moves."""

_NO_TEXTS = ("prompt", "prompt_sha", "revision", "engine", "engine_version", "request_id")
_NO_NUMBERS = ("temperature", "max_tokens", "seed", "samples", "tokens_in", "tokens_out")
_TRUTH = Provenance.model_validate(
    dict.fromkeys(_NO_TEXTS, "") | dict.fromkeys(_NO_NUMBERS, 0) | {"stage": "", "model": "truth"}
)


@dataclass(frozen=True)
class KnownRows:
    """The rows of one video, by kind: a ``VideoRows``."""

    video_id: str
    kinds: Mapping[type[Record], Sequence[Record]]

    def __getitem__(self, kind: type[R]) -> Sequence[R]:
        """Raises KeyError for a kind without rows."""
        return self.kinds[kind]  # type: ignore[return-value]  # each kind maps to rows of its own


@dataclass(frozen=True)
class KnownVideo:
    """A video, its turns as the run cuts it, and its truth."""

    video: Video
    segments: tuple[FramedSegment, ...]
    truth: Truth

    def shown_s(self, time_s: float) -> float | None:
        """The time of the first frame at or after a time; None after the last."""
        return next((s.frame_s for s in self.segments if s.frame_s >= time_s), None)

    def asked_events(self, family: str | None) -> list[TrueEvent]:
        """The events of a family (None: of all) that can be asked for: their caption is unique, and
        they neither start nor end with the video."""
        captions = [event.caption for event in self.truth.events]
        return [
            event
            for event in self.truth.events
            if family in (None, event.family) and captions.count(event.caption) == 1
            if event.start_s > 0 and event.end_s < self.truth.duration_s
        ]

    def asked_tracks(self) -> list[TrueTrack]:
        """The tracks with more than one value, and a value at all times."""
        return [
            track
            for track in self.truth.tracks
            if track.aspect in QUESTIONS and len(track.values) > 1
            if all(value.value != GONE for value in track.values)
        ]

    def rows(self, family: str | None, task: str = "tsqa") -> KnownRows:
        """Rows of all kinds in ``MADE``; the events are those of a family (None: of all), and the
        annotations those of a task, tsqa or event_grounding."""
        events = [self._event(event) for event in self.asked_events(family)]
        annotations = self._groundings() if task == GROUNDING else self._annotations()
        kinds: dict[type[Record], Sequence[Record]] = {
            Video: [self.video],
            FramedSegment: self.segments,
            DenseSegment: [row for row in self.segments if isinstance(row, DenseSegment)],
            Segment: [_as(Segment, segment) for segment in self.segments],
            Change: self._changes(),
            ChangePoint: [point for track in self.asked_tracks() for point in self._points(track)],
            Annotation: annotations,
            PieceRelevance: [row for asked in annotations for row in self._matrix(asked)],
            VideoCaption: [VideoCaption(caption=self._caption, provenance=_TRUTH)],
            CaptionedStream: [self._stream()],
            VideoType: [VideoType(kind="temporal_aggregation", provenance=_TRUTH)],
        }
        kinds |= {kind: [_as(kind, event) for event in events] for kind in OF_EVENTS}
        return KnownRows(self.truth.video_id, kinds)

    @property
    def _caption(self) -> str:
        """What happens in the video, in the order of its events."""
        return " ".join(f"{event.caption.rstrip('.')}." for event in self.truth.events)

    def _stream(self) -> CaptionedStream:
        """The video as a stream of one clip."""
        fields = {"caption": self._caption, "provenance": _TRUTH, "similarity": 1.0, "link": None}
        stream = stream_of(self.video.video_id, [self.video])
        return CaptionedStream(**dict(stream), captions=(ClipCaption.model_validate(fields),))

    def _matrix(self, asked: Annotation) -> list[PieceRelevance]:
        """Each turn a piece, and the last one relevant to all that is asked: a roll-out then asks
        with all frames."""
        qids, last = [question.qid for question in asked.questions], len(self.segments) - 1
        return [
            PieceRelevance(
                video_id=self.truth.video_id,
                annotation_id=asked.annotation_id,
                index=place,
                pieces=len(self.segments),
                start_s=segment.start_s,
                end_s=segment.end_s,
                after_s=self.segments[place - 1].frame_s if place else None,
                first_frame_s=segment.frame_s,
                frame_s=segment.frame_s,
                qids=qids,
                scores=[float(place == last)] * len(qids),
                relevant=[place == last] * len(qids),
                provenance=_TRUTH,
            )
            for place, segment in enumerate(self.segments)
        ]

    def _event(self, event: TrueEvent) -> CaptionedEvent:
        return CaptionedEvent(
            **event.model_dump(),
            video_id=self.truth.video_id,
            event_id=f"{self.truth.video_id} {event.caption}",
            provenance=_TRUTH,
            grounded_start_s=event.start_s,
            grounded_end_s=event.end_s,
            grounding=_TRUTH,
            iou=1,
            kept=True,
            reason="",
            text=event.caption,
            rewriting=_TRUTH,
        )

    def _changes(self) -> list[Change]:
        """At most one a frame, as a narrator writes them."""
        index = {segment.frame_s: segment.index for segment in self.segments}
        shown = {self.shown_s(c.time_s): c.text for c in reversed(self.truth.changes)}
        changes = sorted((time_s, text) for time_s, text in shown.items() if time_s is not None)
        return [
            Change(
                video_id=self.truth.video_id,
                index=index[time_s],
                time_s=time_s,
                changed=True,
                text=text,
                provenance=_TRUTH,
            )
            for time_s, text in changes
        ]

    def _points(self, track: TrueTrack) -> list[ChangePoint]:
        """The changes of a track that a frame shows, each at the first that does."""
        shown = [(b.value, a.value, self.shown_s(a.time_s)) for b, a in pairwise(track.values)]
        return [
            ChangePoint(
                video_id=self.truth.video_id,
                aspect=track.aspect,
                subject=track.subject,
                before=before,
                after=after,
                time_s=time_s,
                seen=f"{track.subject}: {before}, then {after}.",
                provenance=_TRUTH,
            )
            for before, after, time_s in shown
            if time_s is not None
        ]

    def _annotations(self) -> list[Annotation]:
        """A question for each track that can be asked for."""
        return [self._annotation(i, track) for i, track in enumerate(self.asked_tracks())]

    def _groundings(self) -> list[Annotation]:
        """A question for each event that can be asked for."""
        return [
            Annotation(
                video_id=self.truth.video_id,
                annotation_id=f"{self.truth.video_id} {event.caption}",
                task=GROUNDING,
                questions=[Question(qid="q0", text=event.caption, asked_s=0)],
                responses=[Response.event("r0", event.caption, event.start_s, event.end_s)],
            )
            for event in self.asked_events(None)
        ]

    def _annotation(self, number: int, track: TrueTrack) -> Annotation:
        shown = [(self.shown_s(value.time_s), value.value) for value in track.values]
        text = QUESTIONS[track.aspect].format(track.subject)
        return Annotation(
            video_id=self.truth.video_id,
            annotation_id=f"{self.truth.video_id} {number}",
            task="tsqa",
            aspect=track.aspect,
            questions=[Question(qid="q0", text=text, asked_s=0)],
            responses=[
                Response(
                    **dict.fromkeys(("start_s", "end_s", "respond_s"), time_s),
                    rid=f"r{i}",
                    qid="q0",
                    kind="instant",
                    text=value,
                )
                for i, (time_s, value) in enumerate(shown)
                if time_s is not None
            ],
        )


def family_of(node: Node) -> str | None:
    """The family of events that a node lists or reads; None for all."""
    own = getattr(node.config, "families", ())
    above = {*own} or {found for found in map(family_of, node.after) if found}
    return above.pop() if len(above) == 1 else None


def task_of(node: Node) -> str:
    """The task of the annotations that a node reads: those made of events ask for them."""
    above = (other.stage for other in node.after if issubclass(other.stage.writes, Annotation))
    return GROUNDING if any(VerifiedEvent in stage.reads for stage in above) else "tsqa"


def _as(kind: type[R], row: Record) -> R:
    return kind.model_validate({name: getattr(row, name) for name in kind.model_fields})
