from __future__ import annotations

from pathlib import Path

import pytest

from data_manifest.charades_sta import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, Unread
from tests.data_manifest.reading import annotations_of, only, spans, texts, written

TRAIN = "charades_sta_train.txt"


def test_a_line_is_a_video_and_an_event(tmp_path: Path) -> None:
    entry = only(written(ADAPTER, tmp_path, TRAIN, "AB1CD 24.3 30##a person hums.\n"))
    assert (entry.name, entry.split, entry.platform_id) == ("AB1CD", "train", "charades:AB1CD")
    assert entry.places == (Place("AB1CD"),)
    assert (spans(entry), texts(entry)) == ([(24.3, 30)], ["a person hums."])
    assert (entry.annotations[0].kind, entry.annotations[0].pointer) == ("event", "1")


def test_paraphrases_and_spans_are_read_as_they_stand(tmp_path: Path) -> None:
    lines = ["AB1CD 0.0 6.9##one.", "AB1CD 0.0 6.9##in other words.", "EF2GH 9.5 3.0##back."]
    items = written(ADAPTER, tmp_path, "charades_sta_test.txt", "\n".join(lines))
    assert [
        (annotation.start_s, annotation.end_s, annotation.text)
        for annotation in annotations_of(items)
    ] == [
        (0.0, 6.9, "one."),
        (0.0, 6.9, "in other words."),
        (9.5, 3.0, "back."),
    ]
    assert {item.split for item in items if isinstance(item, Entry)} == {"test"}


@pytest.mark.parametrize("sentence", ["", "  ", "with ## inside", "5.0 6.0##numbers"])
def test_all_behind_the_first_mark_is_the_sentence(tmp_path: Path, sentence: str) -> None:
    entry = only(written(ADAPTER, tmp_path, TRAIN, f"AB1CD 0.0 6.9##{sentence}"))
    assert texts(entry) == [sentence]


def test_an_id_may_look_like_an_option(tmp_path: Path) -> None:
    assert only(written(ADAPTER, tmp_path, TRAIN, "-_v.1 0.0 6.9##a")).name == "-_v.1"


@pytest.mark.parametrize(
    "line",
    [
        "AB1CD 0.0##no end.",
        "AB1CD 0.0 6.9 no mark.",
        "AB1CD 0.0 nan##no number.",
        "AB1CD 0.0 1e400##too large.",
        "0.0 6.9##no id.",
        "AB1CD 0,0 6,9##commas.",
    ],
)
def test_a_line_that_is_none_is_unread_and_the_next_is_read(tmp_path: Path, line: str) -> None:
    first, second = written(ADAPTER, tmp_path, TRAIN, f"{line}\nAB1CD 0.0 6.9##a")
    assert isinstance(first, Unread)
    assert (first.pointer, first.reason) == ("1", "malformed")
    assert line in first.detail
    assert isinstance(second, Entry)
