"""What a whole run writes beside its rows: the card, run.json, the config, prompts, a changelog."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.corpus.changelog import CHANGELOG, newest
from pipeline.corpus.facts import CONFIG, RUN
from pipeline.run import main
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph

PRICES = "engines.captioner.prices={currency: EUR, tokens_in: 1.0, tokens_out: 2.0}"
Files = dict[str, bytes]


@pytest.fixture
def config(finished_config: Callable[..., Path]) -> Path:
    """Of a run whose two videos are done."""
    return finished_config("run")


def made(config: Path, *overrides: str) -> Files:
    """The files of its corpus by path, after a run."""
    given = [word for each in (PRICES, *overrides) for word in ("--set", each)]
    assert main(["run", "-c", str(config), "--limit", "2", *given]) == 0
    corpus = config.parent / "run/corpus"
    found = [path for path in corpus.rglob("*") if path.is_file()]
    return {path.relative_to(corpus).as_posix(): path.read_bytes() for path in found}


def recipes(config: Path) -> dict[str, str]:
    return {node.name: node.recipe_digest for node in build_graph(load_config(config))}


def test_a_run_tells_of_itself_and_of_what_is_withdrawn(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = made(config)
    check_config(files, config, tmp_path)
    check_facts(json.loads(files[RUN]), files)
    check_card(files)
    assert made(config) == files, "the same run, the same bytes"
    capsys.readouterr()
    check_withdrawn(config, files, tmp_path, capsys)


def check_config(files: Files, config: Path, folder: Path) -> None:
    """It makes the same graph, and names nothing of this machine."""
    (folder / CONFIG).write_bytes(files[CONFIG])
    assert recipes(folder / CONFIG) == recipes(config)
    assert str(folder) not in files[CONFIG].decode()
    assert yaml.safe_load(files[CONFIG])["run"].keys() == {"name", "videos_per_shard"}


def check_facts(facts: Any, files: Files) -> None:
    """What came in, who was asked, what was turned down and by which settings."""
    assert facts["intake"]["videos"] == 2
    by_node = {node["node"]: node for node in facts["nodes"]}
    (low,) = (t for t in by_node["agree"]["turned_down"] if t["reason"] == "low_iou")
    assert low["settings"] == {"min_iou": 0.5}
    gaps = [t for t in by_node["lint"]["turned_down"] if "min_gap_s" in t["settings"]]
    assert [t["reason"] for t in gaps] == ["gap_too_small"], "a threshold, whatever it turned down"
    (agreed,) = (a for a in facts["agreement"] if a["node"] == "agree")
    assert agreed["events"] == sum(agreed["tenths"]) + agreed["not_found"] > 0
    assert agreed["kept"] == by_node["agree"]["rows_out"]
    (captioner,) = (t for t in facts["teachers"] if t["role"] == "captioner")
    assert (captioner["asks"], captioner["cost"], captioner["currency"]) == (4, 0.0, "EUR")
    assert {s["node"] for s in facts["policies"]} == {"dialogue", "plan_mixture", "apply_mixture"}
    assert {f"prompts/{prompt['name']}.md" for prompt in facts["prompts"]} <= files.keys()


def check_card(files: Files) -> None:
    """It has a picture, a section of each kind of fact, and its own version."""
    card = files["README.md"].decode()
    assert "](example.jpg)" in card and files["example.jpg"].startswith(b"\xff\xd8")
    for name in ("Teachers", "Prompts", "Policies", "Thresholds and yields", "Versions"):
        assert f"\n## {name}\n" in card
    version, entry = newest(files[CHANGELOG].decode())
    assert f"`{version}`" in card and entry in card


def check_withdrawn(
    config: Path, before: Files, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A video is gone, counted, and named nowhere; an id that is nobody's is said."""
    whole = json.loads(before["counts.json"])["totals"][0]
    ids = folder / "ids.txt"
    ids.write_text("scene-01\nnobody\n", encoding="utf-8")
    why = f'corpus.exclude=[{{reason: "its owner asked", videos: {ids}}}]'
    after = made(config, why)
    said = "corpus.exclude: 1 of 2 videos have no dialogue here (its owner asked)"
    assert said in capsys.readouterr().err
    left = json.loads(after["counts.json"])["totals"][0]
    assert left["videos"] == whole["videos"] - 1
    taken = whole["dialogues"] - left["dialogues"]
    withdrawn = {"reason": "its owner asked", "videos": 1, "samples": taken}
    assert json.loads(after[RUN])["withdrawn"] == [withdrawn]
    old, now = (newest(files[CHANGELOG].decode()) for files in (before, after))
    assert "There was none before" in old[1]
    assert now[1].startswith(f"{left['dialogues']} dialogues about 1 videos. Since `{old[0]}`: ")
    assert f"Withdrawn: 1 videos, {taken} dialogues: its owner asked." in now[1]
    assert f"\n## {old[0]}\n" in after[CHANGELOG].decode(), "the older entries stay"
    assert f"| its owner asked | 1 | {taken} |" in after["README.md"].decode()
    assert not [name for name, content in after.items() if b"scene-01" in content]

    assert main(["status", "-c", str(config), "--limit", "2", "--set", why, "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["videos_out"], status["videos_absent"]) == (1, {"withdrawn": 1})
    nodes = {node["node"]: node for node in status["nodes"]}
    assert nodes["apply_mixture"]["absent"]["withdrawn"] == taken
