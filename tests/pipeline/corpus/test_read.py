"""A corpus comes back from its files."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.read import read_corpus
from pipeline.corpus.write import write_corpus, write_group
from pipeline.records import ShardFile
from tests.refusing import refuse

Corpus = tuple[Path, list[ShardFile]]


def test_whole_videos_come_back_with_their_frames(
    corpus: Corpus, samples: list[VideoSample]
) -> None:
    found = {sample.video_id: sample for sample in read_corpus(corpus[0], frames=True)}
    assert len(found) == len(samples)
    for sample in samples:
        again = found[sample.video_id]
        assert list(again.dialogues) == list(sample.dialogues)
        assert [f.jpeg for f in again.frames] == [f.jpeg for f in sample.frames]
        assert [(f.index, f.frame_s, f.start_s, f.end_s) for f in again.frames] == [
            (f.index, f.frame_s, f.start_s, f.end_s) for f in sample.frames
        ]


def test_dialogues_come_back_without(corpus: Corpus, samples: list[VideoSample]) -> None:
    expected = {d.sample_id: d for sample in samples for d in sample.dialogues}
    found = [sample.dialogues[0] for sample in read_corpus(corpus[0], frames=False)]
    assert {d.sample_id: d for d in found} == expected and len(found) == len(expected)
    one = corpus[0] / "data" / "narration" / "train-00000-000.parquet"
    assert {s.dialogues[0].task for s in read_corpus(one, frames=False)} == {"narration"}


def test_what_is_no_corpus_is_said(
    corpus: Corpus, samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match="no_corpus"):
        list(read_corpus(tmp_path, frames=False))
    bare = settings.model_copy(update={"frames": False})
    write_corpus(tmp_path / "bare", samples, bare)
    with pytest.raises(CorpusError, match="no_frames"):
        list(read_corpus(tmp_path / "bare", frames=True))
    torn = tmp_path / "torn"
    shutil.copytree(corpus[0], torn)
    for path in (torn / "wds" / "train" / "00000-000.tar", next(torn.glob("data/tsqa/*.parquet"))):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for frames in (True, False):
        with pytest.raises(CorpusError, match="unreadable"):
            list(read_corpus(torn, frames=frames))


def respoken(tar: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The tar again, each of its rows changed."""
    spoilt = tar.with_suffix(".new")
    with tarfile.open(tar) as old, tarfile.open(spoilt, "w") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            text = content.read()
            if member.name.endswith(".json"):
                row = json.loads(text)
                change(row)
                text = json.dumps(row).encode()
                member.size = len(text)
            new.addfile(member, io.BytesIO(text))
    spoilt.replace(tar)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda row: row["dialogues"][0].update(state="asleep"), "state"),
        (lambda row: row.update(start_s=-1.0), "start_s"),
        (lambda row: row.update(mood="calm"), "mood"),
        (lambda row: row["dialogues"][0].update(sample_id="other"), "differ in the dialogues"),
        (lambda row: row.update(video_id="other"), "differ in the dialogues"),
    ],
)
def test_what_a_tar_has_and_rows_have_not_is_named(
    corpus: Corpus, tmp_path: Path, change: Callable[[dict[str, Any]], object], named: str
) -> None:
    shutil.copytree(corpus[0], tmp_path / "spoilt")
    respoken(tmp_path / "spoilt" / "wds" / "train" / "00000-000.tar", change)
    with pytest.raises(CorpusError, match=f"(?s)00000-000.tar.*{named}"):
        list(read_corpus(tmp_path / "spoilt", frames=True))


def test_a_tar_that_is_lost_or_of_an_earlier_form_is_noticed(
    corpus: Corpus, tmp_path: Path
) -> None:
    shutil.copytree(corpus[0], tmp_path / "spoilt")
    tars = tmp_path / "spoilt" / "wds" / "train"
    max(tars.iterdir()).unlink()
    with pytest.raises(CorpusError, match="holds videos that no tar of it has"):
        list(read_corpus(tmp_path / "spoilt", frames=True))
    (tars / "00000-000.tar").rename(tars / "000000.tar")
    with pytest.raises(CorpusError, match="is no tar of this form: write the corpus again"):
        list(read_corpus(tmp_path / "spoilt", frames=True))


def test_groups_come_back_one_after_the_other(
    samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    for number in range(3):
        own = samples[4 * number : 4 * number + 4]
        files = write_group(tmp_path / str(number), number, own, settings).files
        for file in files:
            (tmp_path / "corpus" / file.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / str(number) / file.path).rename(tmp_path / "corpus" / file.path)
    found = list(read_corpus(tmp_path / "corpus", frames=True))
    for split in ("train", "validation"):
        expected = [(s.video_id, s.dialogues) for s in samples if s.split == split]
        assert [(s.video_id, s.dialogues) for s in found if s.split == split] == expected


@pytest.mark.parametrize(
    ("refused", "frames"),
    [("data", False), ("data/tsqa", False), ("data/tsqa", True), ("wds/train", True)],
)
def test_a_folder_that_the_system_does_not_list_is_no_folder_without_files(
    corpus: Corpus, refused: str, frames: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dialogues would vanish, and nobody would be told."""
    refuse(monkeypatch, corpus[0] / refused)
    with pytest.raises(CorpusError, match=f"unreadable: .*{refused}"):
        list(read_corpus(corpus[0], frames=frames))
