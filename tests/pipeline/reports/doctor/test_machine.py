"""Programs, places to write and videos: there, or not, or not known."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.media.decode import DecodeProcess
from pipeline.reports.doctor import machine
from pipeline.reports.doctor.scene_inputs import KnownVideo
from pipeline.store.location import Location
from pipeline.workflow.graph import Node
from pipeline.workflow.source import Source


def test_programs_that_are_not_there_are_failures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert [finding.level for finding in machine.check_binaries()] == ["ok"]
    damaged = tmp_path / "ffmpeg"
    damaged.write_text("#!/bin/sh\nexit 1\n")
    damaged.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = list(machine.check_binaries())
    assert [(f.check, f.level) for f in found] == [("ffmpeg", "failure")]


def test_a_store_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    assert machine.check_store(Location.of(tmp_path / "runs" / "new")).level == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("taken")
    found = machine.check_store(Location.of(tmp_path / "run"))
    assert found.level == "failure" and "no file can be written" in found.text


@pytest.mark.parametrize(
    ("step", "done", "level"), [("rename", "renamed", "failure"), ("link", "linked", "warning")]
)
def test_a_store_that_cannot_rename_or_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, done: str, level: str
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr(os, step, refused)
    found = machine.check_store(Location.of(tmp_path))
    assert found.level == level and f"no file can be {done}: not permitted" in found.text
    assert list(tmp_path.iterdir()) == []


def test_space_is_held_against_the_frames_to_come(
    tmp_path: Path, videos: Sequence[KnownVideo]
) -> None:
    root, segments = Location.of(tmp_path / "runs" / "new"), videos[0].segments
    assert machine.check_space(root, 1, 60, segments).level == "ok"
    found = machine.check_space(root, 10**9, 3600, segments)
    assert found.level == "warning" and "GB of frames to come" in found.text


def test_rows_are_admitted_as_the_run_does(
    tmp_path: Path, nodes: Mapping[str, Node], videos: Sequence[KnownVideo]
) -> None:
    good = str(next(iter(_files(videos))))
    rows = [{"video_id": name, "uri": uri} for name, uri in (("a", "none.mp4"), ("b", good))]
    once, twice = (Source(each, Location.of(tmp_path)) for each in (rows, rows * 2))
    with DecodeProcess(tmp_path) as media:
        admitted, found = machine.admit(twice, 4, nodes["ingest"], media, 2)
        assert [video.video_id for video in admitted] == ["b"]
        assert found.level == "warning"
        assert "4 rows; of the first 2, 1 can be read" in found.text
        assert "1 missing_file; the first is a:" in found.text
        admitted, found = machine.admit(once, 2, nodes["ingest"], media, 1)
        assert (admitted, found.level) == ([], "failure")


def test_each_decoder_that_is_asked_for_is_tried(
    tmp_path: Path, nodes: Mapping[str, Node], videos: Sequence[KnownVideo]
) -> None:
    good, damaged = next(iter(_files(videos))), tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no video at all")
    with DecodeProcess(tmp_path) as media:
        (found,) = machine.check_readers(list(nodes.values()), good, media)
        assert (found.check, found.level) == ("decoder auto", "ok")
        (found,) = machine.check_readers(list(nodes.values()), damaged, media)
        assert found.level == "failure" and "not_a_video" in found.text


def _files(videos: Sequence[KnownVideo]) -> list[Path]:
    return [Path(video.video.uri) for video in videos]
