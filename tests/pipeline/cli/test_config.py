"""The verb ``config``: it lists keys, writes one to start from, and shows what one comes to."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline.cli.exit_status import DONE, USAGE
from pipeline.reports.config_example import ENGINE_KEYS, NODE_KEYS, example_config
from pipeline.reports.config_keys import config_sections
from pipeline.reports.describe import WIDTH
from pipeline.run import main
from pipeline.workflow.config import load_config
from pipeline.workflow.config_file import CONFIGS
from pipeline.workflow.graph import build_graph

COMMENTED = {"extends", "language", "run", "source", "engines", "nodes", "corpus"}


def test_the_example_is_a_config_in_which_every_key_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    assert main(["config", "--example", "-o", str(path)]) == DONE
    text = path.read_text(encoding="utf-8")
    config = load_config(path)
    nodes = {node.name: node for node in build_graph(config)}
    assert {engine.kind for engine in config.engines.values()} == {"http"}
    assert max(map(len, text.splitlines())) <= WIDTH
    written = yaml.safe_load(text)
    assert written.keys() == COMMENTED
    for name, keys in NODE_KEYS.items():
        assert tuple(written["nodes"][name]["config"]) == keys
        values = nodes[name].config.model_dump(mode="json")
        assert {key: values[key] for key in keys} == written["nodes"][name]["config"]
    assert tuple(written["engines"]["narrator"]) == ENGINE_KEYS
    meanings = {key.name: key.meaning for s in config_sections() for key in s.keys}
    lines = text.splitlines()
    for number, line in enumerate(lines):
        key = line.strip().partition(":")[0]
        if key in meanings and key not in COMMENTED and key != "config":
            assert lines[number - 1].strip().startswith("#"), line


def test_the_example_makes_the_parts_of_the_recipe_but_for_the_models(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(example_config(), encoding="utf-8")
    recipe = {n.name: n for n in build_graph(load_config(CONFIGS / "streamo.yaml"))}
    for node in build_graph(load_config(path)):
        assert node.config == recipe[node.name].config


def test_no_file_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine\n", encoding="utf-8")
    assert main(["config", "--example", "-o", str(path)]) == USAGE
    assert path.read_text(encoding="utf-8") == "mine\n"
    assert f"error: {path}: exists already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["streamo.yaml", "demo.yaml", "single_gpu.yaml", "server.yaml"])
def test_what_a_config_comes_to_is_a_config_of_the_same_graph(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = ["--set", "nodes.segment.config.turns_per_s=2"]
    assert main(["config", "-c", str(CONFIGS / name), *overrides]) == DONE
    path = tmp_path / "whole.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert "extends" not in whole
    assert whole["nodes"]["segment"]["config"]["longer_px"] == 448
    before = build_graph(load_config(CONFIGS / name, ["nodes.segment.config.turns_per_s=2"]))
    after = build_graph(load_config(path))
    assert [n.recipe_digest for n in after] == [n.recipe_digest for n in before]
    assert [(n.execution, n.limits) for n in after] == [(n.execution, n.limits) for n in before]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["run.workers"], "workers = null"),
        (["limits"], "rejected = 0.98"),
        (["run", "-c", "demo.yaml"], "run:\n  name: demo\n  root: runs/demo\n"),
        (["nodes.lint.config.min_gap_s", "-c", "demo.yaml"], "      min_gap_s: 3.0\n"),
    ],
)
def test_one_section_is_shown(
    arguments: list[str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [str(CONFIGS / a) if a.endswith(".yaml") else a for a in arguments]
    assert main(["config", *found]) == DONE
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sorce"], "there is no section 'sorce'; did you mean 'source'?"),
        (["nodes.lnt", "-c", "demo.yaml"], "there is no key 'lnt'; did you mean 'lint'?"),
        (["run.name.x", "-c", "demo.yaml"], "'name' has no keys below it"),
        (["--set", "run.name=a"], "--set: give the config too (-c)"),
        (["--example", "run"], "--example goes with -o alone"),
        (["-c", "demo.yaml", "--set", "run.nme=a"], "run.nme: unknown key; did you mean 'name'?"),
    ],
)
def test_wrong_usage_is_an_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [str(CONFIGS / a) if a.endswith(".yaml") else a for a in arguments]
    assert main(["config", *found]) == USAGE
    assert message in capsys.readouterr().err
