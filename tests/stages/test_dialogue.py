from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.records import (
    Annotation,
    Dialogue,
    Provenance,
    Question,
    Reject,
    Response,
    Segment,
    Video,
)
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.prompt import Prompt, load_prompts
from pipeline.workflow.stage import Context
from stages._instructions import instruction, paraphrases
from stages.dialogue import STAGE, Config

PROMPTS = load_prompts("instructions")
CONFIGS = Path(__file__).resolve().parents[2] / "configs"
TASKS = ("narration", "event_caption", "action_caption", "event_grounding", "tsqa", "offline_qa")


def response(text: str, at_s: float, **changes: Any) -> Response:
    fields = {"rid": f"r{at_s}", "qid": "q", "kind": "instant", "text": text}
    return Response.model_validate(
        fields | {"start_s": at_s, "end_s": at_s, "respond_s": at_s} | changes
    )


def annotation(task: str, *responses: Response, **question: Any) -> Annotation:
    asked = {"qid": "q", "text": "What now?", "asked_s": 0} | question
    return Annotation(
        video_id="v",
        annotation_id=f"a-{task}",
        task=task,
        questions=[Question.model_validate(asked)],
        responses=list(responses),
    )


@pytest.fixture
def dialogues(video_rows: Callable[..., Any]) -> Callable[..., list[Dialogue | Reject]]:
    def make(*annotations: Annotation, config: Config | None = None) -> list[Dialogue | Reject]:
        segments = [
            Segment(video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1)
            for i in range(6)
        ]
        video = Video(
            video_id="v", uri="v.mp4", duration_s=6, width=64, height=48, rotation_deg=0,
            codec="h264", frame_rate=25, sha256="0", source="s", licence="CC0", split="test",
        )  # fmt: skip
        rows = video_rows({Annotation: annotations, Segment: segments, Video: [video]})
        made = STAGE.run([rows], config or Config(), Context(prompts=PROMPTS))
        return [row for row in made if isinstance(row, (Dialogue, Reject))]

    return make


def test_one_dialogue_an_annotation(dialogues: Any, provenance: Provenance) -> None:
    made = annotation("tsqa", response("red", 1.0), response("blue", 3.4))
    made = made.model_copy(update={"provenance": [provenance, provenance]})
    (dialogue,) = dialogues(made)
    states = [turn.state for turn in dialogue.turns]
    assert states == ["silence", "response", "silence", "silence", "response", "silence"]
    assert (dialogue.n_silence, dialogue.n_standby, dialogue.n_response) == (4, 0, 2)
    assert (dialogue.source, dialogue.licence, dialogue.split) == ("s", "CC0", "test")
    assert dialogue.turns_per_s == 1.0
    assert dialogue.models == ["m@1"], "each once"
    assert dialogue.provenance == [provenance, provenance], "all calls, for whoever asks"
    assert (dialogue.sha256, dialogue.clip_start_s, dialogue.clip_end_s) == ("0", 0, None)
    assert "What now?" in dialogue.turns[0].question != "What now?", "put as an instruction"


def test_a_dialogue_knows_what_kind_its_questions_are_and_what_is_never_right(
    dialogues: Any,
) -> None:
    asked = annotation("tsqa", response("red", 1.0), kind="state", distractors=["pink"])
    (dialogue,) = dialogues(asked)
    assert [(q.kind, q.distractors) for q in dialogue.questions] == [("state", ["pink"])]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_paraphrases_and_samples_spread_over_them(task: str) -> None:
    assert len(paraphrases(PROMPTS[f"instructions/{task}"])) >= 5
    said = {instruction(task, "Q?", f"sample {i}", 0, PROMPTS) for i in range(60)}
    assert len(said) == len(paraphrases(PROMPTS[f"instructions/{task}"]))
    again = {instruction(task, "Q?", f"sample {i}", 0, PROMPTS) for i in range(60)}
    assert said == again
    assert instruction(task, "Q?", "x", 0, PROMPTS) == instruction(task, "Q?", "x", 0, PROMPTS)


def test_a_task_without_paraphrases_asks_in_its_own_words(dialogues: Any) -> None:
    (dialogue,) = dialogues(annotation("brand_new", response("yes", 2)))
    assert dialogue.turns[0].question == "What now?"


def test_another_folder_of_instructions_words_the_questions() -> None:
    prompts = {"own/tsqa": Prompt("own/tsqa", "- Tell me: {{ question }}")}
    assert instruction("tsqa", "Which?", "id", 0, prompts) == "Tell me: Which?"


def test_options_are_lettered_and_answered_by_letter(dialogues: Any) -> None:
    asked = annotation("offline_qa", response("blue", 2), options=["red", "blue"])
    (dialogue,) = dialogues(asked)
    assert "A. red" in dialogue.turns[0].question and "B. blue" in dialogue.turns[0].question
    assert dialogue.turns[2].text == "B. blue"


def test_what_fits_no_dialogue_is_refused_and_its_neighbour_stays(dialogues: Any) -> None:
    bad = annotation("tsqa", response("red", 3.0, start_s=3.0, end_s=1.0))
    own, reject, dialogue = dialogues(bad, annotation("narration", response("A door opens.", 2)))
    assert isinstance(own, Reject) and own.reason == "reversed_span"
    assert isinstance(reject, Reject) and reject.reason == "no_valid_response"
    assert Annotation.model_validate_json(reject.row) == bad
    assert isinstance(dialogue, Dialogue)


def test_a_question_without_an_answer_is_for_negatives_alone(dialogues: Any) -> None:
    unanswered = annotation("event_grounding")
    (reject,) = dialogues(unanswered)
    assert isinstance(reject, Reject) and reject.reason == "no_valid_response"
    negative = unanswered.model_copy(update={"is_negative": True})
    (dialogue,) = dialogues(negative)
    assert dialogue.is_negative and {turn.state for turn in dialogue.turns} == {"silence"}
    answered = annotation("tsqa", response("red", 1.0)).model_copy(update={"is_negative": True})
    (reject,) = dialogues(answered)
    assert isinstance(reject, Reject) and reject.reason == "answered_negative"


def test_a_mixed_dialogue_is_negative_where_all_its_questions_are(dialogues: Any) -> None:
    negative = annotation("event_grounding").model_copy(update={"is_negative": True})
    known = annotation("tsqa", response("red", 1.0))
    (mixed,) = dialogues(negative, known, config=Config(mixed="only"))
    assert not mixed.is_negative
    flags = {question.task: question.is_negative for question in mixed.questions}
    assert flags == {"event_grounding": True, "tsqa": False}


def test_a_response_that_cannot_stand_is_refused_by_itself(dialogues: Any) -> None:
    made = annotation("tsqa", response("red", 1.0), response("blue", 40.0))
    for mixed in ("none", "also"):
        reject, dialogue, *more = dialogues(made, config=Config(mixed=mixed))
        assert isinstance(reject, Reject) and reject.reason == "past_the_end"
        assert "'r40.0' of a-tsqa" in reject.detail
        assert Response.model_validate_json(reject.row).text == "blue"
        assert [r.text for r in dialogue.responses] == ["red"] and not more


def test_mixed_dialogues_hold_each_annotation_once(dialogues: Any) -> None:
    made = [annotation(task, response("x", 1.0 + i)) for i, task in enumerate(TASKS)]
    rows = dialogues(*made, config=Config(mixed="also", mixed_annotations=4))
    assert [row.task for row in rows] == [*TASKS, "mixed", "mixed"]
    mixed = [set(row.annotation_ids) for row in rows[6:]]
    assert mixed[0] | mixed[1] == {a.annotation_id for a in made} and not mixed[0] & mixed[1]
    again = dialogues(*reversed(made), config=Config(mixed="also", mixed_annotations=4))
    assert again[6:] == rows[6:], "the order in which nodes give them says nothing"
    only = dialogues(*made, config=Config(mixed="only", mixed_annotations=8))
    assert [len(row.questions) for row in only] == [6]
    other = dialogues(*made, config=Config(mixed="also", mixed_annotations=4, seed=1))
    assert [set(row.annotation_ids) for row in other[6:]] != mixed


def test_long_dialogues_are_cut_where_a_window_is_set(dialogues: Any) -> None:
    made = annotation("narration", response("A door opens.", 2), response("It shuts.", 4))
    window = {"max_tokens": 520, "frame_tokens": 128}
    rows = dialogues(made, config=Config.model_validate({"window": window}))
    assert len(rows) > 1 and {row.whole_id for row in rows} == {rows[0].sample_id[:16]}
    assert sum(row.n_response for row in rows) == 2
    assert sum(len(row.turns) - row.context_turns for row in rows) == 6


def test_an_annotation_that_two_nodes_made_becomes_one_dialogue(dialogues: Any) -> None:
    made = annotation("narration", response("A door opens.", 2))
    reject, dialogue = dialogues(made, made)
    assert isinstance(dialogue, Dialogue)
    assert (reject.reason, reject.detail) == ("duplicate_annotation", made.annotation_id)


def test_the_seed_changes_wording_and_id(dialogues: Any) -> None:
    made = annotation("narration", response("A door opens.", 2))
    ids = {dialogues(made, config=Config(seed=seed))[0].sample_id for seed in range(5)}
    assert len(ids) == 5


def test_policies_of_a_task_reach_its_samples(dialogues: Any) -> None:
    event = {"kind": "event", "start_s": 2.0, "end_s": 3.0, "respond_s": 3.0}
    grounding = annotation("event_grounding", response("from 2 s to 3 s", 3.0, **event))
    shown = {"confirmed_s": [3.0, 4.0], "earliest_answerable_s": 3.0}
    tsqa = annotation("tsqa", response("red", 4.0, **shown), response("blue", 5.0))
    config = Config.model_validate(
        {
            "asked": {"event_grounding": {"after_event": 1}, "tsqa": {"before_first": 1}},
            "due": {"tsqa": {"by": "earliest_reliable"}},
        }
    )
    backward, early = dialogues(grounding, tsqa, config=config)
    (turn,) = (turn for turn in backward.turns if turn.question)
    assert turn.text == "from 2 s to 3 s" and turn.start_s >= 3
    wording = instruction("event_grounding", "Q?", "x", 0, PROMPTS, "after_event")
    assert wording != instruction("event_grounding", "Q?", "x", 0, PROMPTS)
    assert backward.questions[0].asked_by == "after_event"
    assert (early.questions[0].asked_by, early.questions[0].asked_s <= 1) == ("before_first", True)
    assert [(r.turn, r.due_by) for r in early.responses] == [
        (3, "earliest_reliable"),
        (5, "fallback"),
    ]
    assert [span.end_s for r in early.responses for span in r.evidence] == [3.0, 5.0]
    plain = dialogues(annotation("narration", response("A door opens.", 2)), config=config)
    (said,) = plain[0].responses
    assert (said.due_by, said.due_s, said.valid_from_s) == ("end", None, 2.0)
    assert [(span.start_s, span.end_s) for span in said.evidence] == [(2.0, 2.0)]


def test_what_nobody_verifies_is_due_at_its_end(tmp_path: Path) -> None:
    due = {"nodes": {"dialogue": {"config": {"due": {"narration": {"by": "window"}}}}}}
    path = tmp_path / "own.yaml"
    path.write_text(json.dumps({"extends": str(CONFIGS / "demo.yaml"), **due}))
    with pytest.raises(ConfigError, match=r"nodes\.dialogue\.config.*due\.narration\.by: 'window'"):
        build_graph(load_config(path))


@pytest.mark.parametrize("max_tokens", [None, 800])
def test_a_lead_shortens_what_comes_before_the_evidence(
    dialogues: Any, max_tokens: int | None
) -> None:
    made = annotation("offline_qa", response("yes", 4.0))
    settings: dict[str, Any] = {"lead_s": {"offline_qa": 1.0}}
    if max_tokens is not None:
        settings["window"] = {"max_tokens": max_tokens, "frame_tokens": 128}
    (dialogue,) = dialogues(made, config=Config.model_validate(settings))
    assert [turn.index for turn in dialogue.turns] == [3, 4, 5]
    assert dialogue.turns[0].question and dialogue.turns[1].text == "yes"
    assert dialogue.whole_id and dialogue.questions[0].asked_s == 3
