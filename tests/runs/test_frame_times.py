"""Frames of videos of five minutes carry their numbers: every turn shows the one on screen then."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from pipeline.corpus.audit.official import official_drift
from pipeline.corpus.streamo.official_converter import official_frame_count
from pipeline.media.base import Clip
from pipeline.media.reader.container import container_count
from pipeline.records import Dialogue, FramedSegment, Record
from pipeline.store.location import Location
from pipeline.store.video_rows import read_videos
from tests.conftest import LONG
from tests.pipeline.media.barcode_clips import ffmpeg

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
LENGTH_S = 300
WIDTH, HEIGHT, FIELD_PX = 64, 32, 8
NODES = {
    "ingest": {"stage": "ingest"},
    "segment": {"stage": "segment", "after": ["ingest"]},
    "source_annotations": {"stage": "source_annotations", "after": ["ingest"]},
    "dialogue": {"stage": "dialogue", "after": ["source_annotations", "segment", "ingest"]},
}
BEGINS_S, OVER_S = 240.2, 287.3
ANSWER = {
    "kind": "qa",
    "question": "Which number is it?",
    "text": "A high one.",
    "asked_s": 3.5,
    "start_s": BEGINS_S,
    "end_s": OVER_S,
}


@dataclass(frozen=True)
class Video:
    """How a video is made, from the first frame to the first one at its length or after."""

    name: str
    ticks_per_s: int
    ticks: Callable[[int], int]
    """When the frame of that number is presented."""
    rate: str
    """Of frames that come to ffmpeg one after another."""
    timing: str
    """What ffmpeg then makes of their times."""
    misses_s: float
    """A clock that counts frames is off by more than this at the end."""

    @property
    def times_s(self) -> list[Fraction]:
        """When each frame is presented."""
        times = []
        for number in count():
            times.append(Fraction(self.ticks(number), self.ticks_per_s))
            if times[-1] >= LENGTH_S:
                return times
        raise AssertionError

    def make(self, folder: Path) -> None:
        """The file."""
        pixels = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", self.rate)
        coded = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-pix_fmt", "yuv420p")
        ticks = ("-enc_time_base", f"1:{self.ticks_per_s}")
        scale = ("-video_track_timescale", f"{self.ticks_per_s}")
        shown = (*pixels, "-i", "-", "-vf", self.timing, "-fps_mode", "passthrough")
        path = str(folder / self.name)
        ffmpeg(*shown, *coded, *ticks, *scale, path, raw=pictures(len(self.times_s)))


def pictures(frames: int) -> bytes:
    """Two rows of eight fields, lit where the number of the frame has a one, lowest first."""
    bits = np.arange(frames)[:, None] >> np.arange(16) & 1
    light = np.where(bits, 235, 16).astype(np.uint8).reshape(frames, 2, 8)
    return light.repeat(HEIGHT // 2, axis=1).repeat(FIELD_PX, axis=2).tobytes()


def number_of(jpeg: bytes) -> int:
    """The number that a picture shows."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None and image.shape == (HEIGHT, WIDTH)
    fields = image.reshape(2, HEIGHT // 2, 8, FIELD_PX)[:, 4:12, :, 2:6].mean(axis=(1, 3))
    assert np.all((fields < 60) | (fields > 190)), "neither dark nor lit"
    return sum(1 << bit for bit, light in enumerate(fields.flatten()) if light > 128)


def even(name: str, ticks_per_s: int, misses_s: float) -> Video:
    rate = f"{ticks_per_s}/1001"
    return Video(name, ticks_per_s, lambda number: 1001 * number, rate, "null", misses_s)


def uneven_ticks(number: int) -> int:
    """About 50 frames a second; from 80 s on 11, and every 300 frames a still of 3 s."""
    slow = max(number - 4000, 0)
    return 20 * number + 6 * (number**2 % 5) + 70 * slow + 3000 * (slow // 300)


SLOW = "max(N-4000\\,0)"
UNEVEN = f"settb=1/1000,setpts=20*N+6*mod(N*N\\,5)+70*{SLOW}+3000*floor({SLOW}/300)"
VIDEOS = (
    even("29.97.mp4", 30000, 9),
    Video("uneven.mp4", 1000, uneven_ticks, "30", UNEVEN, 4),
    *([even("23.976.mp4", 24000, 4), even("59.94.mp4", 60000, 4)] if LONG else ()),
)


@dataclass(frozen=True)
class Made:
    """What a run made of the videos, by name."""

    folder: Path
    dialogues: dict[str, Dialogue]
    segments: dict[str, Sequence[FramedSegment]]


@pytest.fixture(scope="module")
def made(cli: Any, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("frame_times")
    for video in VIDEOS:
        video.make(folder)
    rows = [{"video_id": v.name, "uri": v.name, "annotations": [ANSWER]} for v in VIDEOS]
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    config = {
        "run": {"root": str(folder / "run"), "videos_per_shard": 2, "workers": 2},
        "source": {"path": str(manifest)},
        "nodes": NODES,
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    cli(ROOT, "run", "-c", str(path))
    parts: dict[type[Record], list[Location]] = {
        kind: [*map(Location.of, sorted((folder / "run" / "parts" / node).glob("*/part-*")))]
        for kind, node in ((Dialogue, "dialogue"), (FramedSegment, "segment"))
    }
    made = Made(folder, {}, {})
    for found in read_videos([Dialogue, FramedSegment], parts):
        (made.dialogues[found.video_id],) = found[Dialogue]
        made.segments[found.video_id] = found[FramedSegment]
    return made


videos = pytest.mark.parametrize("video", VIDEOS, ids=lambda video: video.name)


@videos
def test_every_turn_shows_the_frame_on_screen_at_its_start(made: Made, video: Video) -> None:
    times_s = video.times_s
    dialogue, segments = made.dialogues[video.name], made.segments[video.name]
    assert len(dialogue.turns) == len(segments) == LENGTH_S + 1
    for second, (turn, segment) in enumerate(zip(dialogue.turns, segments, strict=True)):
        on_screen = bisect_right(times_s, second) - 1
        assert number_of(segment.jpeg) == on_screen, f"turn {second}"
        assert turn.frame_s == segment.frame_s == pytest.approx(float(times_s[on_screen]))
        assert turn.index == segment.index == turn.start_s == second
    assert all(before.end_s == after.start_s for before, after in pairwise(dialogue.turns))
    assert dialogue.turns[-1].end_s == dialogue.duration_s == segments[-1].end_s
    assert times_s[-1] < dialogue.duration_s <= LENGTH_S + 1
    if video.ticks_per_s > 1000:
        assert dialogue.duration_s == pytest.approx(1001 * len(times_s) / video.ticks_per_s)


@videos
def test_the_answer_stands_in_the_first_turn_after_its_evidence(made: Made, video: Video) -> None:
    turns = made.dialogues[video.name].turns
    assert [turn.index for turn in turns if turn.question] == [3]
    (said,) = (turn for turn in turns if turn.state == "response")
    assert (said.index, said.text) == (288, ANSWER["text"])
    times_s = video.times_s
    waiting = [turn.index for turn in turns if turn.state == "standby"]
    shows = [i for i in range(288) if times_s[bisect_right(times_s, i) - 1] >= BEGINS_S]
    assert waiting == shows and len(shows) >= 45


@videos
def test_a_clock_that_counts_frames_runs_off(made: Made, video: Video) -> None:
    times_s = video.times_s
    header = container_count(Clip(str(made.folder / video.name)))
    frames, rate = header.frames, header.rate
    assert frames == len(times_s)
    stride = int(rate)
    labels = official_frame_count(frames, rate, 1.0)
    off_s = [i - times_s[i * stride] for i in range(labels)]
    assert max(map(abs, off_s)) > video.misses_s
    if video.ticks_per_s > 1000:
        drift_s = LENGTH_S * official_drift(rate, 1.0)
        assert drift_s == pytest.approx(float(off_s[LENGTH_S]), abs=0.001)
        assert drift_s > video.misses_s
        assert labels > LENGTH_S + 1, "more turns than there are seconds"
