"""A corpus comes back from its files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.read import read_corpus
from pipeline.corpus.write import write_corpus
from pipeline.records import ShardFile

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
