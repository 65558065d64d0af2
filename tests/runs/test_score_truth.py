"""The promise of the demo: what is measured on scenes whose truth is known."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from pipeline.corpus.read import read_corpus
from pipeline.media.scenes.truth import Truth
from pipeline.records import Dialogue
from pipeline.records.spans import iou
from pipeline.run import main
from pipeline.scoring.truth.scripted import load_truths

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "demo.yaml"


def no_answer_is_reliable_before_it_is_true(
    dialogues: Sequence[Dialogue], truths: Mapping[str, Truth]
) -> None:
    """By the script of each scene: since when the track that is asked about has had the value."""
    found = 0
    for dialogue in (each for each in dialogues if each.task == "tsqa"):
        question = " ".join(turn.question for turn in dialogue.turns).replace("?", " ").split()
        tracks = [
            track
            for track in truths[dialogue.video_id].tracks
            if track.aspect == dialogue.aspect and set(track.subject.split()) <= {*question}
        ]
        for response in dialogue.responses if len(tracks) == 1 else ():
            text = re.sub("^[A-Z]. ", "", response.text)
            if text not in {value.value for value in tracks[0].values}:
                continue  # "yes", or a number in words: asked in another way than the track has it
            begins_s = [
                value.time_s
                for value in tracks[0].values
                if value.value == text and value.time_s <= response.respond_s
            ]
            assert response.earliest_answerable_s is not None
            assert response.earliest_answerable_s >= max(begins_s) - 1e-6
            assert response.due_by == "earliest_reliable"
            found += 1
    assert found >= 50


def questions_are_asked_before_and_after_the_truth(
    dialogues: Sequence[Dialogue], truths: Mapping[str, Truth]
) -> None:
    """Questions of when something took place, against the true event that the answer fits best."""
    asked: Counter[str] = Counter()
    for dialogue in dialogues:
        if dialogue.task != "event_grounding" or dialogue.origins or dialogue.is_negative:
            continue
        (question,), (response,) = dialogue.questions, dialogue.responses
        span = response.start_s, response.end_s
        event = max(
            truths[dialogue.video_id].events, key=lambda true: iou(span, (true.start_s, true.end_s))
        )
        assert iou(span, (event.start_s, event.end_s)) >= 0.7
        asked[question.asked_by] += 1
        (turn,) = (turn for turn in dialogue.turns if turn.question)
        if question.asked_by == "after_event":
            assert turn.end_s >= event.end_s and turn.state == "response", "it is answered at once"
        else:
            assert turn.start_s <= event.start_s and turn.index < response.turn
    assert min(asked["start"], asked["before_first"], asked["after_event"]) > 0


def nothing_changes_behind_a_still_question(
    dialogues: Sequence[Dialogue], truths: Mapping[str, Truth]
) -> None:
    """By the script of each scene: what is asked about has one value from the question on."""
    found = 0
    for dialogue in (each for each in dialogues if each.is_still):
        (place,) = dialogue.turns.asked
        assert list(dialogue.turns.said) == [place] and dialogue.n_tail == len(
            dialogue.turns.states[place + 1 :]
        )
        asked = dialogue.turns[place]
        words = {*asked.question.replace("?", " ").split()}
        tracks = [
            track
            for track in truths[dialogue.video_id].tracks
            if track.aspect == dialogue.aspect and set(track.subject.split()) <= words
        ]
        for track in tracks if len(tracks) == 1 else ():
            assert all(value.time_s <= asked.start_s for value in track.values)
            found += 1
    assert found >= 1


@pytest.mark.slow
def test_the_demo_keeps_time(
    scenes: Path,
    write_config: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = {"kind": "scenes", "path": str(scenes)}
    # by this seed, the few questions of when something took place are asked in every way
    nodes = {"dialogue": {"config": {"seed": 2}}}
    config = str(write_config("demo", extends=CONFIG, source=source, nodes=nodes))
    assert main(["run", "-c", config]) == 0
    tasks = {path.name for path in (tmp_path / "demo" / "corpus" / "data").iterdir()}
    assert tasks == {
        "narration",
        "event_caption",
        "action_caption",
        "event_grounding",
        "tsqa",
        "offline_qa",
    }
    truths = {truth.video_id: truth for truth in load_truths(scenes / "truth")}
    corpus = read_corpus(tmp_path / "demo" / "corpus", frames=False)
    dialogues = [dialogue for video in corpus for dialogue in video.dialogues]
    no_answer_is_reliable_before_it_is_true(dialogues, truths)
    questions_are_asked_before_and_after_the_truth(dialogues, truths)
    nothing_changes_behind_a_still_question(dialogues, truths)
    capsys.readouterr()
    assert main(["score", "-c", config, "--truth", str(scenes / "truth"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["videos"] >= 10
    assert report["changes"]["recall"]["share"] >= 0.9
    assert report["changes"]["spurious"]["share"] <= 0.1
    assert report["answers"]["right"]["share"] >= 0.9
    assert report["answers"]["right"]["whole"] >= 50
    assert report["answers"]["chosen"]["share"] == report["answers"]["distractors"]["share"] == 1
    assert report["answers"]["chosen"]["whole"] >= 10
    negatives = report["negatives"]["absent"]
    assert negatives["part"] == negatives["whole"] >= 15, "none asks for what is in its video"
    assert report["negatives"]["unscored"] == 0
    for spans in report["spans"]:
        assert spans["agreed"]["share"] >= 0.9
        assert spans["agreed"]["whole"] >= 10
    assert main(["score", "-c", config, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (together,) = (spans for spans in report["found"] if spans["task"] == "any")
    assert together["recall"]["whole"] == report["spans"] >= 40
    assert together["recall"]["at_0_7"] >= 0.9
    (located,) = report["grounded"]
    assert located["captions"]["whole"] == report["spans"] - 2, "two have two spans each"
    assert 0.7 <= located["captions"]["at_0_7"] < 1, "some words are unknown to the engine"


def test_truth_is_that_of_the_videos_asked_for(
    scenes: Path, write_config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(write_config("run"))
    truth = ["score", "-c", config, "--truth", str(scenes / "truth"), "--json"]
    assert main([*truth, "--limit", "2"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["videos"] == 2
    assert report["changes"]["recall"]["share"] is None, "nothing was run"
    assert main(["score", "-c", config, "--truth", str(scenes / "videos")]) == 2
