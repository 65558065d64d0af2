"""The files of a group of shards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.records import CorpusGroup, Dialogue, FramedSegment, Turn
from pipeline.workflow.stage import Context
from stages import write_files


@pytest.fixture
def videos(video_rows: Callable[..., Any]) -> list[Any]:
    return videos_of(video_rows)


def videos_of(video_rows: Callable[..., Any]) -> list[Any]:
    """The rows of two videos, with a dialogue each."""
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


def written(videos: list[Any], folder: Path, group: int = 0, **settings: Any) -> CorpusGroup:
    context = Context(folder=folder, group=group)
    (row,) = write_files.STAGE.run(videos, write_files.Config(**settings), context)
    assert isinstance(row, CorpusGroup)
    return row


def test_every_file_has_its_receipt(videos: list[Any], tmp_path: Path) -> None:
    row = written(videos, tmp_path / "out", group=7)
    on_disk = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert row.group == 7 and {file.path for file in row.files} == on_disk
    assert "data/tsqa/train-00007-000.parquet" in on_disk
    assert "wds/train/00007-000.tar" in on_disk


def test_without_frames_there_is_no_tar(videos: list[Any], tmp_path: Path) -> None:
    row = written(videos, tmp_path / "out", frames=False)
    assert row.files and not [f for f in row.files if f.path.endswith(".tar")]


def test_it_needs_a_folder(videos: list[Any]) -> None:
    with pytest.raises(TypeError, match="folder"):
        list(write_files.STAGE.run(videos, write_files.Config(), Context()))
