"""The records of a video's ground truth, the format of ``truth/<name>.json``.

``truth_of.py`` derives them from a script; the truth report (``pipeline.reports``) scores runs by
them.
"""

from __future__ import annotations

from typing import Literal

from pipeline.records import Record, Seconds

ChangeKind = Literal["enter", "leave", "move", "colour", "cut"]
Aspect = Literal["attribute", "position", "action", "count", "scene"]

GONE = "gone"
"""The value of an attribute, position or action track while its subject is out of view."""


class TrueChange(Record):
    """A change at ``time_s``, first shown by the first frame presented at or after it.

    A ``move`` is the start of a motion; the end of a motion is no change.
    """

    time_s: Seconds
    kind: ChangeKind
    text: str


class TrueEvent(Record):
    """What is true during ``[start_s, end_s)``.

    Family ``event``: a shape is in view, unless it always is, or a background, from cut to cut;
    family ``action``: a motion.
    """

    family: Literal["event", "action"]
    caption: str
    start_s: Seconds
    end_s: Seconds


class TrueValue(Record):
    """The right answer from ``time_s`` on, until the next value of the track."""

    time_s: Seconds
    value: str


class TrueTrack(Record):
    """The right answer to one question at each time of the video.

    ``values`` are in order of time; the first is at 0, and neighbours differ. By aspect:

    - ``count``: how many shapes are in view, in digits; the subject is "shapes";
    - ``scene``: the colour of the background; the subject is "background";
    - ``attribute``: the colour of the subject, for a shape that only one actor of the video has;
    - ``position``: the third of the frame (left, middle, right) that holds the subject's centre;
    - ``action``: "moving" or "still".

    The last three hold ``GONE`` while the subject is out of view.
    """

    aspect: Aspect
    subject: str
    values: list[TrueValue]


class Truth(Record):
    """The ground truth of one video. Changes and events are in order of time."""

    video_id: str
    duration_s: Seconds
    """To the end of the last frame."""
    script: str
    """Digest of the script."""
    changes: list[TrueChange]
    events: list[TrueEvent]
    tracks: list[TrueTrack]
