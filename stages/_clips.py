"""Reads the frames of a video, of one file or a stream of several. Pure but for the media."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from pipeline.media.base import Clip, Limits, Media, MediaError, Still, StillsRequest, frame_times
from pipeline.records import Video
from pipeline.records.streams import clip_starts
from pipeline.records.video import ListedClip, ManifestRow


def clip_of(listed: ManifestRow | ListedClip) -> Clip:
    """What is asked of the media for a row of one file, or for a clip of a stream."""
    return Clip(listed.uri, listed.clip_start_s, listed.clip_end_s)


def of_clip(error: MediaError, place: int, clip: ListedClip) -> MediaError:
    """The error, with the clip of the stream that it is about; ``place`` counts from 0."""
    return MediaError(error.reason, f"clip {place + 1}, {clip.uri}: {error.detail}")


def stills_of(
    video: Video, media: Media, request: StillsRequest, limits: Limits
) -> Sequence[Still]:
    """The stills of each turn of a video, in its time. Of a stream, the frame of a time is of the
    clip that is on then, so that none is shown of a clip that has not begun.

    Raises:
        MediaError: as ``Media.stills``; of a stream the detail names the clip. ``clip_outside`` too
            where a clip is shorter than when it was admitted.
    """
    if not video.clips:
        return media.stills(clip_of(video), request, limits)
    return list(_stream_stills(video, media, request, limits))


def _stream_stills(
    video: Video, media: Media, request: StillsRequest, limits: Limits
) -> Iterator[Still]:
    times = frame_times(video.duration_s, request.turns_per_s, request.frames_per_turn)
    starts = clip_starts(video.clips)
    # Turns start at the nearest float, and so do clips: by it a turn is of the one or the other.
    firsts = [bisect_left(times, start_s, key=float) for start_s in starts]
    for place, clip in enumerate(video.clips):
        here, begins_s = times[firsts[place] : firsts[place + 1]], starts[place]
        if not here:
            continue  # it lies between two frames
        first_s = max(0.0, float(here[0] - Fraction(begins_s)))
        own = replace(request, first_s=first_s, frames=len(here))
        try:
            stills = media.stills(clip_of(clip), own, limits)
            if len(stills) < len(here):
                detail = f"shorter than {clip.duration_s} s, its length when it was admitted"
                raise MediaError("clip_outside", detail)
        except MediaError as error:
            raise of_clip(error, place, clip) from error
        for time_s, still in zip(here, stills, strict=True):
            # Sums are rounded: a frame that is on at a time was not presented behind it.
            frame_s = min(begins_s + still.frame_s, float(time_s))
            yield replace(still, frame_s=frame_s)
