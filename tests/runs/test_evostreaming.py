"""The recipe of EvoStreaming over scripted scenes, with the embedded engine, through the verbs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.corpus.read import read_corpus
from pipeline.dialogue.read_events import read_events
from pipeline.media.scenes.render import render_scenes
from pipeline.records import Dialogue
from pipeline.run import main
from tests.conftest import RenderOnce

RECIPE = Path(__file__).resolve().parents[2] / "configs" / "recipes" / "evostreaming.yaml"
SCENES = ("scene-01", "scene-05", "scene-09", "scene-11", "scene-14")
"""Of each type one."""
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce) -> Path:
    """A finished run. Beside it, questions of another recipe were checked by relevance, and so was
    what a dataset says of the scenes."""
    folder = tmp_path_factory.mktemp("evostreaming")
    with render_once():
        manifest = render_scenes(folder / "scenes", SCENES)
    student = {"engine": "student"}
    answered = {"config": {"pieces": "answered"}}
    config = {
        "extends": str(RECIPE),
        "run": {"root": str(folder / "run"), "videos_per_shard": 3, "workers": 2},
        "source": {"kind": "manifest", "path": str(manifest)},
        "nodes": {
            "segment": {"config": {"longer_px": 160}},
            "points": {"stage": "change_points", "after": ["segment"], **student},
            "tsqa": {"stage": "change_questions", "after": ["points"], **student},
            "tsqa_relevance": {
                **{"stage": "relevance", "after": ["tsqa", "segment"], **student, **answered}
            },
            "tsqa_checked": {"stage": "check_relevance", "after": ["tsqa", "tsqa_relevance"]},
            "stated": {"stage": "source_annotations", "after": ["ingest"]},
            "stated_relevance": {
                **{"stage": "relevance", "after": ["stated", "segment"], **student, **answered}
            },
            "stated_checked": {
                "stage": "check_relevance",
                "after": ["stated", "stated_relevance"],
                "config": {"failing": "refuse"},
            },
            "dialogue": {
                "after": ["trajectory", "tsqa_checked", "stated_checked", "segment", "ingest"],
                "config": {"asked": {"trajectory": {"start": 1, "before_first": 1}}},
            },
        },
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert main(["run", "-c", str(folder / "run.yaml")]) == 0
    return folder


@pytest.fixture(scope="module")
def all_dialogues(run_folder: Path) -> Sequence[Dialogue]:
    samples = read_corpus(run_folder / "run" / "corpus", frames=False)
    return [dialogue for sample in samples for dialogue in sample.dialogues]


@pytest.fixture(scope="module")
def dialogues(all_dialogues: Sequence[Dialogue]) -> Sequence[Dialogue]:
    return [dialogue for dialogue in all_dialogues if dialogue.task == "trajectory"]


def rows(run_folder: Path, node: str, kind: str = "part") -> list[dict[str, Any]]:
    parts = sorted((run_folder / "run" / "parts" / node).rglob(f"{kind}-*.parquet"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def test_each_type_has_a_trajectory(dialogues: Sequence[Dialogue]) -> None:
    assert len(dialogues) == len(SCENES)
    assert len({each.aspect for each in dialogues}) == 5
    for each in dialogues:
        assert {question.kind for question in each.questions} == {each.aspect}
        assert all(check.name == "relevance" and check.passed for check in each.checks)
        assert len(each.checks) == len(each.responses)


def test_the_matrix_has_a_row_for_each_piece(run_folder: Path) -> None:
    turns = Counter(row["video_id"] for row in rows(run_folder, "segment"))
    asked = {row["annotation_id"]: len(row["questions"]) for row in rows(run_folder, "questions")}
    matrix = rows(run_folder, "relevance")
    assert Counter(row["video_id"] for row in matrix) == {
        video: -(-count // 2) for video, count in turns.items()
    }
    for row in matrix:
        assert len(row["relevant"]) == len(row["scores"]) == asked[row["annotation_id"]]
        assert row["start_s"] <= row["frame_s"] < row["end_s"]


def test_the_laws_hold_of_a_trajectory(dialogues: Sequence[Dialogue]) -> None:
    for each in dialogues:
        turns = list(each.turns)
        assert (turns[0].start_s, turns[-1].end_s) == (0, each.duration_s)
        assert all(a.end_s == b.start_s for a, b in pairwise(turns))
        stands = [rid for turn in turns for rid in turn.rids]
        assert sorted(stands) == sorted(response.rid for response in each.responses)
        asked = {qid: turn.index for turn in turns for qid in turn.qids}
        assert sorted(asked) == sorted(question.qid for question in each.questions)
        for response in each.responses:
            frame_s = turns[response.turn].frame_s
            assert frame_s is not None and frame_s >= response.respond_s
            assert response.flags == [] and asked[response.qid] <= response.turn
        said = {turn.index for turn in turns if turn.state == "response"}
        assert said == {response.turn for response in each.responses}
        assert {event.text for event in read_events(each.turns)} == {
            turn.text for turn in turns if turn.text
        }


def test_no_response_stands_where_nothing_was_relevant(
    run_folder: Path, dialogues: Sequence[Dialogue]
) -> None:
    matrix = rows(run_folder, "relevance")
    for each in dialogues:
        (own,) = each.annotation_ids
        for response in each.responses:
            (row,) = (
                row
                for row in matrix
                if row["annotation_id"] == own and row["frame_s"] == response.respond_s
            )
            assert row["relevant"][row["qids"].index(response.qid)]


def test_the_matrix_checks_the_samples_of_another_recipe(
    run_folder: Path, all_dialogues: Sequence[Dialogue]
) -> None:
    """Answers that were read off the frames rest on what is relevant; what a dataset asks, the
    baseline does not understand, so that it calls nothing relevant to it."""
    tsqa = [each for each in all_dialogues if each.task == "tsqa"]
    checks = [check for each in tsqa for check in each.checks]
    assert len(checks) == sum(len(each.responses) for each in tsqa) > 10
    assert all(check.name == "relevance" and check.passed for check in checks)
    stated = rows(run_folder, "stated")
    refused = Counter(row["reason"] for row in rows(run_folder, "stated_checked", "rejects"))
    assert refused["irrelevant_response"] == sum(len(row["responses"]) for row in stated) > 0
    assert refused["no_relevant_response"] == len(stated)
    assert rows(run_folder, "stated_checked") == []


def test_the_checker_finds_nothing_and_every_format_accounts_for_all(
    run_folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    corpus = str(run_folder / "run" / "corpus")
    assert main(["audit", corpus]) == 0
    said = capsys.readouterr().out
    assert "responses before their evidence is complete: 0 of" in said
    assert "standby that no response follows: 0" in said
    for name in ("messages", "raw", "stream"):
        assert main(["export", corpus, "--format", name, "-o", str(tmp_path / name)]) == 0
    publish = ["publish", corpus, "--repo", "a/b", "--dry-run"]
    for allowed in ("embedded", "unlisted-licence"):
        publish += ["--allow", allowed]
    assert main(publish) == 0
    assert "nothing was sent" in capsys.readouterr().out


def test_another_iteration_is_another_revision_and_asks_anew(
    run_folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    later = tmp_path / "second.yaml"
    student = {
        "kind": "http",
        "base_url": "http://localhost:1/v1",
        "model": "m",
        "revision": "it-2",
    }
    draw = {"plan_types": {"config": {"seed": 2}}}
    sections = {"extends": str(run_folder / "run.yaml"), "engines": {"student": student}}
    later.write_text(yaml.safe_dump({**sections, "nodes": draw}), encoding="utf-8")

    def to_do(config: Path) -> dict[str, str]:
        assert main(["plan", "-c", str(config)]) == 0
        lines = capsys.readouterr().out.splitlines()[1:]
        return {line.split()[0]: line.split()[3] for line in lines if line.strip()}

    assert set(to_do(run_folder / "run.yaml").values()) == {"0"}, "a second run does nothing"
    again = to_do(later)
    assert again["segment"] == "0" and again["types"] == "2", "frames stay, the model is asked"
