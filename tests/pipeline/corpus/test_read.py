"""A corpus comes back from its files."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.read import read_corpus
from pipeline.corpus.write import write_corpus
from pipeline.records import ShardFile, Turn, Turns

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
    one = corpus[0] / "data" / "narration" / "train-00000-of-00001.parquet"
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
    for path in (torn / "wds" / "train" / "000000.tar", next(torn.glob("data/tsqa/*.parquet"))):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for frames in (True, False):
        with pytest.raises(CorpusError, match="unreadable"):
            list(read_corpus(torn, frames=frames))


def test_no_record_is_made_of_a_turn_in_a_tar(
    corpus: Corpus, samples: list[VideoSample], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a record of a turn")

    monkeypatch.setattr(Turns, "of", refuse)
    monkeypatch.setattr(Turn, "trusted", refuse)
    found = [sample.dialogues for sample in read_corpus(corpus[0], frames=True)]
    given = {sample.video_id: sample.dialogues for sample in samples}
    assert all(given[each[0].video_id] == each for each in found)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"state": "asleep"}, "state"),
        ({"start_s": -1.0}, "start_s"),
        ({"start_s": None}, "start_s"),
        ({"mood": "calm"}, "mood"),
        ({"index": 7}, "turn 7 stands where"),
        ({"question": 5}, "question"),
        ({"qids": "q"}, "qids"),
    ],
)
def test_what_no_turn_has_is_named(
    corpus: Corpus, tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    source = corpus[0] / "wds" / "train" / "000000.tar"
    spoilt = tmp_path / "wds" / "train" / "000000.tar"
    spoilt.parent.mkdir(parents=True)
    shutil.copytree(corpus[0] / "data", tmp_path / "data")
    with tarfile.open(source) as old, tarfile.open(spoilt, "w") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            text = content.read()
            if member.name.endswith(".json"):
                row = json.loads(text)
                row["dialogues"][-1]["turns"][1].update(change)
                text = json.dumps(row).encode()
                member.size = len(text)
            new.addfile(member, io.BytesIO(text))
    with pytest.raises(CorpusError, match=f"(?s)000000.tar.*{named}"):
        list(read_corpus(tmp_path, frames=True))
