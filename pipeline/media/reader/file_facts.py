"""Facts of a whole file: the digest of its bytes, its duration, hashes of a few frames."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from pipeline.media.base import DEFAULT_LIMITS, Clip, FileFacts, FileFactsRequest, Limits
from pipeline.media.reader import pyav_reader
from pipeline.media.reader.last_file import file_sha256, packet_index
from pipeline.media.reader.local_file import existing_file
from pipeline.media.reader.packet_index import Image
from pipeline.media.reader.stills import target_size
from pipeline.media.reader.timeline import clip_timeline

STEP = 2
"""Grey levels of 255 by which neighbours must differ to count: compression alone changes them by
about 1, so in flat areas smaller differences are random."""
FEWEST_STEPS = 16
"""Of 64 neighbours. Black, white and fading frames have almost none, a title on black has few: two
frames agree by chance when the picture sets less than a quarter of their bits."""

_ACROSS, _DOWN = 8, 8
_LONGER_PX = 128


def file_facts(uri: str, request: FileFactsRequest, limits: Limits = DEFAULT_LIMITS) -> FileFacts:
    """The requested facts of a local file. Its duration is that of its packets, not a stated one.

    Raises:
        MediaError: there is no such file, or, where duration or frames are requested, it holds no
            readable video.
    """
    file = existing_file(uri, limits)
    sha256 = file_sha256(file) if request.content else ""
    if not (request.length or request.frames):
        return FileFacts(sha256)
    index = packet_index(file, limits)
    timeline = clip_timeline(index, Clip(uri))
    if not request.frames:
        return FileFacts(sha256, timeline.duration_s)
    middles = (
        timeline.end_s * Fraction(2 * i + 1, 2 * request.frames) for i in range(request.frames)
    )
    shown = [timeline.on_screen(time_s) for time_s in middles]
    size = target_size(index.size, _LONGER_PX)
    hashes = pyav_reader.read(file, index, frozenset(shown), size, difference_hash)
    return FileFacts(sha256, timeline.duration_s, tuple(hashes[pts] for pts in shown))


def difference_hash(image: Image) -> int | None:
    """64 bits, row by row: whether each of 8 x 8 fields of the picture is darker than the field to
    its right. None where too few of them differ."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_ACROSS + 1, _DOWN), interpolation=cv2.INTER_AREA).astype(np.int16)
    steps = np.diff(small, axis=1)
    if np.count_nonzero(np.abs(steps) > STEP) < FEWEST_STEPS:
        return None
    return int.from_bytes(np.packbits(steps > STEP).tobytes(), "big")
