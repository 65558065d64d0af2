from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.media.base import Clip, MediaError, StillsRequest
from pipeline.media.decode import DecodeProcess
from pipeline.media.reasons import MEANINGS
from tests.conftest import LONG
from tests.pipeline.media.ffprobe import stream_facts

VIDEOS = Path(__file__).resolve().parents[3] / "../shared/videos"
LARGE_BYTES = 400_000


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not VIDEOS.is_dir(), reason="there is no folder ../shared/videos")
def test_every_video_at_hand_is_read_or_refused_with_a_reason() -> None:
    """All of them, or those that are not large."""
    reasons: dict[str, str] = {}
    paths = [path for path in VIDEOS.iterdir() if LONG or path.stat().st_size < LARGE_BYTES]
    with DecodeProcess(VIDEOS) as media:
        for path in sorted(paths):
            try:
                found = media.probe(Clip(path.name))
                seen = media.stills(Clip(path.name), StillsRequest(0.1))
            except MediaError as error:
                reasons[path.name] = error.reason
                continue
            if LONG and found.codec != "vvc":  # which many an ffprobe does not know
                codec, _, rotation_deg = stream_facts(path)
                assert (codec, rotation_deg) == (found.codec, found.rotation_deg), path.name
            assert len(seen) == max(1, -(-found.duration_s // 10)), path.name
            assert all(still.frame_s <= i * 10 for i, still in enumerate(seen)), path.name
    assert set(reasons.values()) <= MEANINGS.keys() - {"decode_timeout"}
    assert len(reasons) < 15, reasons
