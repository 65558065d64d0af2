"""The recipe of StreamBridge over scripted scenes, with the embedded engine, through the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from pipeline.corpus.read import read_corpus
from pipeline.dialogue.read_events import read_events
from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.render import render_scenes
from pipeline.records import Dialogue
from pipeline.records.streams import clip_starts
from pipeline.run import main
from tests.conftest import RenderOnce

RECIPE = Path(__file__).resolve().parents[2] / "configs" / "recipes" / "streambridge.yaml"
Capture = pytest.CaptureFixture[str]
EPSILON_S = 1e-6


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce) -> Path:
    """A finished run over six scenes, every question kept and half of them shifted."""
    folder = tmp_path_factory.mktemp("streambridge")
    short = sorted(SCENES, key=lambda scene: scene.duration_s())[:6]
    with render_once():
        manifest = render_scenes(folder / "scenes", [scene.name for scene in short])
    config = {
        "extends": str(RECIPE),
        "run": {"root": str(folder / "run"), "videos_per_shard": 3, "workers": 2},
        "source": {"kind": "manifest", "path": str(manifest)},
        "nodes": {
            "segment": {"config": {"longer_px": 160}},
            "segment_streams": {"config": {"longer_px": 160}},
            "chain": {"config": {"least_quantile": 0, "clips": 3}},
            "interleave": {"config": {"drop": 0, "shift": 0.5, "irrelevant": 0.5, "seed": 1}},
        },
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert main(["run", "-c", str(folder / "run.yaml")]) == 0
    return folder


@pytest.fixture(scope="module")
def dialogues(run_folder: Path) -> Sequence[Dialogue]:
    samples = read_corpus(run_folder / "run" / "corpus", frames=False)
    return [dialogue for sample in samples for dialogue in sample.dialogues]


@pytest.fixture(scope="module")
def streams(dialogues: Sequence[Dialogue]) -> Sequence[Dialogue]:
    found = [each for each in dialogues if each.task == "streaming_qa"]
    assert len(found) == 2 and all(len(each.clips) == 3 for each in found)
    return found


def test_every_task_of_the_recipe_has_samples(dialogues: Sequence[Dialogue]) -> None:
    assert {"dense_captioning", "offline_qa", "streaming_qa"} <= {each.task for each in dialogues}


def test_the_laws_hold_over_several_clips(dialogues: Sequence[Dialogue]) -> None:
    for each in dialogues:
        turns = list(each.turns)
        assert (turns[0].start_s, turns[-1].end_s) == (0, each.duration_s)
        assert all(a.end_s == b.start_s for a, b in pairwise(turns))
        stands = [rid for turn in turns for rid in turn.rids]
        assert sorted(stands) == sorted(response.rid for response in each.responses)
        asked = [qid for turn in turns for qid in turn.qids]
        assert sorted(asked) == sorted(question.qid for question in each.questions)
        for question in each.questions:
            (turn,) = (turn for turn in turns if question.qid in turn.qids)
            at_s = min(question.asked_s, turns[-1].start_s)
            assert turn.start_s <= at_s < turn.end_s
        for response in each.responses:
            said = turns[response.turn]
            late = [span.end_s for span in response.evidence if span.end_s > said.start_s]
            assert not late or ("clamped" in response.flags and said is turns[-1])
            assert {turn.state for turn in turns[response.standby_from : response.turn]} <= {
                "standby",
                "response",
            }
        silent = [turn for turn in turns if turn.state == "response" and not turn.rids]
        assert not silent
        assert {event.text for event in read_events(each.turns)} == {
            turn.text for turn in turns if turn.text
        }


def test_a_shifted_question_waits_through_its_own_clip(streams: Sequence[Dialogue]) -> None:
    shifted = behind = 0
    for each in streams:
        starts = clip_starts(each.clips)
        for question in each.questions:
            if question.kind == "irrelevant":
                continue
            place = int(question.qid.removeprefix("q"))
            (answer,) = (r for r in each.responses if r.qid == question.qid)
            assert (answer.start_s, answer.end_s) == pytest.approx(starts[place : place + 2])
            waits = [
                turn.state
                for turn in each.turns
                if starts[place] <= turn.start_s < starts[place + 1] - 1
            ]
            if question.asked_s < answer.end_s - 1:
                shifted += 1
                assert question.asked_s == pytest.approx(starts[place])
                assert "silence" not in waits
            else:
                behind += 1
                assert answer.turn == each.turns[answer.turn].index
                asked = next(t.index for t in each.turns if question.qid in t.qids)
                assert asked == answer.turn, "it is answered at once"
    assert shifted and behind


def test_an_irrelevant_question_is_answered_as_such(streams: Sequence[Dialogue]) -> None:
    for each in streams:
        for question in each.questions:
            if question.kind == "irrelevant":
                (answer,) = (r for r in each.responses if r.qid == question.qid)
                assert answer.text.startswith("Nothing that I have seen")


def test_the_checker_finds_nothing_and_every_format_accounts_for_all(
    run_folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    corpus = str(run_folder / "run" / "corpus")
    assert main(["audit", corpus]) == 0
    said = capsys.readouterr().out
    assert "responses before their evidence is complete: 0 of" in said
    assert "standby that no response follows: 0" in said
    assert main(["export", corpus, "--format", "messages", "-o", str(tmp_path / "out")]) == 0
    publish = ["publish", corpus, "--repo", "a/b", "--dry-run"]
    for allowed in ("embedded", "unlisted-licence"):
        publish += ["--allow", allowed]
    assert main(publish) == 0
    assert "nothing was sent" in capsys.readouterr().out


def test_a_second_run_does_nothing(run_folder: Path, capsys: Capture) -> None:
    assert main(["plan", "-c", str(run_folder / "run.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines and all(line.split()[3] == "0" for line in lines if line.strip()), lines


def test_a_chat_model_for_vectors_is_refused_before_anything_runs(
    run_folder: Path, capsys: Capture
) -> None:
    server = ["kind=http", "base_url=http://localhost:1/v1", "model=m", "revision=r"]
    given = [option for each in server for option in ("--set", f"engines.embedder.{each}")]
    assert main(["plan", "-c", str(run_folder / "run.yaml"), *given]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "asks for vectors, and the engine of role 'embedder' gives texts" in said
