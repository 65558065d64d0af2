from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.media import archive
from pipeline.media.archive import read_archive
from pipeline.media.base import Clip, FileFactsRequest, Limits, MediaError, StillsRequest
from pipeline.media.decode import DecodeProcess
from pipeline.media.files import FileSizes
from pipeline.media.reader import parquet_cells
from pipeline.media.reader.local_file import existing_file
from pipeline.media.reader.slice import Slice, chunks
from pipeline.store.location import Location
from tests.object_store import serving
from tests.pipeline.media.containers import make_parquet, make_tar

REQUEST = StillsRequest(turns_per_s=2.0)


@pytest.fixture(scope="module")
def media(clip_file: Callable[[str], Path]) -> Iterator[DecodeProcess]:
    with DecodeProcess(clip_file("h264.mp4").parent) as process:
        yield process


@pytest.fixture
def plain(clip_file: Callable[[str], Path]) -> Path:
    return clip_file("h264.mp4")


def reason(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(MediaError) as raised:
        call()
    return raised.value.reason, raised.value.detail


def members(folder: Path, plain: Path) -> list[str]:
    """Uris of the same video in every kind of container, one with an odd name."""
    first = plain.parent / "vp9.webm"
    make_tar(folder / "a.tar", {"./x/1.webm": first, "./x/#2 %23.mp4": plain})
    make_parquet(folder / "a.parquet", [first, plain, first, plain])
    with zipfile.ZipFile(folder / "a.zip", "w") as stored:
        stored.write(first, "1.webm")
        stored.write(plain, "2.mp4")
    odd = folder / "b.tar#c"
    odd.mkdir()
    shutil.copy(folder / "a.tar", odd / "a.tar")
    return [
        f"{folder}/a.tar#x/#2 %23.mp4",
        f"{folder}/a.tar#./x/#2 %23.mp4",
        f"file://{folder}/a.tar#x/%232%20%2523.mp4",
        f"file://{folder}/b.tar%23c/a.tar#x/%232%20%2523.mp4",
        f"{folder}/a.zip#2.mp4",
        *(f"{folder}/a.parquet#{column}/{row}" for column in ("mp4", "video") for row in (1, 3)),
    ]


def test_a_video_in_a_container_is_read_as_its_own_file_is(
    tmp_path: Path, media: DecodeProcess, plain: Path, clip_file: Callable[[str], Path]
) -> None:
    clip_file("vp9.webm")
    clip = Clip(str(plain), 0.5, 2.6)
    facts = FileFactsRequest(content=True, length=True, frames=2)
    expected = (
        media.probe(clip),
        media.header(clip),
        list(media.stills(clip, REQUEST)),
        list(media.stills(clip, replace(REQUEST, reader="decord"))),
        media.file_facts(str(plain), facts),
    )
    for uri in members(tmp_path, plain):
        inner = replace(clip, uri=uri)
        assert expected == (
            media.probe(inner),
            media.header(inner),
            list(media.stills(inner, REQUEST)),
            list(media.stills(inner, replace(REQUEST, reader="decord"))),
            media.file_facts(uri, facts),
        ), uri


def test_each_thing_that_is_wrong_with_a_container_has_its_reason(
    tmp_path: Path, media: DecodeProcess, plain: Path
) -> None:
    folder = str(tmp_path)
    make_tar(tmp_path / "a.tar", {"1.mp4": plain, "empty.mp4": Path(os.devnull)})
    empty = tmp_path / "empty.mp4"
    empty.touch()
    make_tar(tmp_path / "a.tar", {"1.mp4": plain, "empty.mp4": empty})
    make_parquet(tmp_path / "a.parquet", [plain, None, empty])
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as deflated:
        deflated.write(plain, "1.mp4")
    for name in ("text.tar", "text.zip", "text.parquet", "a.tar.gz"):
        (tmp_path / name).write_text("no container" * 100)
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: plain.stat().st_size // 2])

    def of(uri: str) -> tuple[str, str]:
        return reason(lambda: media.probe(Clip(f"{folder}/{uri}")))

    assert of("b.tar#1.mp4") == ("missing_file", "there is no file b.tar")
    assert of("a.tar#2.mp4") == ("missing_member", "a.tar has no member '2.mp4'")
    assert of("a.tar#empty.mp4") == ("empty_file", "a.tar#empty.mp4 has no bytes")
    assert of("cut.tar#1.mp4") == ("damaged", "cut.tar ends within 1.mp4")
    assert of("cut.tar#2.mp4")[0] == "bad_container"
    assert of("text.tar#1.mp4")[0] == of("text.zip#1.mp4")[0] == "bad_container"
    assert of("text.parquet#mp4/0")[0] == "bad_container"
    assert of("a.tar.gz#1.mp4") == (
        "unsupported",
        "not supported: a.tar.gz is compressed; unpack it, or make it a .tar",
    )
    assert of("a.zip#1.mp4") == ("unsupported", "not supported: a.zip#1.mp4 is compressed")
    assert of("a.parquet#mp4/3") == ("missing_member", "a.parquet has 3 rows, and no row 3")
    assert of("a.parquet#mp4/1") == ("missing_member", "a.parquet: row 1 of 'mp4' is null")
    assert of("a.parquet#video/1") == ("missing_member", "a.parquet: row 1 of 'video' is null")
    assert of("a.parquet#mp4/2") == ("empty_file", "a.parquet#mp4/2 has no bytes")
    assert of("a.parquet#jpg/0") == ("missing_member", "a.parquet has no column 'jpg'")
    assert of("a.parquet#17") == ("missing_member", "'17' is no cell: COLUMN/ROW")
    assert of("a.parquet#n/0")[0] == "unsupported"
    small = Limits(max_file_bytes=100)
    for uri in ("a.tar#1.mp4", "a.parquet#mp4/0"):
        found = reason(lambda uri=uri: media.probe(Clip(f"{folder}/{uri}"), small))  # type: ignore[misc]
        assert found[0] == "too_large"


def test_a_cell_takes_no_more_memory_than_allowed(
    tmp_path: Path, media: DecodeProcess, plain: Path
) -> None:
    path = tmp_path / "a.parquet"
    cells = [plain.read_bytes(), bytes(100 << 20)]
    pq.write_table(pa.table({"mp4": cells}), path, row_group_size=1)
    limits = Limits(memory_bytes=90 << 20)
    assert media.probe(Clip(f"{path}#mp4/0"), limits).codec == "h264"
    assert reason(lambda: media.probe(Clip(f"{path}#mp4/1"), limits))[0] == "out_of_memory"
    assert media.probe(Clip(f"{path}#mp4/0"), limits).codec == "h264"


def test_a_tar_is_read_once_for_all_its_members(tmp_path: Path, plain: Path) -> None:
    tar = make_tar(tmp_path / "a.tar", {f"{i}.mp4": plain for i in range(20)})
    archive._indexed.cache_clear()
    sizes = FileSizes(Location(str(tmp_path)))
    for i in range(20):
        assert isinstance(existing_file(f"{tar}#{i}.mp4", Limits()), Slice)
        assert sizes.of({"uri": f"a.tar#{i}.mp4"}) == plain.stat().st_size
    assert archive._indexed.cache_info().misses == 1
    shutil.copy(make_tar(tmp_path / "b.tar", {"new.mp4": plain}), tar)
    assert existing_file(f"{tar}#new.mp4", Limits())


def test_a_column_that_is_read_in_order_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for i in range(7):
        files.append(tmp_path / f"{i}.mp4")
        files[-1].write_bytes(bytes([i]) * 1000)
    path = make_parquet(tmp_path / "a.parquet", files, rows_a_group=4)
    read: list[int] = []
    keep = parquet_cells._keep

    def kept(key: tuple[object, ...], path: Path, column: str, row: int, limits: Limits) -> None:
        read.append(row)
        keep(key, path, column, row, limits)

    monkeypatch.setattr(parquet_cells, "_keep", kept)

    def contents(limits: Limits) -> list[bytes]:
        uris = [f"{path}#video/{i}" for i in range(7)]
        return [b"".join(chunks(existing_file(uri, limits))) for uri in uris]

    assert contents(Limits()) == [file.read_bytes() for file in files]
    assert read == [0, 4]
    read.clear()
    assert contents(Limits(memory_bytes=2500)) == [file.read_bytes() for file in files]
    assert read == [0, 2, 4, 6]


def test_a_member_has_the_size_that_a_file_of_its_own_has(tmp_path: Path, plain: Path) -> None:
    make_tar(tmp_path / "a.tar", {"1.mp4": plain})
    parquet = make_parquet(tmp_path / "a.parquet", [plain])
    sizes = FileSizes(Location(str(tmp_path)))
    assert sizes.of({"uri": "a.tar#1.mp4"}) == plain.stat().st_size
    assert sizes.of({"uri": "a.parquet#mp4/0"}) == parquet.stat().st_size
    assert sizes.of({"uri": "a.tar#2.mp4"}) is None
    assert sizes.of({"uri": "b.tar#2.mp4"}) is None


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_no_bytes_of_an_archive_raise_anything(tmp_path: Path, plain: Path, kind: str) -> None:
    small = tmp_path / "v.mp4"
    small.write_bytes(b"12345" * 300)
    path = tmp_path / f"a.{kind}"
    if kind == "tar":
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            for name in ("é" * 80 + ".mp4", "2.mp4", "3.mp4"):
                tar.add(small, name)
    else:
        with zipfile.ZipFile(path, "w") as stored:
            for name in ("1.mp4", "2.mp4", "3.mp4"):
                stored.write(small, name)
    whole, rng = path.read_bytes(), random.Random(13)
    for number in range(300):
        spoilt = bytearray(whole[: rng.choice([len(whole), rng.randrange(len(whole))])])
        for _ in range(rng.randrange(4)):
            if spoilt:
                spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
        other = tmp_path / f"{number}.{kind}"
        other.write_bytes(spoilt)
        found = read_archive(Location(str(other)), kind)
        assert all(span.start >= 0 and span.n_bytes >= 0 for span in found.spans.values())


def test_a_damaged_header_is_no_end(tmp_path: Path, plain: Path) -> None:
    path = make_tar(tmp_path / "a.tar", {f"{i}.mp4": plain for i in range(3)})
    spoilt = bytearray(path.read_bytes())
    spoilt[spoilt.find(b"1.mp4")] ^= 1
    path.write_bytes(spoilt)
    found = read_archive(Location(str(path)), "tar")
    assert list(found.spans) == ["0.mp4"]
    assert "damaged header" in found.problem


def test_a_header_that_states_a_huge_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 0o77777777777
    with path.open("wb") as file:
        file.write(member.tobuf())
        file.truncate(1 << 34)
    found = read_archive(Location(str(path)), "tar")
    assert (found.spans, "states 8589934592 bytes" in found.problem) == ({}, True)


def test_a_tar_as_gnu_tar_writes_it(tmp_path: Path, plain: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    long = "long" * 40 + ".mp4"
    shutil.copy(plain, folder / long)
    (folder / "link.mp4").symlink_to(long)
    subprocess.run(["tar", "-cf", tmp_path / "a.tar", "."], cwd=folder, check=True)
    found = read_archive(Location(str(tmp_path / "a.tar")), "tar")
    assert list(found.spans) == [long]
    uri = f"{tmp_path}/a.tar#{long}"
    digest = hashlib.sha256(b"".join(chunks(existing_file(uri, Limits())))).digest()
    assert digest == hashlib.sha256(plain.read_bytes()).digest()


def test_of_a_tar_in_an_object_store_the_member_alone_is_fetched(
    tmp_path: Path, media: DecodeProcess, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip(str(plain), 0.5, 2.6)
    make_tar(tmp_path / "a.tar", {f"{i}.mp4": plain for i in range(8)})
    make_parquet(tmp_path / "a.parquet", [plain])
    fetched: list[Location] = []
    monkeypatch.setattr(Location, "fetch", lambda self, to: fetched.append(self))
    with serving() as store:
        for name in ("a.tar", "a.parquet"):
            Location.of(store.url(name)).write_bytes((tmp_path / name).read_bytes())
        sizes = FileSizes(Location.of(store.url()))
        n_bytes = (tmp_path / "a.tar").stat().st_size
        assert sizes.of({"uri": "a.tar#3.mp4"}) == n_bytes
        with DecodeProcess(Location.of(store.url())) as remote:
            uris = ("a.tar#3.mp4", store.url("a.tar#7.mp4"))
            before = archive._indexed.cache_info().misses
            for uri in uris:
                found = replace(clip, uri=uri)
                assert remote.probe(found) == media.probe(clip)
                assert list(remote.stills(found, REQUEST)) == list(media.stills(clip, REQUEST))
            assert archive._indexed.cache_info().misses == before + 1

            def of(uri: str) -> tuple[str, str]:
                return reason(lambda: remote.probe(Clip(uri)))

            assert of("a.tar#9.mp4") == ("missing_member", "a.tar has no member '9.mp4'")
            assert of("b.tar#9.mp4") == ("missing_file", "there is no file b.tar")
            assert of("a.parquet#mp4/0") == (
                "unsupported",
                "not supported: a.parquet in an object store; copy it to this machine",
            )
    assert fetched == []
