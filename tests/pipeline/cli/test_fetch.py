"""``fetch-models`` against a Hub of this machine, through the Hub's own client."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from huggingface_hub import constants

from pipeline.engines.vllm.model_files import absent_files
from pipeline.run import main
from pipeline.workflow.config import load_config
from tests.hub_repository import Answer, Repository
from tests.hub_server import HubServer, hub_server

NAMES = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
INDEX = b'{"metadata": {"total_size": 4}, "weight_map": {"a": "%s", "b": "%s"}}' % tuple(
    name.encode() for name in NAMES
)
FILES = {
    "config.json": b'{"max_position_embeddings": 4096}',
    "model.safetensors.index.json": INDEX,
    **dict.fromkeys(NAMES, b"weights"),
    "odd [1].json": b"{}",
    "pytorch_model.bin": b"the same once more",
    "original/consolidated.00.pth": b"and once more",
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub with the model ``o/eyes``, and an empty cache."""
    with hub_server() as server:
        repository = server.repositories["o/eyes"] = Repository(is_private=False)
        repository.add("main", dict(FILES))
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        yield server


def config(folder: Path, **captioner: Any) -> Path:
    path = folder / "c.yaml"
    vllm = {"kind": "vllm", "model": "o/eyes"}
    text = {
        "extends": "streamo.yaml",
        "run": {"root": str(folder / "run")},
        "engines": {"captioner": {**vllm, **captioner}, "grounder": {**vllm, **captioner}},
    }
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    return path


def fetch(folder: Path, *more: str, **captioner: Any) -> int:
    return main(["fetch-models", "-c", str(config(folder, **captioner)), *more])


def test_weights_are_fetched_and_a_config_pins_them(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "elsewhere" / "pinned.yaml"
    out.parent.mkdir()
    assert fetch(tmp_path, "-o", str(out)) == 0
    commit = hub.repositories["o/eyes"].refs["main"]
    found = load_config(out)
    assert {found.engines[role].revision for role in ("captioner", "grounder")} == {commit}
    assert found.run.root == str(tmp_path / "run"), "all else is that of the config"
    said = capsys.readouterr().out
    assert f"o/eyes at {commit[:10]}: 0.0 GB, for captioner, grounder" in said
    assert "engines.editor: embedded is of kind embedded: not fetched" in said
    snapshot = tmp_path / "hub" / "models--o--eyes" / "snapshots" / commit
    here = {path.name for path in snapshot.iterdir()}
    assert here == {"config.json", "model.safetensors.index.json", *NAMES, "odd [1].json"}
    assert absent_files("o/eyes", commit) == []


def test_what_is_there_is_not_fetched_again(hub: HubServer, tmp_path: Path) -> None:
    assert fetch(tmp_path) == 0
    commit = hub.repositories["o/eyes"].refs["main"]
    snapshot = tmp_path / "hub" / "models--o--eyes" / "snapshots" / commit
    (snapshot / NAMES[1]).unlink()
    assert absent_files("o/eyes", commit) == [NAMES[1]]
    read: list[str] = []

    def note(method: str, path: str) -> None:
        if "resolve" in path:
            read.append(path)

    hub.refuse = note
    assert fetch(tmp_path, revision=commit) == 0
    assert {path.rpartition("/")[2] for path in read} <= {NAMES[1]}
    assert absent_files("o/eyes", commit) == []


def test_a_commit_that_is_pinned_stays_when_main_moves(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = hub.repositories["o/eyes"].refs["main"]
    hub.repositories["o/eyes"].add("main", FILES | {"config.json": b"{}"})
    assert fetch(tmp_path, revision=first) == 0
    assert f"revision: {first}" in capsys.readouterr().out, "without -o, lines to put in a config"


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (("RepoNotFound", 404), r"no model o/eyes at .*: correct `model`, or set HF_TOKEN"),
        (("GatedRepo", 403), r"o/eyes is gated: accept its terms at .*/o/eyes and set HF_TOKEN"),
        (("RevisionNotFound", 404), "o/eyes has no revision five: correct `revision`"),
        (("", 418), "answers 418"),
    ],
)
def test_what_the_hub_refuses_is_one_line(
    hub: HubServer,
    tmp_path: Path,
    refusal: tuple[str, int],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, status = refusal
    hub.refuse = lambda method, path: Answer(status, {"error": "no"}, {"X-Error-Code": code})
    assert fetch(tmp_path, revision="five") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and re.search(message, line), line


def test_a_hub_that_is_away_and_one_that_must_not_be_asked(
    hub: HubServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.cut_from = 0
    assert fetch(tmp_path) == 1
    assert "it goes on where it stopped" in capsys.readouterr().err
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch(tmp_path) == 1
    assert "set offline: unset HF_HUB_OFFLINE" in capsys.readouterr().err


def test_a_full_disk_is_known_before_and_said_when_it_comes(
    hub: HubServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2_000_000))
    assert fetch(tmp_path) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'hub'} has 0.0 GB free: free some, or set HF_HOME" in said
    monkeypatch.undo()
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def fail(*_: object, **__: object) -> None:
        raise full

    monkeypatch.setattr("huggingface_hub.HfApi.snapshot_download", fail)
    assert fetch(tmp_path) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_folders_and_servers_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(tmp_path, model=str(tmp_path), revision="mine") == 0
    assert f"engines.captioner: {tmp_path} is a folder: not fetched" in capsys.readouterr().out
    assert fetch(tmp_path, model=str(tmp_path)) == 2
    assert "a folder has none: give it a name" in capsys.readouterr().err


def test_a_run_does_not_start_before_its_models_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path)
    for verb in ("plan", "run"):
        assert main([verb, "-c", str(path)]) == 2
        said = capsys.readouterr().err
        assert "engines.captioner.revision is empty" in said
        assert f"fetch-models -c {path} -o pinned.yaml" in said
    served = {"kind": "http", "model": "o/eyes", "base_url": "http://127.0.0.1:9/v1"}
    assert main(["plan", "-c", str(config(tmp_path, **served))]) == 2
    assert "write the commit of o/eyes that is served" in capsys.readouterr().err
    assert main(["fetch-models", "-c", str(path), "-o", str(path)]) == 2
