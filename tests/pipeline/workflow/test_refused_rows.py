"""A row that is turned down whatever its file is, is turned down before its file is looked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest

from pipeline.cli.exit_status import USAGE
from pipeline.run import main
from pipeline.store import object_store

STREAMO = Path(__file__).resolve().parents[3] / "configs" / "streamo.yaml"


class Recorder(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """An object store that writes down each call, and knows no file."""

    protocol = "s3"
    cachable = False
    calls: ClassVar[list[str]] = []

    def __getattribute__(self, name: str) -> Any:
        if name in {"ls", "info", "exists", "isfile", "size", "open", "cat_file", "get_file"}:
            Recorder.calls.append(name)
            raise PermissionError("Forbidden")
        return super().__getattribute__(name)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a client of S3 was asked."""
    object_store._filesystem.cache_clear()
    monkeypatch.setattr("fsspec.filesystem", lambda *_, **__: Recorder())
    Recorder.calls.clear()
    yield Recorder.calls
    object_store._filesystem.cache_clear()


def config_of(folder: Path, *uris: str, schemes: str = "[file]") -> list[str]:
    (folder / "m.jsonl").write_text("".join(f"{json.dumps({'uri': uri})}\n" for uri in uris))
    settings = {
        "extends": str(STREAMO),
        "run": {"root": str(folder / "run")},
        "source": {"path": str(folder / "m.jsonl")},
    }
    (folder / "c.yaml").write_text(json.dumps(settings))
    return ["-c", str(folder / "c.yaml"), "--set", f"nodes.ingest.config.schemes={schemes}"]


def test_a_bucket_of_a_scheme_that_is_not_allowed_is_never_asked(
    tmp_path: Path, calls: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(tmp_path, "s3://stranger/videos/a.mp4", "s3://stranger/b.mp4", "c.mp4")
    assert main(["plan", *config]) == 0, capsys.readouterr().err
    assert main(["run", *config, "--until", "ingest", "--executor", "local"]) == 0
    assert main(["status", *config]) == 0
    assert "unsafe_uri 2" in capsys.readouterr().out
    assert calls == []
    # The same rows where they are allowed: the store is asked.
    assert main(["plan", *config_of(tmp_path, "s3://ours/a.mp4", schemes="[file, s3]")]) == 0
    assert calls


def test_the_size_of_a_refused_file_of_this_machine_is_nobodys_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    looked_at: list[str] = []
    stat = os.stat

    def noting(path: Any, **options: Any) -> Any:
        looked_at.append(os.path.basename(str(path)))  # noqa: PTH119  a file may be known by a number
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", noting)
    assert main(["plan", *config_of(below, "../secret.mp4", "a.mp4")]) == 0
    assert "a.mp4" in looked_at
    assert "secret.mp4" not in looked_at


def test_a_store_that_forbids_does_not_stop_a_plan(
    tmp_path: Path, calls: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    uris = [f"s3://closed/{i}.mp4" for i in range(50)]
    config = config_of(tmp_path, *uris, schemes="[file, s3]")
    assert main(["plan", *config]) != USAGE, capsys.readouterr().err
    assert len(calls) < 5, "a folder that cannot be listed is asked once"
