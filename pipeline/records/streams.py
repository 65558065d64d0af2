"""Streams: videos that are clips of several files, one after the other. Pure.

The time of a stream runs on: a clip begins where the one before it ends.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple, TypeVar

from pipeline.records.video import SourceAnnotation, StreamClip, Video

T = TypeVar("T")

JOINT = " + "
"""Between the sources, and the licences, of a stream whose clips have several."""
NOT_STATED = "not stated"
"""In their place where a clip states none, while another does."""


class ClipSpan(NamedTuple):
    """Seconds ``[start_s, end_s)`` of one clip, from its first presented frame; ``clip`` is its
    place in the stream, from 0."""

    clip: int
    start_s: float
    end_s: float


def clip_starts(clips: Iterable[StreamClip]) -> tuple[float, ...]:
    """When each clip begins, in seconds of the stream; one more: when the last ends."""
    return tuple(accumulate((clip.duration_s for clip in clips), initial=0.0))


def clip_at(clips: Sequence[StreamClip], time_s: float) -> tuple[int, float]:
    """The place of the clip that is on at a second of the stream, and which second of it that is.

    The last one for a time at or after the end. Without clips, a video is its own only one.
    """
    starts = clip_starts(clips)
    place = max(0, min(bisect_right(starts, time_s), len(clips)) - 1)
    return place, time_s - starts[place]


def clip_spans(clips: Sequence[StreamClip], start_s: float, end_s: float) -> list[ClipSpan]:
    """A span of the stream as one of each clip that it touches, in order; an instant is one."""
    if not clips or start_s >= end_s:
        place, second_s = clip_at(clips, start_s)
        return [ClipSpan(place, second_s, second_s + max(0.0, end_s - start_s))]
    return [
        ClipSpan(place, max(0.0, start_s - begins_s), min(end_s, ends_s) - begins_s)
        for place, (begins_s, ends_s) in enumerate(pairwise(clip_starts(clips)))
        if begins_s < end_s and start_s < ends_s
    ]


def clips_of(video: Video) -> tuple[StreamClip, ...]:
    """The clips that a video adds to a stream: itself, or, of a stream, its own."""
    if video.clips:
        return tuple(clip.model_copy(update={"video_id": video.video_id}) for clip in video.clips)
    fields = {name: getattr(video, name) for name in StreamClip.model_fields}
    return (StreamClip(**fields),)


def stream_of(
    video_id: str, videos: Sequence[Video], annotations: Sequence[SourceAnnotation] = ()
) -> Video:
    """The stream of these videos, in their order.

    ``annotations`` are those of the stream, in its time: what was said of one video need not hold
    of the stream, so none is taken over (``moved_on`` has them in the time of the stream).

    Raises:
        ValueError: there are none, or they are of several splits.
    """
    splits = {video.split for video in videos}
    if len(splits) != 1:
        raise ValueError(f"{video_id!r}: {len(videos)} videos of splits {sorted(splits)}")
    clips = tuple(clip for video in videos for clip in clips_of(video))
    width, height = max(((v.width, v.height) for v in videos), key=lambda size: size[0] * size[1])
    return Video(
        video_id=video_id,
        source=joined(clip.source for clip in clips),
        licence=joined(clip.licence for clip in clips),
        split=splits.pop(),
        annotations=list(annotations),
        clips=clips,
        duration_s=clip_starts(clips)[-1],
        width=width,
        height=height,
        rotation_deg=same([video.rotation_deg for video in videos], 0),
        codec=same([video.codec for video in videos], ""),
        frame_rate=same([video.frame_rate for video in videos], 0.0),
        sha256="",
    )


def moved_on(annotation: SourceAnnotation, by_s: float) -> SourceAnnotation:
    """An annotation of a clip in the time of its stream, in which the clip begins at ``by_s``."""
    times = {
        name: time_s + by_s
        for name in ("asked_s", "start_s", "end_s")
        if (time_s := getattr(annotation, name)) is not None
    }
    return annotation.model_copy(update=times)


def same(values: Sequence[T], otherwise: T) -> T:
    """What all of the values are; ``otherwise`` where they differ."""
    return values[0] if len(set(values)) == 1 else otherwise


def joined(names: Iterable[str]) -> str:
    """The different names, such as of sources; empty where none is stated."""
    found = set(names)
    return JOINT.join(sorted(name or NOT_STATED for name in found)) if found != {""} else ""
