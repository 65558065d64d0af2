from __future__ import annotations

from pathlib import Path

import pytest

from data_manifest.hacs_clips import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, Unread
from tests.data_manifest.reading import only, spans, texts, written

FILE = "HACS_v1.1.1/HACS_clips_v1.1.1.csv"
HEADER = "classname,youtube_id,subset,start,end,label\n"


def test_a_positive_clip_is_an_event(tmp_path: Path) -> None:
    rows = HEADER + "Ice fishing,-aaaaaaaaaa,validation,15.5,17.5,1\n"
    entry = only(written(ADAPTER, tmp_path, FILE, rows))
    assert (entry.name, entry.split) == ("-aaaaaaaaaa", "val")
    assert entry.platform_id == "youtube:-aaaaaaaaaa"
    assert (spans(entry), texts(entry)) == ([(15.5, 17.5)], ["Ice fishing"])
    assert entry.annotations[0].pointer == "1"
    assert entry.places == (
        Place("Ice_fishing/v_-aaaaaaaaaa"),
        Place("v_-aaaaaaaaaa"),
        Place("-aaaaaaaaaa"),
    )


def test_a_negative_clip_is_never_an_event(tmp_path: Path) -> None:
    rows = HEADER + "Archery,aaaaaaaaaaa,training,77.5,79.5,-1\n"
    entry = only(written(ADAPTER, tmp_path, FILE, rows))
    assert entry.annotations == ()
    assert entry.places[0] == Place("Archery/v_aaaaaaaaaaa")


@pytest.mark.parametrize("label", ["", "0"])
def test_a_testing_clip_needs_no_label(tmp_path: Path, label: str) -> None:
    rows = HEADER + f",aaaaaaaaaaa,testing,1,3,{label}\n"
    entry = only(written(ADAPTER, tmp_path, FILE, rows))
    assert (entry.annotations, entry.split) == ((), "test")
    assert entry.places == (Place("v_aaaaaaaaaaa"), Place("aaaaaaaaaaa"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Archery,aaaaaaaaaaa,training,1,3,0", "malformed"),
        ("Archery,aaaaaaaaaaa,training,1,3,", "malformed"),
        ("Archery,aaaaaaaaaaa,train,1,3,1", "malformed"),
        ("Archery,aaaaaaaaaaa,training,,3,1", "malformed"),
        ("Archery,aaaaaaaaaaa,training,1,nan,1", "malformed"),
        ("Archery,,training,1,3,1", "malformed"),
        ("Archery,aaaaaaaaaaa,training,1,3", "damaged"),
    ],
)
def test_a_row_that_is_none_is_unread_and_the_next_is_read(
    tmp_path: Path, row: str, reason: str
) -> None:
    rows = f"{HEADER}{row}\nArchery,aaaaaaaaaaa,training,1,3,1\n"
    first, second = written(ADAPTER, tmp_path, FILE, rows)
    assert isinstance(first, Unread)
    assert (first.pointer, first.reason) == ("1", reason)
    assert isinstance(second, Entry)
