"""Which tasks the nodes of a run can make is known before anything runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.dialogue.state_counts import PAPER_SHARES
from pipeline.errors import ConfigError
from pipeline.run import main
from pipeline.workflow import graph
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph, tasks_lacking
from pipeline.workflow.stage import Stage, load_stage

STREAMO = Path(__file__).resolve().parents[3] / "configs" / "streamo.yaml"
SHARES = "nodes.plan_mixture.config.shares={}"


def lacking(*settings: str, shares: Any = None) -> list[str]:
    wanted = SHARES.format({**PAPER_SHARES} if shares is None else shares)
    return tasks_lacking(build_graph(load_config(STREAMO, [wanted, *settings]))).get(
        "plan_mixture", []
    )


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ([], []),
        (["nodes.source_annotations.config.tasks=[offline_qa]"], []),
        (["nodes.source_annotations.config.tasks=[event_grounding]"], ["offline_qa"]),
        (
            [
                "nodes.source_annotations.config.tasks=[offline_qa]",
                "nodes.caption.config.families=[event]",
            ],
            ["action_caption"],
        ),
        (
            ["nodes.dialogue.after=[polish, lint, segment, ingest]"],
            ["action_caption", "event_caption", "event_grounding", "offline_qa"],
        ),
    ],
)
def test_the_tasks_follow_from_nodes_and_their_settings(
    settings: list[str], missing: list[str]
) -> None:
    assert lacking(*settings) == missing


def test_mixed_dialogues_are_a_task_where_there_are_any() -> None:
    assert lacking(shares={"mixed": 1}) == ["mixed"]
    assert not lacking("nodes.dialogue.config.mixed=also", shares={"mixed": 1, "tsqa": 1})


def test_nothing_is_said_of_a_stage_that_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(name: str) -> Stage[Any]:
        stage = load_stage(name)
        return replace(stage, tasks=None) if name == "polish" else stage

    assert lacking(shares={"counting": 1}) == ["counting"]
    monkeypatch.setattr(graph, "load_stage", silent)
    assert not lacking(shares={"counting": 1}), "polish may make it"


def test_a_task_without_a_maker_is_refused_where_that_is_wanted() -> None:
    assert not lacking("nodes.plan_mixture.config.lacking=fail")
    with pytest.raises(ConfigError, match=r"plan_mixture\.config\.shares: no node makes tsqb: "):
        lacking("nodes.plan_mixture.config.lacking=fail", shares={"tsqb": 1})


def test_plan_says_it_before_anything_is_paid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"source.path={tmp_path / 'manifest.jsonl'}"
    (tmp_path / "manifest.jsonl").write_text('{"uri": "a.mp4"}\n')
    shares = SHARES.format({"tsqa": 1, "tsqb": 1})
    arguments = ["-c", str(STREAMO), "--set", source, "--set", f"run.root={tmp_path}"]
    assert main(["plan", *arguments, "--set", shares]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert said.endswith("config.shares: no node makes tsqb: the other tasks keep their ratio")
    assert main(["plan", *arguments]) == 0
    assert not capsys.readouterr().err
