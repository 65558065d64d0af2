"""Compares the rows of a node with the truth of known videos: found or not, early or late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipeline.records import (
    Annotation,
    Change,
    ChangePoint,
    Event,
    FramedSegment,
    GroundedEvent,
    Verdict,
)
from pipeline.records.spans import TimeSpan, iou
from pipeline.reports.doctor.findings import Timing
from pipeline.reports.doctor.scene_inputs import KnownVideo
from pipeline.scoring.matching import match_times
from pipeline.workflow.stage import Stage

FAMILIES = ("event", "action")
WINDOW_S = 6.0
"""An answer or change point further from every change of its track matches none of them."""


def timing_of(
    stage: Stage[Any], rows: Iterable[Any], videos: Sequence[KnownVideo], family: str | None
) -> Timing | None:
    """The comparison of all rows of a stage; None for a stage that reads no frames, or writes other
    rows than these.

    - ``GroundedEvent``: the located span of true events against the true one.
    - ``Event``: spans against the true ones of their family that they overlap, one to one. A start
      or end that is also that of the video is left out.
    - ``Annotation``: answers after the first against the changes of the track of that aspect that
      the question names, else of the one that fits best; each at the first frame that shows it.
    - ``ChangePoint``: likewise those of a subject, where something held of it before.
    - ``Change``: whether true changes were found within a turn; their times are those of the turns.
    - ``Verdict``: whether true answers passed; it has no times.
    """
    every = list(rows)
    found: list[Timing] = []
    sees = any(issubclass(kind, FramedSegment) for kind in stage.reads)
    for video in videos if sees else ():
        own = [row for row in every if row.video_id == video.truth.video_id]
        if issubclass(stage.writes, GroundedEvent):
            found.append(_grounded(own, len(video.asked_events(family))))
        elif issubclass(stage.writes, Event):
            found += (_listed(video, own, each) for each in FAMILIES if family in (None, each))
        elif issubclass(stage.writes, Annotation):
            found += (_answered(video, row) for row in own)
        elif issubclass(stage.writes, ChangePoint):
            found += _points(video, own)
        elif issubclass(stage.writes, Change):
            found.append(_changes(video, own))
        elif issubclass(stage.writes, Verdict):
            found.append(Timing(sum(row.passed for row in own), len(own)))
    if not found:
        return None
    return Timing(
        sum(timing.found for timing in found),
        sum(timing.whole for timing in found),
        tuple(off_s for timing in found for off_s in timing.starts_s),
        tuple(off_s for timing in found for off_s in timing.ends_s),
    )


def turn_s(videos: Sequence[KnownVideo]) -> float:
    """Mean length of a turn; each video has at least one."""
    whole_s = sum(video.segments[-1].end_s for video in videos)
    return whole_s / sum(len(video.segments) for video in videos)


def _grounded(events: Sequence[GroundedEvent], asked: int) -> Timing:
    starts_s = [e.grounded_start_s - e.start_s for e in events if e.grounded_start_s is not None]
    ends_s = [e.grounded_end_s - e.end_s for e in events if e.grounded_end_s is not None]
    return Timing(len(starts_s), asked, tuple(starts_s), tuple(ends_s))


def _listed(video: KnownVideo, events: Sequence[Event], family: str) -> Timing:
    whole = begin_s, end_s = 0.0, video.truth.duration_s
    true = [(e.start_s, e.end_s) for e in video.truth.events if e.family == family]
    found = [(event.start_s, event.end_s) for event in events if event.family == family]
    pairs = _overlapping(true, found)
    # An event that lasts the whole video may be listed, but need not be.
    due = [(span, listed) for span, listed in pairs if span != whole]
    return Timing(
        len(due),
        sum(span != whole for span in true),
        tuple(listed[0] - span[0] for span, listed in due if span[0] > begin_s),
        tuple(listed[1] - span[1] for span, listed in due if span[1] < end_s),
    )


def _overlapping(
    true: Sequence[TimeSpan], predicted: Sequence[TimeSpan]
) -> list[tuple[TimeSpan, TimeSpan]]:
    """The alignment, in order of time, with most overlapping pairs, and of those the highest sum of
    IoUs.

    Best matches would not do: where events follow each other, each span of a late model overlaps
    the next event most.
    """
    best: dict[tuple[int, int], tuple[int, float, tuple[tuple[TimeSpan, TimeSpan], ...]]] = {}
    nothing = (0, 0.0, ())
    for i, known in enumerate(sorted(true)):
        for j, span in enumerate(sorted(predicted)):
            count, close, pairs = best.get((i - 1, j - 1), nothing)
            choices = [best.get((i - 1, j), nothing), best.get((i, j - 1), nothing)]
            if overlap := iou(known, span):
                choices.append((count + 1, close + overlap, (*pairs, (known, span))))
            best[i, j] = max(choices, key=lambda choice: choice[:2])
    return list(best.get((len(true) - 1, len(predicted) - 1), nothing)[2])


def _answered(video: KnownVideo, annotation: Annotation) -> Timing:
    answered_s = sorted(response.respond_s for response in annotation.responses)[1:]
    question = " ".join(question.text for question in annotation.questions)
    return _matched(video, annotation.aspect, question, answered_s)


def _points(video: KnownVideo, points: Sequence[ChangePoint]) -> Iterator[Timing]:
    subjects: dict[tuple[str, str], list[float]] = {}
    for point in points:
        times_s = subjects.setdefault((point.aspect, point.subject), [])
        if point.before:
            times_s.append(point.time_s)
    for (aspect, subject), times_s in subjects.items():
        yield _matched(video, aspect, subject, times_s)


def _matched(video: KnownVideo, aspect: str, naming: str, times_s: Sequence[float]) -> Timing:
    """Times against the changes of the track of that aspect whose subject a text names, or of the
    one that fits best; each at the first frame that shows it."""
    tracks = [track for track in video.truth.tracks if track.aspect == aspect]
    named = [track for track in tracks if track.subject in naming.casefold()]
    tried = [
        match_times(_shown(video, (v.time_s for v in track.values[1:])), times_s, WINDOW_S)
        for track in named or tracks
    ]
    best = min(tried, key=lambda p: (-len(p), sum(abs(b - a) for a, b in p)), default=[])
    return Timing(len(best), len(times_s), tuple(at_s - true_s for true_s, at_s in best))


def _changes(video: KnownVideo, changes: Sequence[Change]) -> Timing:
    true_s = _shown(video, (change.time_s for change in video.truth.changes))
    found_s = [change.time_s for change in changes if change.changed]
    return Timing(len(match_times(true_s, found_s, turn_s([video]))), len(true_s))


def _shown(video: KnownVideo, times_s: Iterable[float]) -> list[float]:
    """The times of the frames that first show what happens at these times, each once."""
    shown = {video.shown_s(time_s) for time_s in times_s}
    return sorted(time_s for time_s in shown if time_s is not None)
