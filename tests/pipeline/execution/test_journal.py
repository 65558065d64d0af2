from __future__ import annotations

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.base import Reply
from pipeline.execution.journal import (
    Entry,
    Journal,
    journal_path,
    read_journal,
    replace_journal,
)
from pipeline.store.location import Location
from tests.conftest import examples
from tests.object_store import serving

texts = st.text(max_size=20)
replies = st.builds(
    Reply, texts, texts, st.none(), texts, st.integers(0, 99), latency_s=st.floats(0, 9)
)
several = st.lists(replies, max_size=3).map(tuple)
entries = st.lists(
    st.builds(
        Entry,
        texts,
        st.integers(1, 9),
        texts,
        texts,
        st.lists(replies, max_size=3).map(tuple),
        st.booleans(),
    ),
    unique_by=lambda entry: entry.ask,
    max_size=6,
)


def entry(ask: str, attempts: int = 1, *texts: str) -> Entry:
    replies = tuple(Reply(ask, text) for text in texts)
    return Entry(ask, attempts, "first", "last", replies, again=not texts)


def write(slot: Location, *entries: Entry) -> Path:
    with Journal(slot) as journal:
        for each in entries:
            journal.append(each)
    return max(Path(journal_path(slot)).iterdir(), key=lambda path: path.stat().st_mtime_ns)


@settings(max_examples=examples(60))
@given(entries, st.data())
def test_what_was_written_is_read_wherever_the_writer_was_killed(
    given_entries: list[Entry], data: st.DataObject
) -> None:
    folder = Path(tempfile.mkdtemp())
    slot = Location.of(folder / "part-00000-x")
    if not given_entries:
        assert read_journal(journal_path(slot)) == {}
        return
    path = write(slot, *given_entries)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    lines = whole[:cut].count(b"\n")
    found = list(read_journal(journal_path(slot)).values())
    # The last line is whole before its end of line is there.
    assert found in (given_entries[:lines], given_entries[: lines + 1])
    # Who goes on does not write behind what was cut off.
    write(slot, entry("later than all", 1, "x"))
    assert (
        list(read_journal(journal_path(slot)).values()).count(entry("later than all", 1, "x")) == 1
    )
    assert len(read_journal(journal_path(slot))) == len({e.ask for e in found} | {"later than all"})
    shutil.rmtree(folder)


@settings(max_examples=examples(100))
@given(st.data())
def test_a_damaged_line_costs_itself_alone(data: st.DataObject) -> None:
    folder = Path(tempfile.mkdtemp())
    slot = Location.of(folder / "part-00000-x")
    given_entries = [entry(f"ask{i}", 1, "a text") for i in range(3)]
    path = write(slot, *given_entries)
    lines = path.read_bytes().splitlines(keepends=True)
    place = data.draw(st.integers(0, len(lines[1]) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda b: b not in (lines[1][place], 10)))
    lines[1] = lines[1][:place] + bytes([other]) + lines[1][place + 1 :]
    path.write_bytes(b"".join(lines))
    found = read_journal(journal_path(slot))
    assert {"ask0", "ask2"} <= found.keys()
    # A digit of the checksum may be written in two ways; nothing else goes unnoticed.
    assert found.get("ask1", given_entries[1]) == given_entries[1]
    shutil.rmtree(folder)


def test_several_write_at_once_and_all_is_read(tmp_path: Path) -> None:
    slot = Location.of(tmp_path / "part-00000-x")
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(
                lambda i: write(slot, *(entry(f"{i} {j}", 1, "x" * 3000) for j in range(50))),
                range(8),
            )
        )
    assert len(read_journal(journal_path(slot))) == 400


def test_an_answer_counts_more_than_a_later_failure(tmp_path: Path) -> None:
    slot = Location.of(tmp_path / "part-00000-x")
    write(slot, entry("a", 1), entry("b", 1, "said"))
    write(slot, entry("a", 2), entry("b", 2))
    assert read_journal(journal_path(slot)) == {"a": entry("a", 2), "b": entry("b", 1, "said")}


def test_nothing_is_left_where_nothing_was_asked(tmp_path: Path) -> None:
    slot = Location.of(tmp_path / "part-00000-x")
    with Journal(slot):
        pass
    assert not list(tmp_path.iterdir())
    journal_path(slot).remove_tree()


def test_an_object_store_has_it_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.execution.journal.PUT_S", 0.05)
    with serving() as store:
        slot = Location.of(store.url("parts/part-00000-x"))
        with Journal(slot) as journal:
            for i in range(3):
                journal.append(entry(f"{i}", 1, "x"))
                while len(read_journal(journal_path(slot))) <= i:
                    time.sleep(0.02)
            journal.append(entry("last", 1, "x"))
        assert read_journal(journal_path(slot)).keys() == {"0", "1", "2", "last"}
        replace_journal(journal_path(slot), [entry("new", 1, "x")])
        assert list(read_journal(journal_path(slot))) == ["new"]
        journal_path(slot).remove_tree()
        assert not journal_path(slot).exists()


@pytest.mark.parametrize("killed_at", ["replace", "unlink"])
def test_a_journal_is_replaced_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    slot = Location.of(tmp_path / "part-00000-x")
    folder = journal_path(slot)
    write(slot, entry("old", 1, "x"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, killed_at, lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            replace_journal(folder, [entry("new", 1, "x")])
    assert read_journal(folder).keys() == ({"old"} if killed_at == "replace" else {"old", "new"})
    replace_journal(folder, [entry("new", 1, "x")])
    assert read_journal(folder).keys() == {"new"}
    assert len(folder.sizes()) == 1
    folder.remove_tree()
    assert not list(tmp_path.iterdir())
