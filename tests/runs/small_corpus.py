"""Dialogues of small videos with real frames, made as the workflow makes them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.write import write_group, write_whole
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import tiling_of
from pipeline.records import Annotation, Dialogue, FramedSegment, Question, Response, Video

TEXT = 'Der Zug hält; "Gleis 3" 列車が停車\u2028{x}'


def jpeg(number: int) -> bytes:
    """An encoded picture of 64 by 48 pixels."""
    picture = np.full((48, 64, 3), 20 * number % 256, np.uint8)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def frames_of(video_id: str, duration_s: float) -> list[FramedSegment]:
    """One a second; their times are a little before their turns, as in many a file."""
    turns = int(-(-duration_s // 1))
    return [
        FramedSegment(
            video_id=video_id,
            index=i,
            start_s=float(i),
            end_s=min(float(i + 1), duration_s),
            frame_s=i - 0.01 if i else 0.0,
            turns_per_s=1.0,
            jpeg=jpeg(i + len(video_id)),
        )
        for i in range(turns)
    ]


def event(rid: str, start_s: float, end_s: float, qid: str = "q0") -> Response:
    return Response(
        rid=rid, qid=qid, kind="event", text=f"{TEXT} {rid}", start_s=start_s, end_s=end_s,
        respond_s=end_s,
    )  # fmt: skip


def instant(rid: str, time_s: float, qid: str = "q0") -> Response:
    return Response(
        rid=rid, qid=qid, kind="instant", text=f"Now {rid}.", start_s=time_s, end_s=time_s,
        respond_s=time_s,
    )  # fmt: skip


def asked(*times_s: float) -> list[Question]:
    return [
        Question(qid=f"q{k}", text=f"What happens on the platform? ({k})", asked_s=time_s)
        for k, time_s in enumerate(times_s)
    ]


def dialogue_of(
    frames: Sequence[FramedSegment],
    task: str,
    questions: list[Question],
    responses: list[Response],
    split: str = "train",
) -> Dialogue:
    """None of the responses is refused."""
    video_id = frames[0].video_id
    video = Video(
        video_id=video_id, uri=f"videos/{video_id}", source="made", licence="CC0-1.0", split=split,
        duration_s=frames[-1].end_s, width=64, height=48, rotation_deg=0, codec="h264",
        frame_rate=25, sha256="0",
    )  # fmt: skip
    annotation = Annotation(
        video_id=video_id,
        annotation_id=f"{video_id}-{task}",
        task=task,
        questions=questions,
        responses=responses,
    )
    (dialogue,), refused = build_dialogues(
        video, tiling_of(video_id, frames), [annotation], f"{video_id}-{task}-0"
    )
    assert not refused
    return dialogue


def small_corpus() -> list[VideoSample]:
    """Four videos of 1 to 24 turns: a question in mid-stream, two responses in a turn, one that
    ends with the video, two splits."""
    a, b, c, d = (
        frames_of(name, duration_s)
        for name, duration_s in (("a.mp4", 6.4), ("b ü.mp4", 0.7), ("c.mp4", 24.0), ("d.mp4", 9.0))
    )
    many = [event(f"e{k}", 2.0 * k + 0.5, 2.0 * k + 2) for k in range(12)]
    return [
        VideoSample(
            [
                dialogue_of(a, "narration", asked(0.0), [event("r0", 1, 3), event("r1", 4, 6.4)]),
                dialogue_of(
                    a,
                    "tsqa",
                    asked(0.2, 3.4),
                    [instant("r0", 1.5), instant("r1", 3.9, "q1"), instant("r2", 3.7, "q1")],
                ),
            ],
            a,
        ),
        VideoSample([dialogue_of(b, "narration", asked(0.0), [instant("r0", 0.0)])], b),
        VideoSample([dialogue_of(c, "event_caption", asked(0.0, 9.5), many)], c),
        VideoSample([dialogue_of(d, "narration", asked(2.0), [event("r", 3, 5)], "validation")], d),
    ]


def grouped_samples(videos: int = 8) -> list[VideoSample]:
    """Videos of 7 turns and more; not each has a dialogue of each task."""
    made = []
    for number in range(videos):
        frames = frames_of(f"video {number}.mp4", 7.0 + number)
        tasks = [("narration",), ("tsqa", "narration"), ("event_caption",)][number % 3]
        made.append(
            VideoSample(
                [dialogue_of(frames, task, asked(0.0), [event("r", 1, 4)]) for task in tasks],
                frames,
            )
        )
    return made


def write_grouped(folder: Path, samples: Sequence[VideoSample]) -> None:
    """A corpus of two groups, of several tars and Parquet files each where ``samples`` are many."""
    settings = CorpusSettings(tar_bytes=60_000, parquet_bytes=20_000)
    half = len(samples) // 2
    groups = []
    for number, own in enumerate((samples[:half], samples[half:])):
        groups.append(write_group(folder / "group", number, own, settings))
        for file in groups[-1].files:
            place = folder / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            (folder / "group" / file.path).rename(place)
        shutil.rmtree(folder / "group")
    write_whole(folder, groups, settings)
