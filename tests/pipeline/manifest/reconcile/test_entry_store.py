from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation
from pipeline.manifest.reconcile.entry_store import EntryStore, assigned
from tests.conftest import examples


def entry(name: str, text: str, split: str = "train") -> Entry:
    return Entry(name, (), (RawAnnotation("event", text, 0, 1),), split)


def test_entries_of_one_name_come_together_in_the_order_of_their_first(tmp_path: Path) -> None:
    with EntryStore(tmp_path) as store:
        for file, name, text in ("fb1", "fa2", "gb3", "gB4"):
            store.add(entry(name, text), file)
        found = list(store.videos())
    assert [each.name for each in found] == ["b", "a", "B"]
    assert [(file, e.annotations[0].text) for file, e in found[0].entries] == [
        ("f", "1"),
        ("g", "3"),
    ]


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (["train", "val"], "val"),
        (["val", "train"], "val"),
        (["test", "val", "train"], "test"),
        (["unassigned", "train"], "train"),
        (["val_2", "val"], "val_2"),
    ],
)
def test_a_video_is_in_the_split_of_highest_priority(
    tmp_path: Path, splits: list[str], expected: str
) -> None:
    with EntryStore(tmp_path) as store:
        for split in splits:
            store.add(entry("a", "x", split), "f")
        (found,) = store.videos()
    assert found.split == expected
    assert [each.split for _, each in found.entries] == splits


splits = st.lists(st.sampled_from(["unassigned", "train", "val", "test"]), min_size=1, max_size=4)


@settings(max_examples=examples(50))
@given(splits, st.sampled_from(["train", "unassigned"]))
def test_an_entry_without_a_split_goes_with_the_others(
    tmp_path_factory: pytest.TempPathFactory, splits: list[str], otherwise: str
) -> None:
    with EntryStore(tmp_path_factory.mktemp("store")) as store:
        for split in splits:
            store.add(entry("a", split, split), "f")
        (read,) = store.videos()
    found = assigned(read, otherwise)
    named = [split for split in splits if split != "unassigned"]
    assert found.split == (read.split if named else otherwise)
    assert (found.split == "test") == ("test" in splits)
    for (_, before), (_, after) in zip(read.entries, found.entries, strict=True):
        assert after.split == (found.split if before.split == "unassigned" else before.split)
        assert after.annotations == before.annotations


@settings(max_examples=examples(50))
@given(names=st.lists(st.text(max_size=4), max_size=30))
def test_names_of_any_shape_come_back(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with EntryStore(tmp_path_factory.mktemp("store")) as store:
        for number, name in enumerate(names):
            store.add(entry(name, str(number)), "f")
        found = list(store.videos())
    assert [each.name for each in found] == list(dict.fromkeys(names))
    texts = {each.name: [e.annotations[0].text for _, e in each.entries] for each in found}
    assert texts == {n: [str(i) for i, m in enumerate(names) if m == n] for n in set(names)}


SECONDS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 100)
TEXTS = st.text(st.characters(), max_size=5)
ANNOTATIONS = st.builds(
    RawAnnotation,
    st.sampled_from(["event", "qa"]),
    st.none() | TEXTS,
    *[st.none() | SECONDS] * 2,
    question=st.none() | TEXTS,
    options=st.lists(TEXTS, max_size=2).map(tuple),
    asked_s=st.none() | SECONDS,
    resolution_s=SECONDS,
    pointer=TEXTS,
)
PLACES = st.builds(Place, TEXTS, st.none() | st.tuples(SECONDS, SECONDS))
ENTRIES = st.builds(
    Entry,
    st.just("a"),
    st.lists(PLACES, max_size=2).map(tuple),
    st.lists(ANNOTATIONS, max_size=2).map(tuple),
    platform_id=TEXTS,
)


@settings(max_examples=examples(50))
@given(entries=st.lists(ENTRIES, min_size=1, max_size=3))
def test_entries_come_back_as_they_were(
    entries: list[Entry], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with EntryStore(tmp_path_factory.mktemp("store")) as store:
        for each in entries:
            store.add(each, "f")
        (found,) = store.videos()
        (plain,) = store.videos(annotated=False)
    assert [each for _, each in found.entries] == entries
    bare = [each._replace(annotations=()) for each in entries]
    assert [each for _, each in plain.entries] == bare
