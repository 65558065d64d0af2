"""Dialogues chosen by hash, of one file or many, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.corpus.choose import choose_dialogues
from pipeline.corpus.layout import CorpusError, VideoSample
from pipeline.corpus.read import corpus_parts
from pipeline.errors import ConfigError
from pipeline.records import Dialogue, ShardFile
from pipeline.records.schema import from_table, to_table
from pipeline.store.location import Location

Corpus = tuple[Path, list[ShardFile]]


def test_the_same_ones_however_they_are_stored(
    corpus: Corpus, samples: list[VideoSample], tmp_path: Path
) -> None:
    every = [dialogue for sample in samples for dialogue in sample.dialogues]
    for rows in (1, 7, 100):
        pq.write_table(
            to_table(Dialogue, every[::-1]), tmp_path / f"{rows}.parquet", row_group_size=rows
        )
    for seed in range(3):
        chosen, among = choose_dialogues(corpus_parts(corpus[0]), 5, seed=seed)
        assert among == len(every) == 24
        assert all(dialogue in every for dialogue in chosen)
        assert len({dialogue.sample_id for dialogue in chosen}) == 5
        for path in tmp_path.iterdir():
            assert choose_dialogues([Location.of(path)], 5, seed=seed) == (chosen, 24)
    firsts = {
        choose_dialogues(corpus_parts(corpus[0]), 1, seed=s)[0][0].sample_id for s in range(9)
    }
    assert len(firsts) > 3


def test_of_a_task_and_of_a_video(corpus: Corpus) -> None:
    files = corpus_parts(corpus[0])
    chosen, among = choose_dialogues(files, 100, task="narration")
    assert {dialogue.task for dialogue in chosen} == {"narration"} and len(chosen) == among == 6
    chosen, among = choose_dialogues(files, 100, video="video/3.mp4")
    assert {dialogue.task for dialogue in chosen} == {"tsqa", "narration"} and among == 2
    chosen, _ = choose_dialogues(files, 100, task="tsqa", video="video/3.mp4")
    assert [(dialogue.task, dialogue.video_id) for dialogue in chosen] == [("tsqa", "video/3.mp4")]


@pytest.mark.parametrize(
    ("task", "video", "said"),
    [
        ("tsq", "", "--task: there is no 'tsq'; there are 'event_caption', 'narration', 'tsqa'"),
        ("", "3.mp4", "--video: there is no '3.mp4'; did you mean 'video/3.mp4'?"),
        ("", "gone", "--video: there is no 'gone'; for example 'video/0.mp4', 'video/2.mp4'"),
        ("narration", "video/0.mp4", "no dialogue of 'narration'; it has 'event_caption', 'tsqa'"),
    ],
)
def test_what_is_there_is_named_where_nothing_is_found(
    corpus: Corpus, task: str, video: str, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        choose_dialogues(corpus_parts(corpus[0]), 1, task=task, video=video)
    assert said in str(error.value)


def test_a_file_that_is_no_corpus_is_named(tmp_path: Path) -> None:
    path = tmp_path / "torn.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(CorpusError, match=r"unreadable: .*torn\.parquet"):
        choose_dialogues([Location.of(path)], 1)


def test_no_more_than_the_chosen_are_held(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows there are, as many are parsed as are wanted."""
    parsed: list[int] = []

    def counting(kind: type[Dialogue], table: pa.Table) -> Sequence[Dialogue]:
        rows = from_table(kind, table)
        parsed.append(len(rows))
        return rows

    monkeypatch.setattr("pipeline.corpus.choose.from_table", counting)
    choose_dialogues(corpus_parts(corpus[0]), 2)
    assert parsed == [1, 1]
