"""The page of the corpus of the paper, walked as an operator would: docs/how-to/flagship.md.

Its commands are run as they stand, but for what a test cannot have: the datasets are a folder of
scripted scenes, the weights are small files on a Hub of this machine, a job is a run on the cluster
of this process, and another engine answers in every role.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import constants

from pipeline.media.scenes.render import render_scenes
from pipeline.run import main
from pipeline.workflow.config import load_config
from tests.documents.blocks import blocks, command_lines, turnwise_arguments
from tests.hub_repository import Repository
from tests.hub_server import hub_server
from tests.runs.ray_nodes import Nodes, ray_nodes

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "flagship.md"
FLAGSHIP = ROOT / "configs" / "streamo_instruct_465k.yaml"
SOURCES = "configs/manifests/sources_465k.yaml"
SCENES = ("scene-01", "scene-14")
WEIGHTS = "model-00001-of-00001.safetensors"
FILES = {
    "config.json": b'{"max_position_embeddings": 65536}',
    "model.safetensors.index.json": json.dumps({"weight_map": {"a": WEIGHTS}}).encode(),
    WEIGHTS: b"weights",
}
GPUS = 8
SMI = "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do echo '81920, 580.95'; done\n"


@dataclass(frozen=True)
class Place:
    """The folder of an operator, and the cluster: a head and two machines of eight GPUs each.

    The first has a driver that lists them, the second has none. Both have an empty cache.
    """

    folder: Path
    nodes: Nodes
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    engine: Mapping[str, Any]
    """What answers in every role where models are asked."""

    def caches(self, name: str) -> list[Path]:
        """The files of that name in the cache of the second machine."""
        return list((self.folder / "two" / "hub").rglob(name))

    def call(self, arguments: Sequence[str], status: int = 0) -> str:
        """A verb in this process; what it prints."""
        self.capsys.readouterr()
        found = main(list(arguments))
        said = "".join(self.capsys.readouterr())
        assert found == status, f"{arguments}\n{said}"
        return said

    def asked(self, arguments: Sequence[str]) -> list[str]:
        """The arguments with what a test puts in place of models, datasets and job."""
        verb, *rest = [word.replace(SOURCES, "scenes.yaml") for word in arguments]
        if verb in ("manifest", "fetch-models", "doctor"):
            return [verb, *rest]
        asked = load_config(FLAGSHIP).engines
        roles = [f"engines.{role}={json.dumps(self.engine)}" for role in asked]
        given = [*roles, f"run.root={self.folder / 'run'}", *SMALL]
        settings = [word for each in given for word in ("--set", each)]
        if verb == "run" and "--executor" not in rest:
            rest += ["--executor", "ray"]
        return [verb, *rest, *settings]


SMALL = (
    "run.videos_per_shard=1",
    "nodes.plan_mixture.config.shares={}",
    "nodes.narrate.config.still_levels=0",
)
"""All samples of the few videos are taken, whatever the shares of the paper, and all turns are
asked about, for a tiny model has little to say of anything else."""


def commands() -> list[list[str]]:
    """The arguments of every command of turnwise on the page, in order."""
    found = []
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        for line in command_lines(block.text) if block.runs else ():
            if (arguments := turnwise_arguments(line)) is not None:
                found.append(arguments)
    return found


@contextmanager
def operator(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    engine: Mapping[str, Any],
) -> Iterator[Place]:
    """A place to walk the page in."""
    for name in ("configs", "prompts", "data_manifest"):
        (folder / name).symlink_to(ROOT / name)
    sources = {"source": "folder", "annotations": "videos", "videos": "videos"}
    terms = {"licence": "coin"}  # whose text may be published
    render_scenes(folder, SCENES)
    monkeypatch.chdir(folder)
    (folder / "scenes.yaml").write_text(
        yaml.safe_dump({"sources": [{**sources, "options": terms}]}), encoding="utf-8"
    )
    stub = folder / "bin" / "nvidia-smi"
    stub.parent.mkdir()
    stub.write_text(SMI)
    stub.chmod(0o755)
    with hub_server() as hub:
        for model in load_config(FLAGSHIP).engines.values():
            repository = hub.repositories.setdefault(model.model, Repository(is_private=False))
            repository.commits[model.revision] = dict(FILES)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with ray_nodes() as (nodes, _):
            path = os.environ["PATH"]
            for name, first in (("one", f"{stub.parent}:"), ("two", "")):
                environment = {"PATH": first + path, "HF_HOME": str(folder / name)}
                nodes.add(2, num_gpus=GPUS, env_vars=environment)
            monkeypatch.setenv("RAY_ADDRESS", nodes.address)
            yield Place(folder, nodes, monkeypatch, capsys, engine)


def walk(place: Place, *, lacks_vllm: bool, is_folder: bool = False) -> None:
    """The page, with what an operator sees after each step.

    ``is_folder``: models are called by the path of a folder, which must not leave.
    """
    steps = commands()
    assert [verb for verb, *_ in steps[:3]] == ["manifest", "fetch-models", "doctor"]
    said: dict[str, str] = {}
    for arguments in steps:
        verb = arguments[0]
        if verb == "doctor":
            lost = place.caches(WEIGHTS)[0]
            lost.unlink()
            check_doctor(place.call(arguments, status=1), lost, lacks_vllm)
            continue
        said[verb] = place.call(place.asked(arguments), int(is_folder and verb == "publish"))
        if verb == "fetch-models":
            assert len(place.caches(WEIGHTS)) == 4, "of four models, on each machine"
            pinned = load_config(place.folder / "pinned.yaml")
            assert pinned.engines == load_config(FLAGSHIP).engines
    counted = re.search(r"videos: 2 in = (\d) annotated \+ (\d) rejected", said["status"])
    assert counted is not None, said["status"]
    annotated, rejected = map(int, counted.groups())
    assert annotated + rejected == 2
    least = 1 if is_folder else 2
    assert annotated >= least, "a model that learnt nothing may find nothing"
    assert "task    " in said["preview"]
    assert ("holds a path of one machine" in said["publish"]) == is_folder
    rows = pq.read_table(place.folder / "run" / "corpus" / "data" / "narration").to_pylist()
    assert len(rows) >= least and all(row["turns"] for row in rows)
    assert f"narration/train {len(rows)}" in said["publish"], "what would leave is on the screen"


def check_doctor(said: str, lost: Path, lacks_vllm: bool) -> None:
    """It names what each machine lacks: a driver, a file of weights, vLLM."""
    rows = [line for line in said.splitlines() if line.startswith("failure")]
    machines = {row.split()[1] for row in rows}
    lacking = {name: [row for row in rows if row.split()[1] == name] for name in machines}
    (second,) = [name for name in machines if any("lacks" in row for row in lacking[name])]
    assert any("listed by nvidia-smi 0" in row for row in lacking[second])
    (weights,) = [row for row in lacking[second] if "lacks" in row]
    assert WEIGHTS in weights and lost.parts[-4].replace("--", "/")[8:] in weights
    drivers = [name for name in machines if any("nvidia-smi" in row for row in lacking[name])]
    assert len(drivers) == 2, "the head says that it has a GPU too"
    no_vllm = [name for name in machines if any(" vllm " in row for row in lacking[name])]
    assert len(no_vllm) == (2 if lacks_vllm else 0), "where engines are to live"
