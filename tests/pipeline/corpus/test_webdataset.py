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
from pipeline.corpus.names import sample_key
from pipeline.corpus.webdataset import TarFiles, TurnRow
from pipeline.records import ShardFile


def read_tars(tars: list[str]) -> list[Any]:
    rows: Any = WebDataset(tars, shardshuffle=False).decode()
    return list(rows)


def stored_bytes(tar: Path, *, samples: int | None = None) -> int:
    """What the first so many samples, or all, take up in a tar: header and padded content."""
    with tarfile.open(tar) as opened:
        members = opened.getmembers()[: None if samples is None else 2 * samples]
    return sum(512 + -(-member.size // 512) * 512 for member in members)


def test_webdataset_reads_frames_byte_for_byte_and_what_dialogues_have(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample]
) -> None:
    folder, _ = corpus
    for split in ("train", "validation"):
        tars = [str(tar) for tar in sorted((folder / "wds" / split).glob("*.tar"))]
        read = read_tars(tars)
        expected = [(s, frame) for s in samples if s.split == split for frame in s.frames]
        for row, (sample, frame) in zip(read, expected, strict=True):
            assert row["__key__"] == f"{sample_key(sample.video_id)}/{frame.index:06d}"
            assert row.keys() - {"__key__", "__url__", "__local_path__"} == {"jpg", "json"}
            assert row["jpg"] == frame.jpeg
            turn = TurnRow.model_validate(row["json"])
            assert (turn.video_id, turn.split, turn.frame_s) == (
                *(sample.video_id, split, frame.frame_s),
            )
            for shown, dialogue in zip(turn.dialogues, sample.dialogues, strict=True):
                own = dialogue.turns[frame.index]
                assert (shown.sample_id, shown.state) == (dialogue.sample_id, own.state)
                assert (shown.question, shown.text) == (own.question, own.text)
                assert shown.loss and shown.loss_scale == 1.0


def test_a_turn_that_repeats_a_window_is_not_learned_from_and_weights_are_kept(
    samples: list[VideoSample], tmp_path: Path
) -> None:
    (one, _), frames = samples[0].dialogues, samples[0].frames
    count = len(one.turns)
    weighed = one.turns.weighed([True, True, False, *[None] * (count - 3)], [2.0] * count)
    window = one.model_copy(update={"turns": weighed, "context_turns": 1})
    late = one.model_copy(update={"sample_id": "late", "turns": one.turns[2:]})
    with TarFiles(tmp_path, 0, tar_bytes=1 << 30) as tars:
        tars.add(VideoSample([window, late], frames))
        (file,) = tars.finish()
    turns = [TurnRow.model_validate(row["json"]) for row in read_tars([str(tmp_path / file.path)])]
    assert [len(turn.dialogues) for turn in turns] == [1, 1, *[2] * (count - 2)]
    weights = [(turn.dialogues[0].loss, turn.dialogues[0].loss_scale) for turn in turns]
    assert weights == [(False, 0.0), (True, 2.0), (False, 2.0), *[(True, 2.0)] * (count - 3)]


def test_a_tar_is_as_full_as_it_may_be(
    corpus: tuple[Path, list[ShardFile]], settings: CorpusSettings
) -> None:
    tars = [file for file in corpus[1] if file.path.startswith("wds/train/")]
    assert len(tars) > 1
    assert all(tar.size_bytes <= settings.tar_bytes for tar in tars)
    for tar, after in pairwise([corpus[0] / tar.path for tar in tars]):
        with tarfile.open(after) as opened:
            keys = [member.name.partition("/")[0] for member in opened]
        first = keys.count(keys[0]) // 2
        both = stored_bytes(tar) + stored_bytes(after, samples=first) + 2 * 512
        assert -(-both // 10_240) * 10_240 > settings.tar_bytes


def test_a_video_larger_than_a_tar_has_one_to_itself(
    samples: list[VideoSample], tmp_path: Path
) -> None:
    with TarFiles(tmp_path, 2, tar_bytes=1) as tars:
        for sample in samples[:3]:
            tars.add(sample)
        files = tars.finish()
    assert [(file.path, file.rows) for file in files] == [
        (f"wds/train/00002-{number:03d}.tar", len(samples[number].frames)) for number in range(3)
    ]


def test_members_carry_no_trace_of_who_wrote_them(corpus: tuple[Path, list[ShardFile]]) -> None:
    with tarfile.open(corpus[0] / "wds/train/00000-000.tar") as tar:
        members = tar.getmembers()
    traces = {(m.uid, m.gid, m.uname, m.gname, m.mtime, m.mode) for m in members}
    assert traces == {(0, 0, "", "", 0, 0o644)}
    keys = {member.name.partition(".")[0] for member in members}
    assert {f"{key}.{form}" for key in keys for form in ("json", "jpg")} == {
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
    with TarFiles(tmp_path / "corpus", 0, tar_bytes=1 << 30) as tars:
        for sample in named:
            tars.add(sample)
        files = tars.finish()
    found = set()
    for file in files:
        with tarfile.open(tmp_path / "corpus" / file.path) as tar:
            for member in tar.getmembers():
                assert member.isreg()
                assert re.fullmatch(r"[0-9a-f]{32}/\d{6}\.(json|jpg)", member.name)
            tar.extractall(tmp_path / "out", filter="data")
        read = read_tars([str(tmp_path / "corpus" / file.path)])
        found |= {row["json"]["video_id"] for row in read}
    assert found == set(HOSTILE_IDS)
