"""What holds for a folder of this machine and for an object store alike."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.location import Location, LocationError
from pipeline.store.object_store import _filesystem
from tests.object_store import ObjectStore, serving


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    """One server for all tests of this file."""
    with serving() as running:
        yield running


@pytest.fixture(params=["here", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, store: ObjectStore) -> Location:
    """An empty folder, here or there."""
    if request.param == "here":
        return Location.of(tmp_path / "folder")
    return Location.of(store.url(tmp_path.name))


def test_a_file_comes_whole_and_goes(folder: Location, tmp_path: Path) -> None:
    file = folder / "a/b.bin"
    assert not file.exists()
    for content in (b"first", b"second, which is longer", b""):
        file.write_bytes(content)
        assert file.read_bytes() == content
    file.write_text("é\n")
    with file.open() as stream:
        assert (stream.read(1), stream.seek(2), stream.read()) == (b"\xc3", 2, b"\n")
    file.write_bytes(b"a long line\nanother\n")
    with file.open() as stream:
        assert [stream.readline(7), *stream] == [b"a long ", b"line\n", b"another\n"]
    file.write_text("é\n")
    file.fetch(tmp_path / "fetched")
    assert (tmp_path / "fetched").read_text(encoding="utf-8") == "é\n"
    assert file.exists() and file.is_file() and not (folder / "a").is_file()
    file.remove()
    file.remove()
    assert not file.exists()


def test_a_write_that_fails_leaves_what_was_there(folder: Location) -> None:
    file = folder / "file"
    file.write_bytes(b"old")

    def write() -> None:
        with file.writing() as path:
            path.write_bytes(b"half of what")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write()
    assert file.read_bytes() == b"old"
    assert folder.walk() == {"file": 3}


def test_folders_are_found_by_listing(folder: Location) -> None:
    assert (folder.sizes(), folder.folders(), folder.walk()) == ({}, [], {})
    names = ["b.txt", "a#1?.txt", "in/x*y", "in/deep/~z", "-o/[q] é.bin"]
    for name in names:
        (folder / name).write_bytes(name.encode())
    assert folder.sizes() == {"b.txt": 5, "a#1?.txt": 8}
    assert folder.folders() == ["-o", "in"]
    assert folder.walk() == {name: len(name.encode()) for name in sorted(names)}
    for name in names:
        assert (folder / name).read_bytes() == name.encode()
    (folder / "in").remove_tree()
    assert sorted(folder.walk()) == ["-o/[q] é.bin", "a#1?.txt", "b.txt"]
    (folder / "absent").remove_tree()


def test_a_listing_stands_what_comes_and_goes_meanwhile(tmp_path: Path) -> None:
    folder = Location.of(tmp_path)
    (folder / "stays").write_bytes(b"1")
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            (folder / "comes").write_bytes(b"2")
            (folder / "comes").remove()

    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write) for _ in range(2)]
        seen = [folder.sizes() for _ in range(3000)]
        ended.set()
        for each in writing:
            each.result()
    assert all(listed["stays"] == 1 for listed in seen)


def test_what_another_writes_is_seen_at_once(folder: Location) -> None:
    assert folder.sizes() == {}
    (folder / "x").write_bytes(b"1")
    assert Location.of(folder.address).sizes() == {"x": 1}
    (folder / "x").write_bytes(b"12")
    assert folder.sizes() == {"x": 2}


def test_copies_go_from_anywhere_to_anywhere(store: ObjectStore, tmp_path: Path) -> None:
    here, there = Location.of(tmp_path), Location.of(store.url(f"{tmp_path.name}-copies"))
    (here / "1").write_bytes(b"x" * 1000)
    for file, other in (("1", there / "2"), ("2", there / "3"), ("3", here / "4")):
        source = (here if file == "1" else there) / file
        source.copy_to(other)
        assert other.read_bytes() == b"x" * 1000


def test_a_file_that_is_absent_says_so(folder: Location) -> None:
    with pytest.raises(FileNotFoundError):
        (folder / "absent").read_bytes()
    with pytest.raises(FileNotFoundError):
        (folder / "absent").fetch(Path(os.devnull))


def test_a_store_that_does_not_answer_says_which_and_why(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Could not connect to the endpoint")

    file = Location.of(store.url("gone"))
    monkeypatch.setattr(type(_filesystem("s3")), "exists", refuse)
    with pytest.raises(OSError, match=f"Could not connect to the endpoint: '{file}'"):
        file.exists()


def test_a_store_that_fails_every_tenth_call_only_slows(store: ObjectStore) -> None:
    folder = Location.of(store.url("faulty"))
    store.fail_every, before = 10, store.failed
    try:
        for number in range(20):
            (folder / f"{number:02d}").write_bytes(b"x" * number)
        assert list(folder.walk().values()) == list(range(20))
        assert all((folder / f"{n:02d}").read_bytes() == b"x" * n for n in range(20))
        folder.remove_tree()
        assert not folder.walk()
    finally:
        store.fail_every = 0
    assert store.failed > before + 5


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Location.of("a/../b").address == f"{tmp_path}/b"
    assert Location.of("~/x").address == "/home/somebody/x"
    assert Location.of("file:///a%20b").path == Path("/a b")
    assert Location.of("s3://bucket/key/").address == "s3://bucket/key"
    assert Location.of("gs://bucket/key").scheme == "gs"
    assert Location.of("s3://bucket/a.tar").suffix == ".tar"
    assert (Location.of("s3://bucket/a") / "b").parent == Location.of("s3://bucket/a")
    assert Location.of("/a").parent == Location("/")
    assert Location("/") / "a" == Location("/a")
    for text in ("http://x/y", "github://x", "simplecache::s3://x"):
        with pytest.raises(LocationError, match="not supported"):
            Location.of(text)
    with pytest.raises(LocationError, match="not on this machine"):
        Path(Location.of("s3://bucket/key"))


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1), min_size=1))
def test_names_come_apart_as_they_were_put_together(names: list[str]) -> None:
    for root in (Location("/root"), Location("s3://bucket")):
        place = root
        for name in names:
            place = place / name
            assert (place.name, place.with_name("x").parent) == (name, place.parent)
        assert pickle.loads(pickle.dumps(place)) == place
        for _ in names:
            place = place.parent
        assert place == root
