from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.store.durable import naming, put_folder, remove_abandoned, unfinished
from pipeline.store.files.json_writer import JsonWriter
from pipeline.store.location import Location
from pipeline.store.parts import StoreError
from pipeline.store.process import Process

PART = Location("/runs/a/part-00000-ab.parquet")


def test_what_a_dead_process_left_goes_and_what_a_live_one_writes_stays(tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    code = (
        "import sys; from pathlib import Path; from pipeline.store.durable import unfinished;"
        "path = Path(sys.argv[1]); unfinished(path).write_text('half'); unfinished(path).mkdir();"
        "inner = path.with_name(f'{unfinished(path).name}.jsonl'); unfinished(inner).touch();"
        "unfinished(path.with_name('b.jsonl')).touch()"
    )
    subprocess.run([sys.executable, "-c", code, str(out)], check=True)
    own, foreign = unfinished(out), tmp_path / ".a.jsonl.00000000-1-1-00000000"
    for path in (own, foreign, tmp_path / ".a.jsonl.mine"):
        path.touch()
    assert len(list(tmp_path.iterdir())) == 7
    remove_abandoned(out)
    left = {path.name for path in tmp_path.iterdir()}
    assert {own.name, foreign.name, ".a.jsonl.mine"} < left
    assert [n for n in left if n.startswith(".b.jsonl.")] and len(left) == 4


def test_two_that_write_one_file_do_not_take_each_others_rows(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with JsonWriter(out) as one:
        one.write({"of": 1})
        with JsonWriter(out) as other:
            other.write({"of": 2})
        assert out.read_text() == '{"of": 2}\n'
        one.write({"of": 1})
    assert out.read_text() == '{"of": 1}\n' * 2
    assert list(tmp_path.iterdir()) == [out]


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    own = Process.this()
    assert own.lives() is True
    assert Process(own.pid, own.started + 1, own.where).lives() is False
    assert Process(own.pid, own.started, "elsewhere").lives() is None
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert Process(child.pid, own.started, own.where).lives() is False, "it waits to be reaped"


def test_a_folder_whose_bytes_cannot_be_synced_is_not_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, place = tmp_path / "fresh", tmp_path / "place"
    fresh.mkdir()
    (fresh / "file").write_text("new")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match=f"{fresh / 'file'}"):
            put_folder(fresh, place)
    assert not place.exists()
    put_folder(fresh, place)
    assert (place / "file").read_text() == "new"


def test_an_error_without_a_file_gets_one() -> None:
    for number, kind in ((errno.ENOSPC, OSError), (errno.ECONNREFUSED, ConnectionRefusedError)):
        text = os.strerror(number)
        with pytest.raises(kind, match=rf"\[Errno {number}\] {text}: '/a/b'"), naming("/a/b"):
            raise OSError(number, text)
    with pytest.raises(FileNotFoundError, match="'/c'"), naming("/a/b"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/c")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 99 failed"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        PermissionError(errno.EACCES, "Permission denied"),
        OSError(errno.EIO, "Input/output error"),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    ],
)
def test_a_part_that_may_be_whole_is_not_to_be_removed(error: Exception) -> None:
    text = str(StoreError(PART, error))
    assert text.startswith(f"{PART} cannot be read (") and "remove" not in text
    assert not text.endswith("()")


@pytest.mark.parametrize(
    "error",
    [pa.ArrowInvalid("no magic bytes"), OSError("Couldn't read"), FileNotFoundError(2, "absent")],
)
def test_a_part_that_is_damaged_or_absent_is(error: Exception) -> None:
    rejects = PART.with_name("rejects-00000-ab.parquet")
    assert f"{rejects} cannot be read: remove {PART} and run again" in str(
        StoreError(rejects, error)
    )
