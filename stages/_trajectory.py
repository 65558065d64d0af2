"""What relevance matrices and causal roll-outs have in common: pieces, what rests on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from pipeline.records import FramedSegment, PieceRelevance, Response

TASK: Final = "trajectory"


class FrameTimes(Protocol):
    """A piece by its frames: when the last one before it, its first and its last were presented,
    in seconds."""

    @property
    def after_s(self) -> float | None:
        """None of the first piece."""
        ...

    @property
    def first_frame_s(self) -> float:
        """Of its first frame."""
        ...

    @property
    def frame_s(self) -> float:
        """Of its last frame."""
        ...


class Piece(NamedTuple):
    """A few turns of a video, with their frames."""

    place: int
    """Of the piece in its video, from 0."""
    turns: Sequence[FramedSegment]
    after_s: float | None

    @property
    def first_frame_s(self) -> float:
        """When its first frame was presented."""
        return self.turns[0].frame_s

    @property
    def frame_s(self) -> float:
        """When its last frame was presented."""
        return self.turns[-1].frame_s


def pieces(video: Sequence[FramedSegment], turns: int) -> list[Piece]:
    """The pieces of a video, ``turns`` to each; the last may have fewer."""
    return [
        Piece(place, video[at : at + turns], video[at - 1].frame_s if at else None)
        for place, at in enumerate(range(0, len(video), turns))
    ]


def rests_on(response: Response, video: Sequence[FrameTimes]) -> list[int]:
    """Which of the pieces of a video show what a response rests on, by place. They are in order of
    time, and some may be missing.

    Those with a frame within its evidence, or within its span where it names none. Of an instant,
    and of evidence between two frames, it is the one with the first frame as late; of what no frame
    shows, none.
    """
    spans = [(span.start_s, span.end_s) for span in response.evidence]
    found = set[int]()
    for start_s, end_s in spans or [(response.start_s, response.end_s)]:
        within = {
            place
            for place, each in enumerate(video)
            if each.first_frame_s < end_s and each.frame_s >= start_s
        }
        found |= within or {
            place
            for place, each in enumerate(video)
            if each.frame_s >= start_s and (each.after_s is None or each.after_s < start_s)
        }
    return sorted(found)


def is_whole(rows: Sequence[PieceRelevance]) -> bool:
    """Whether every piece of the video was judged; ``rows`` are in order."""
    return bool(rows) and [row.index for row in rows] == list(range(rows[0].pieces))
