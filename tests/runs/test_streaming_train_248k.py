"""The recipe of Streaming-Train-248K over scripted scenes, with the embedded engine."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.corpus.read import read_corpus
from pipeline.dialogue.read_events import read_events
from pipeline.engines.embedded.engine import EmbeddedEngine
from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.render import render_scenes
from pipeline.media.scenes.script import Scene
from pipeline.records import Annotation, Dialogue, FramedSegment, Record, Summary, Verdict
from pipeline.run import main
from pipeline.workflow.prompt import load_prompts
from pipeline.workflow.stage import Context
from stages import keep_in_context, verify_context
from stages._taxonomy import ASKED, MEMORY, NARRATION
from tests.conftest import RenderOnce
from tests.stages.conftest import Rows, ScriptedEngine

RECIPE = Path(__file__).resolve().parents[2] / "configs" / "recipes" / "streaming_train_248k.yaml"
Capture = pytest.CaptureFixture[str]
NAMES = ("scene-01", "scene-04", "scene-07", "scene-10", "scene-13")
"""Those in which much changes."""
RAW_S = 10


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce) -> Path:
    """A finished run over some scenes."""
    folder = tmp_path_factory.mktemp("streaming_train")
    with render_once():
        manifest = render_scenes(folder / "scenes", NAMES)
    config = {
        "extends": str(RECIPE),
        "run": {"root": str(folder / "run"), "videos_per_shard": 3, "workers": 2},
        "source": {"kind": "manifest", "path": str(manifest)},
        "nodes": {
            "segment": {"config": {"longer_px": 160}},
            "taxonomy_questions": {"config": {"max_questions": 8}},
        },
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert main(["run", "-c", str(folder / "run.yaml")]) == 0
    return folder


@pytest.fixture(scope="module")
def dialogues(run_folder: Path) -> Sequence[Dialogue]:
    samples = read_corpus(run_folder / "run" / "corpus", frames=False)
    return [dialogue for sample in samples for dialogue in sample.dialogues]


def test_every_sample_has_its_place_in_the_taxonomy(dialogues: Sequence[Dialogue]) -> None:
    aspects = Counter(each.aspect for each in dialogues)
    assert set(aspects) <= {cell.aspect for cell in (*ASKED, NARRATION, MEMORY)}
    forms = {aspect.partition("/")[0] for aspect in aspects}
    assert {"narration", "answer_invariant", "question_changing_dependent"} <= forms
    assert MEMORY.aspect in aspects and NARRATION.aspect in aspects
    assert all(question.aspect == each.aspect for each in dialogues for question in each.questions)


def test_the_laws_hold_in_two_states(dialogues: Sequence[Dialogue]) -> None:
    for each in dialogues:
        turns = list(each.turns)
        assert {turn.state for turn in turns} <= {"silence", "response"}
        assert all(a.end_s == b.start_s for a, b in pairwise(turns))
        stands = [rid for turn in turns for rid in turn.rids]
        assert sorted(stands) == sorted(response.rid for response in each.responses)
        asked = [qid for turn in turns for qid in turn.qids]
        assert sorted(asked) == sorted(question.qid for question in each.questions)
        for response in each.responses:
            said = turns[response.turn - each.turns.first]
            late = [span.end_s for span in response.evidence if span.end_s > said.start_s]
            assert not late or "clamped" in response.flags
        for turn in turns:
            assert bool(turn.rids) == (turn.state == "response")
        assert {event.text for event in read_events(each.turns)} == {
            turn.text for turn in turns if turn.text
        }


def test_weights_are_the_papers(dialogues: Sequence[Dialogue]) -> None:
    for each in dialogues:
        own = list(each.turns)[each.context_turns :]
        for turn in own:
            silence = 1.0 if turn.transition else 0.8
            assert turn.loss_scale == (1.5 if turn.state == "response" else silence)


def test_what_a_window_remembers_was_said_before_it(
    dialogues: Sequence[Dialogue], run_folder: Path
) -> None:
    narrated: dict[str, list[tuple[float, str]]] = {}
    for each in dialogues:
        if each.task == "narration":
            lines = [(response.respond_s, response.text) for response in each.responses]
            narrated.setdefault(each.video_id, []).extend(lines)
    remembered = 0
    for each in dialogues:
        start_s = each.turns[0].start_s
        for one, other in pairwise(each.memory):
            assert one.end_s == other.start_s
        assert not each.memory or each.memory[-1].end_s == start_s
        for summary in each.memory:
            said = {text for time_s, text in narrated[each.video_id] if time_s < start_s}
            for sentence in re.findall(r"[^.]+\.", summary.text):
                if sentence.strip() != "Nothing changed.":
                    remembered += 1
                    assert sentence.strip() in said
    assert remembered


def value_of(scene: Scene, shape: str, time_s: float) -> str:
    (actor,) = [actor for actor in scene.actors if actor.shape == shape]
    return [colour for since_s, colour in actor.colours if since_s <= time_s][-1]


def test_answers_are_the_truth_of_the_scenes(dialogues: Sequence[Dialogue]) -> None:
    scenes = {scene.name: scene for scene in SCENES}
    compared = 0
    for each in dialogues:
        asked = {question.qid: question for question in each.questions}
        named = re.match(r"What colour is the (circle|square|triangle)\?", each.questions[0].text)
        if each.task != "taxonomy_qa" or named is None:
            continue
        scene = scenes[each.video_id]
        shape = str(named[1])
        if [str(actor.shape) for actor in scene.actors].count(shape) != 1:
            continue
        for response in each.responses:
            at_s = max(response.start_s, 0.0)
            assert response.text == value_of(scene, shape, at_s), each.sample_id
            if response.kind == "event":
                now = value_of(scene, shape, asked[response.qid].asked_s)
                assert response.text != now
            compared += 1
    assert compared


def test_a_dependent_question_needs_the_exchange_before_it(
    dialogues: Sequence[Dialogue],
) -> None:
    found = [each for each in dialogues if each.aspect.startswith("question_changing_dependent")]
    answered = 0
    for each in found:
        names = {
            rid: [c.name for c in each.checks if c.rid == rid and c.passed]
            for rid in (response.rid for response in each.responses)
        }
        depends = {question.qid: question.depends_on for question in each.questions}
        for response in each.responses:
            needs = ["in_context"]
            if earlier := depends[response.qid]:
                answered += 1
                needs.append("without_context")
                assert earlier in {other.qid for other in each.responses}, "the window shows it"
            assert sorted(names[response.rid]) == needs
    assert answered


def test_what_is_asked_of_memory_is_not_in_the_frames(dialogues: Sequence[Dialogue]) -> None:
    found = [each for each in dialogues if each.task == "memory_qa"]
    assert found
    for each in found:
        (response,) = each.responses
        assert response.from_memory and response.end_s <= each.turns[0].start_s
        assert any(
            response.text in summary.text and summary.start_s == response.start_s
            for summary in each.memory
        )


def test_a_planted_question_that_needs_no_exchange_is_refused(
    run_folder: Path, dialogues: Sequence[Dialogue]
) -> None:
    samples = read_corpus(run_folder / "run" / "corpus", frames=True)
    frames = {each.dialogues[0].video_id: each.frames for each in samples}
    dependent = "question_changing_dependent/present/contextual"
    honest = next(d for d in dialogues if d.aspect == dependent and len(d.responses) == 2)
    embedded = EmbeddedEngine()
    prompts = load_prompts("verify_context")
    engine = ScriptedEngine(lambda ask: embedded._reply(ask).text or "")
    context = Context(engine=engine, prompts=prompts)

    def kept(follow_up: str) -> list[Any]:
        questions = [
            q.model_copy(update={"text": follow_up}) if q.depends_on else q
            for q in honest.questions
        ]
        annotation = Annotation(
            video_id=honest.video_id,
            annotation_id="a",
            task="taxonomy_qa",
            questions=[*questions],
            responses=[*honest.responses],
        )
        kinds: dict[type[Record], Sequence[Record]] = {
            Annotation: [annotation],
            FramedSegment: frames[honest.video_id],
            Summary: [],
        }
        rows = Rows(honest.video_id, kinds)
        verdicts = list(verify_context.STAGE.run([rows], verify_context.Config(), context))
        assert all(isinstance(each, Verdict) for each in verdicts)
        judged = Rows(honest.video_id, {Annotation: [annotation], Verdict: verdicts})
        return list(keep_in_context.STAGE.run([judged], keep_in_context.Config(), context))

    (row,) = kept("And now?")
    assert isinstance(row, Annotation)
    (row,) = kept(honest.questions[0].text)
    assert row.reason == "context_not_needed"


def test_the_checker_finds_nothing_and_every_format_accounts_for_all(
    run_folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    corpus = str(run_folder / "run" / "corpus")
    assert main(["audit", corpus]) == 0
    assert "responses before their evidence is complete: 0 of" in capsys.readouterr().out
    out = tmp_path / "out"
    export = ["export", corpus, "--format", "messages", "--spelling", "two_states", "-o", str(out)]
    assert main(export) == 0
    rows = [json.loads(line) for line in (out / "train.jsonl").read_text("utf-8").splitlines()]
    assert any(row["memory"] for row in rows)
    answers = {m["content"].split(" ")[0] for r in rows for m in r["messages"][2::2]}
    assert answers == {"</silence>", "</response>"}
    stamps = {m["content"].splitlines()[-2] for r in rows for m in r["messages"][1::2]}
    assert "<4s-5s>" in stamps
    publish = ["publish", corpus, "--repo", "a/b", "--dry-run"]
    for allowed in ("embedded", "unlisted-licence"):
        publish += ["--allow", allowed]
    assert main(publish) == 0
    assert "nothing was sent" in capsys.readouterr().out


def test_a_second_run_does_nothing(run_folder: Path, capsys: Capture) -> None:
    assert main(["plan", "-c", str(run_folder / "run.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines and all(line.split()[3] == "0" for line in lines if line.strip()), lines
