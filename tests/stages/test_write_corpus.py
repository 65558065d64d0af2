from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.records import Dialogue, FramedSegment, ShardFile, Turn
from pipeline.workflow.stage import Context
from stages.write_corpus import STAGE, Config


@pytest.fixture
def videos(video_rows: Callable[..., Any]) -> list[Any]:
    found = []
    for video_id in ("a", "b"):
        frames = [
            FramedSegment(
                video_id=video_id,
                index=i,
                start_s=i,
                end_s=i + 1,
                frame_s=i,
                turns_per_s=1,
                jpeg=b"x",
            )
            for i in range(2)
        ]
        turns = [
            Turn(index=0, start_s=0, end_s=1, frame_s=0, state="silence", question="Q"),
            Turn(index=1, start_s=1, end_s=2, frame_s=1, state="response", text="A"),
        ]
        dialogue = Dialogue(
            sample_id=f"s-{video_id}", video_id=video_id, task="tsqa", aspect="", source="s",
            licence="CC0", split="train", sha256="0", uri="v", clip_start_s=0, clip_end_s=None,
            duration_s=2, width=0, height=0, turns_per_s=1, n_silence=1, n_standby=0, n_response=1,
            n_tail=0, models=[], annotation_ids=["x"], parent_ids=[], checks=[], provenance=[],
            questions=[], responses=[], turns=turns,
        )  # fmt: skip
        found.append(video_rows({Dialogue: [dialogue], FramedSegment: frames}, video_id))
    return found


def test_every_file_has_its_receipt(videos: list[Any], tmp_path: Path) -> None:
    files = list(STAGE.run(videos, Config(), Context(folder=tmp_path / "out")))
    assert all(isinstance(file, ShardFile) for file in files)
    on_disk = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert {file.path for file in files if isinstance(file, ShardFile)} == on_disk
    assert "data/tsqa/train-00000-of-00001.parquet" in on_disk
    assert "wds/train/000000.tar" in on_disk


def test_without_frames_there_is_no_tar(videos: list[Any], tmp_path: Path) -> None:
    files = list(STAGE.run(videos, Config(frames=False), Context(folder=tmp_path / "out")))
    assert not [f for f in files if isinstance(f, ShardFile) and f.path.endswith(".tar")]


def test_it_needs_a_folder(videos: list[Any]) -> None:
    with pytest.raises(TypeError, match="folder"):
        list(STAGE.run(videos, Config(), Context()))
