"""A source whose place cannot be read, or written, is an error that names place and cause."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.exit_status import FAILED
from pipeline.run import main
from pipeline.store import object_store
from pipeline.store.location import Location
from tests.object_store import ObjectStore, clear_clients, serving

STREAMO = Path(__file__).resolve().parents[3] / "configs" / "streamo.yaml"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """One that is asked once."""
    options = {"s3": {"config_kwargs": {"retries": {"total_max_attempts": 1}}}}
    monkeypatch.setattr(object_store, "_OPTIONS", options)
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    with serving() as running:
        yield running


def error_of(capsys: pytest.CaptureFixture[str], path: str, kind: str = "manifest") -> str:
    sets = ("--set", f"source.path={path}", "--set", f"source.kind={kind}")
    assert main(["plan", "-c", str(STREAMO), *sets]) == FAILED
    return capsys.readouterr().err


def test_a_manifest_in_a_store_that_does_not_answer(
    store: ObjectStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = store.url("m.jsonl")
    Location(uri).write_text('{"uri": "a.mp4"}\n')
    store.refusal = ("403 Forbidden", "AccessDenied")
    assert f"source.path: it cannot be read: {uri}: " in error_of(capsys, uri)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clear_clients()
    said = error_of(capsys, uri)
    assert f"source.path: it cannot be read: {uri}: " in said and "127.0.0.1:9" in said


def test_a_disk_that_is_full_where_scenes_are_to_be_rendered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pipeline.media.scenes.render.render", full)
    said = error_of(capsys, str(tmp_path / "scenes"), "scenes")
    assert said == (
        f"error: source.path: scenes cannot be rendered to {tmp_path}/scenes:"
        " No space left on device\n"
    )
