"""A small corpus, made as the workflow makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import tiling_of
from pipeline.records import (
    Annotation,
    Check,
    Dialogue,
    FramedSegment,
    Question,
    Response,
    ShardFile,
    Video,
)


def frames_of(video_id: str, turns: int) -> list[FramedSegment]:
    """Stand-ins for pictures: the form only carries their bytes, of different lengths."""
    return [
        FramedSegment(
            video_id=video_id,
            index=i,
            start_s=float(i),
            end_s=float(i + 1),
            frame_s=i - 0.01 if i else 0.0,
            turns_per_s=1.0,
            jpeg=b"\xff\xd8" + f"{video_id} {i}".encode() * (20 + i) + b"\xff\xd9",
        )
        for i in range(turns)
    ]


def dialogue_of(frames: list[FramedSegment], task: str, split: str, model: str) -> Dialogue:
    video_id, duration_s = frames[0].video_id, float(len(frames))
    annotation = Annotation(
        video_id=video_id,
        annotation_id=f"{video_id}-{task}",
        task=task,
        questions=[Question(qid="q", text="Was geschieht? What happens?", asked_s=0.5)],
        responses=[
            Response(
                rid=f"r{i}",
                qid="q",
                kind="event",
                text=f"It is {i}, {video_id}.",
                start_s=start_s,
                end_s=end_s,
                respond_s=end_s,
            )
            for i, (start_s, end_s) in enumerate([(1.0, 3.0), (2.0, duration_s - (not model))])
        ],
        checks=[Check(name="answerable", passed=True, score=0.9, model="judge@1", rid="r0")]
        if model
        else [],
    )
    video = Video(
        video_id=video_id, uri=f"{video_id}", source="made_up", licence="CC0-1.0", split=split,
        duration_s=duration_s, width=64, height=48, rotation_deg=0, codec="h264", frame_rate=25,
        sha256="0",
    )  # fmt: skip
    (dialogue,), refused = build_dialogues(
        video, tiling_of(video_id, frames), [annotation], f"{video_id}-{task}-0"
    )
    assert not refused
    return dialogue.model_copy(update={"models": [model] if model else []})


@pytest.fixture(scope="session")
def settings() -> CorpusSettings:
    return CorpusSettings(title="A small corpus", licence="cc-by-4.0", tar_bytes=60_000)


@pytest.fixture(scope="session")
def samples() -> list[VideoSample]:
    """Twelve videos of two splits and three tasks, in an order that mixes them."""
    made = []
    for i in range(12):
        frames = frames_of(f"video/{i}.mp4", 6 + i)
        split = "validation" if i % 4 == 3 else "train"
        tasks = ("tsqa", "narration") if i % 2 else ("event_caption", "tsqa")
        # the first ones have no flags, models or checks: types cannot be guessed from them
        model = ("embedded@3", "teacher-7b@abc")[i % 2] if i > 6 else ""
        made.append(
            VideoSample([dialogue_of(frames, task, split, model) for task in tasks], frames)
        )
    return made


@pytest.fixture(scope="session")
def corpus(
    tmp_path_factory: pytest.TempPathFactory, samples: list[VideoSample], settings: CorpusSettings
) -> tuple[Path, list[ShardFile]]:
    folder = tmp_path_factory.mktemp("corpus")
    return folder, write_corpus(folder, iter(samples), settings)


@pytest.fixture
def offline_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``datasets`` as a user without a network has it, with a cache of its own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    import datasets
    import huggingface_hub.constants
    from datasets.utils.tqdm import disable_progress_bars

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    disable_progress_bars()
