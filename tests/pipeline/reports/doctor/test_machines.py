"""Each machine of a cluster says what it lacks, and the one line where it lacks nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.vllm.config import VllmConfig
from pipeline.media.scenes.render import render_scenes
from pipeline.records import Video
from pipeline.reports.doctor import machines as doctor
from pipeline.reports.doctor.findings import Finding
from pipeline.store.location import Location
from pipeline.workflow.config import load_config
from pipeline.workflow.machine import Machine, MachineError
from pipeline.workflow.source import Source
from tests.conftest import RenderOnce
from tests.pipeline.reports.doctor.conftest import DEMO

FIRST, SECOND = (Machine(f"10.0.0.{n}", f"{n}", 8, gpus) for n, gpus in ((1, 0), (2, 2)))


class Here:
    """Machines that are all this one; ``spoil`` is done there before each is asked."""

    def __init__(
        self, *machines: Machine, spoil: Callable[[Machine], None] = lambda _: None
    ) -> None:
        self.all: Sequence[Machine] = machines
        self._spoil = spoil

    def call(
        self, function: Callable[[Any], Any], asked: Mapping[Machine, Any]
    ) -> Iterator[tuple[Machine, Any]]:
        for machine, argument in asked.items():
            self._spoil(machine)
            yield machine, function(argument)


class Lost(Here):
    """Machines that do not answer."""

    def call(
        self, function: Callable[[Any], Any], asked: Mapping[Machine, Any]
    ) -> Iterator[tuple[Machine, Any]]:
        for machine in asked:
            yield machine, MachineError("NodeDiedError: gone")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce) -> Path:
    """A folder with the shortest scene."""
    with render_once():
        return render_scenes(tmp_path_factory.mktemp("scene"), ("scene-14",)).parent


@pytest.fixture
def check(scene: Path, tmp_path: Path) -> Callable[..., list[Finding]]:
    """``check(machines, *engines)`` of the demo, whose first video this machine can read."""
    settings = load_config(DEMO)
    row = {"video_id": "scene-14", "uri": "videos/scene-14.mp4"}
    facts = {"duration_s": 9, "width": 8, "height": 8, "rotation_deg": 0, "codec": "h264"}
    video = Video.model_validate({**row, **facts, "frame_rate": 9, "sha256": "0" * 64})

    def found(machines: Here, *engines: VllmConfig) -> list[Finding]:
        source = Source([row], Location.of(scene))
        named = [(f"engines.{i}", engine) for i, engine in enumerate(engines)]
        root = Location.of(tmp_path / "run")
        return list(doctor.check_machines(machines, settings, root, source, [row], [video], named))

    return found


def weights(folder: Path, *files: str) -> VllmConfig:
    """A model of two files in a folder that has these."""
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    index = {"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    for name in files:
        (folder / name).touch()
    return VllmConfig(kind="vllm", model=str(folder), revision="1")


def test_a_machine_that_lacks_nothing_is_one_line(
    check: Callable[..., list[Finding]], tmp_path: Path
) -> None:
    sizes, found = check(Here(FIRST))
    assert (sizes.check, sizes.level) == ("GPUs", "ok")
    assert (found.check, found.level) == ("10.0.0.1", "ok")
    assert "ffmpeg version" in found.text and "1 of the first 1 videos read" in found.text
    assert not list(tmp_path.glob(".doctor-*")), "it leaves nothing"


def test_what_each_machine_lacks_is_named(
    check: Callable[..., list[Finding]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        doctor, "packages_here", lambda: {"pyarrow": "0.1", "no-such-package": "1.0"}
    )
    monkeypatch.setattr(doctor, "check_library", lambda name: Finding(name, "ok", "vllm 0"))
    engine = weights(tmp_path / "weights", "1.safetensors")
    path = os.environ["PATH"]

    def spoil(machine: Machine) -> None:
        monkeypatch.setenv("PATH", str(tmp_path) if machine is SECOND else path)
        # Another disk under the name of the root: the file that was just written is not there.
        for mark in tmp_path.glob(".doctor-*") if machine is SECOND else ():
            mark.unlink()

    found = check(Here(FIRST, SECOND, spoil=spoil), engine)
    levels = {f"{each.check}: {each.text}": each.level for each in found}

    def level(start: str) -> str | None:
        return next((lvl for text, lvl in levels.items() if text.startswith(start)), None)

    assert level("10.0.0.1 packages: missing: no-such-package") == "failure"
    assert level("10.0.0.1 packages: others than here: pyarrow") == "warning"
    assert level("10.0.0.1 ff") is level("10.0.0.1 GPUs") is level("10.0.0.1 engines") is None
    assert level("10.0.0.2 ffmpeg: it does not run") == "failure"
    assert level("10.0.0.2 GPUs: counted by Ray 2, listed by nvidia-smi 0") == "failure"
    assert level("10.0.0.2 store") == "failure"
    (lacking,) = [text for text in levels if text.startswith("10.0.0.2 engines.0: ")]
    assert "2.safetensors" in lacking and "1.safetensors" not in lacking
    assert levels[lacking] == "failure"


def test_a_video_that_only_this_machine_reads_is_named(
    check: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask = doctor.check_machine
    monkeypatch.setattr(
        doctor,
        "check_machine",
        lambda needed: ask(replace(needed, source_root=Location.of(tmp_path / "elsewhere"))),
    )
    (found,) = [f for f in check(Here(FIRST)) if f.check == "10.0.0.1 videos"]
    assert found.level == "failure"
    assert "1 of 1 videos that can be read here cannot there" in found.text


def test_an_engine_that_fits_no_machine_and_a_machine_that_does_not_answer(
    check: Callable[..., list[Finding]],
) -> None:
    large = VllmConfig(kind="vllm", model="m", revision="1", tensor_parallel=4)
    sizes, *others = check(Lost(FIRST, SECOND), large)
    assert sizes.level == "failure" and "engines.0 needs 4 on one machine" in sizes.text
    assert [(f.check, f.level) for f in others] == [
        ("10.0.0.1", "failure"),
        ("10.0.0.2", "failure"),
    ]
    assert "NodeDiedError" in others[0].text
    small = large.model_copy(update={"tensor_parallel": 1, "replicas": 3})
    assert check(Lost(FIRST, SECOND), small)[0].text.endswith("they take turns")
