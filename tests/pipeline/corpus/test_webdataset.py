from __future__ import annotations

import re
import tarfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from webdataset.compat import WebDataset

from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.webdataset import TarFiles, VideoRow, sample_key
from pipeline.records import ShardFile


def read_tars(tars: list[str]) -> list[Any]:
    rows: Any = WebDataset(tars, shardshuffle=False).decode()
    return list(rows)


def stored_bytes(tar: Path, *, samples: int | None = None) -> int:
    """What the first so many samples, or all, take up in a tar: header and padded content."""
    with tarfile.open(tar) as opened:
        members = opened.getmembers()[: None if samples is None else 2 * samples]
    return sum(512 + -(-member.size // 512) * 512 for member in members)


def test_webdataset_reads_dialogues_and_frames_byte_for_byte(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample]
) -> None:
    folder, _ = corpus
    for split in ("train", "validation"):
        tars = [str(tar) for tar in sorted((folder / "wds" / split).glob("*.tar"))]
        read = read_tars(tars)
        expected = [sample for sample in samples if sample.split == split]
        assert [row["__key__"] for row in read] == [sample_key(s.video_id) for s in expected]
        for row, sample in zip(read, expected, strict=True):
            video = VideoRow.model_validate(row["json"])
            assert video.dialogues == sample.dialogues
            assert (video.video_id, video.split) == (sample.video_id, split)
            assert video.frame_s == [frame.frame_s for frame in sample.frames]
            frames = row["npz"]
            assert [frames[n].dtype.str for n in ("jpeg", "offset", "frame_s")] == [
                *("|u1", "<i8", "<f8")
            ]
            offset = frames["offset"]
            jpegs = [frames["jpeg"][a:b].tobytes() for a, b in pairwise(offset)]
            assert jpegs == [frame.jpeg for frame in sample.frames]
            assert frames["frame_s"].tolist() == video.frame_s


def test_a_tar_is_as_full_as_it_may_be(
    corpus: tuple[Path, list[ShardFile]], settings: CorpusSettings
) -> None:
    tars = [file for file in corpus[1] if file.path.startswith("wds/train/")]
    assert len(tars) > 1
    assert all(tar.size_bytes <= settings.tar_bytes for tar in tars)
    for tar, after in pairwise([corpus[0] / tar.path for tar in tars]):
        both = stored_bytes(tar) + stored_bytes(after, samples=1) + 2 * 512
        assert -(-both // 10_240) * 10_240 > settings.tar_bytes


def test_a_video_larger_than_a_tar_has_one_to_itself(
    samples: list[VideoSample], tmp_path: Path
) -> None:
    with TarFiles(tmp_path, tar_bytes=1) as tars:
        for sample in samples[:3]:
            tars.add(sample)
        files = tars.finish()
    assert [(file.path, file.rows) for file in files] == [
        (f"wds/train/{number:06d}.tar", 1) for number in range(3)
    ]


def test_members_carry_no_trace_of_who_wrote_them(corpus: tuple[Path, list[ShardFile]]) -> None:
    with tarfile.open(corpus[0] / "wds/train/000000.tar") as tar:
        members = tar.getmembers()
    traces = {(m.uid, m.gid, m.uname, m.gname, m.mtime, m.mode) for m in members}
    assert traces == {(0, 0, "", "", 0, 0o644)}
    keys = {member.name.partition(".")[0] for member in members}
    assert {f"{key}.{form}" for key in keys for form in ("json", "npz")} == {
        member.name for member in members
    }


HOSTILE_IDS = [
    "../../etc/passwd",
    "/etc/passwd",
    "a/../../b",
    "-rf",
    "a\0b",
    "a\nb",
    "..",
    ".",
    "a.json",
]


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(HOSTILE_IDS))
def test_no_name_of_a_video_leads_anywhere(video_id: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", sample_key(video_id))


def test_tars_of_hostile_names_unpack_into_their_folder(
    samples: list[VideoSample], tmp_path: Path
) -> None:
    named = [
        VideoSample(
            [d.model_copy(update={"video_id": name}) for d in sample.dialogues], sample.frames
        )
        for name, sample in zip(HOSTILE_IDS, samples, strict=False)
    ]
    with TarFiles(tmp_path / "corpus", tar_bytes=1 << 30) as tars:
        for sample in named:
            tars.add(sample)
        files = tars.finish()
    found = set()
    for file in files:
        with tarfile.open(tmp_path / "corpus" / file.path) as tar:
            for member in tar.getmembers():
                assert member.isreg()
                assert re.fullmatch(r"[0-9a-f]{32}\.(json|npz)", member.name)
            tar.extractall(tmp_path / "out", filter="data")
        read = read_tars([str(tmp_path / "corpus" / file.path)])
        found |= {row["json"]["video_id"] for row in read}
    assert found == set(HOSTILE_IDS)
