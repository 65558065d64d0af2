from __future__ import annotations

import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_manifest.queryd import ADAPTER
from pipeline.manifest.adapters.entry import Place, Unread
from pipeline.manifest.adapters.plain_pickle import plain_pickle
from tests.data_manifest.reading import only, read, spans, texts

NAME = "video--_aaaaaaaaa"
WORDS = {NAME: [["a", "boy", "opens", "a", "gate"], ["he", "runs", "off"]]}
TIMES = {NAME: [[1.25, 4.0], [6.5, 9.75]]}
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def written(folder: Path, words: Any = WORDS, times: Any = TIMES, **lists: str) -> list[Any]:
    for kind, value in (("raw", words), ("times", times)):
        data = value if isinstance(value, bytes) else pickle.dumps(value)
        (folder / f"{kind}_captions_combined_filtered-v2.pkl").write_bytes(data)
    for split, names in lists.items():
        (folder / f"{split}_list.txt").write_text(names)
    return read(ADAPTER, folder)


def test_words_and_times_become_events(tmp_path: Path) -> None:
    entry = only(written(tmp_path, train=f"video-x\n{NAME}\n"))
    assert (entry.name, entry.split, entry.platform_id) == (NAME, "train", "youtube:-_aaaaaaaaa")
    assert entry.places == (Place("-_aaaaaaaaa"), Place(NAME))
    assert spans(entry) == [(1.25, 4.0), (6.5, 9.75)]
    assert texts(entry) == ["a boy opens a gate", "he runs off"]
    assert {one.origin for one in entry.annotations} == {"asr"}


def test_a_video_on_the_list_of_tests_is_one(tmp_path: Path) -> None:
    assert only(written(tmp_path, test=NAME, train=NAME)).split == "test"


def test_without_a_list_nobody_knows_the_split(tmp_path: Path) -> None:
    assert only(written(tmp_path)).split == "unassigned"


class Evil:
    """Its pickle would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        import os

        return os.mkdir, (str(self.folder),)


def test_a_pickle_that_calls_something_is_not_read(tmp_path: Path) -> None:
    (item,) = written(tmp_path, pickle.dumps({NAME: Evil(tmp_path / "made")}))
    assert isinstance(item, Unread) and item.reason == "damaged"
    assert "more than plain data" in item.detail and not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("words", "times", "reason"),
    [
        (WORDS, {NAME: [[1, 2]]}, "malformed"),
        (WORDS, {}, "malformed"),
        (["x"], TIMES, "malformed"),
        ({NAME: [[1, 2]]}, TIMES, "malformed"),
        (b"", TIMES, "damaged"),
        (pickle.dumps(WORDS)[:-9], TIMES, "damaged"),
    ],
)
def test_what_cannot_be_used_is_unread(tmp_path: Path, words: Any, times: Any, reason: str) -> None:
    (item,) = written(tmp_path, words, times)
    assert isinstance(item, Unread) and item.reason == reason


def test_captions_without_times_are_unread(tmp_path: Path) -> None:
    (tmp_path / "raw_captions_combined_filtered.pkl").write_bytes(pickle.dumps(WORDS))
    (item,) = read(ADAPTER, tmp_path)
    assert isinstance(item, Unread) and "times_captions_combined_filtered.pkl" in item.detail


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_comes_back(value: Any, protocol: int) -> None:
    assert plain_pickle(pickle.dumps(value, protocol)) == value


@given(st.data())
def test_spoilt_bytes_are_a_value_or_an_error(data: st.DataObject) -> None:
    whole = bytearray(pickle.dumps(WORDS))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ValueError):
        plain_pickle(bytes(whole))
