"""The stages that write what is remembered, and the one that cuts windows with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import tiling_of
from pipeline.records import Annotation, Dialogue, Reject, Segment, Summary
from pipeline.workflow.stage import Context
from stages import memory_questions, memory_turns, merge_summaries, remember, summarise
from tests.stages.clip_streams import known
from tests.stages.test_taxonomy_questions import turns

LINES = ((3.0, "A ball rolls."), (9.0, "It stops."), (31.0, "A dog comes."))


def narration(*lines: tuple[float, str]) -> Annotation:
    made = Annotation.instants("narration", "Tell what happens.", lines or LINES)
    return made.model_copy(update={"video_id": "v", "annotation_id": "n"})


def test_a_stretch_is_summarised_from_what_was_said_in_it(
    asking: Callable[..., Any], video_rows: Callable[..., Any]
) -> None:
    context, engine = asking("summarise", lambda _: {"summary": "Something went on."})
    other = narration((2.0, "red")).model_copy(update={"task": "tsqa", "annotation_id": "t"})
    rows = video_rows({Segment: turns(45), Annotation: [narration(), other]})
    config = summarise.Config(raw_s=10)
    found: list[Any] = list(summarise.STAGE.run([rows], config, context))
    assert [(each.start_s, each.end_s) for each in found] == [(0, 10), (10, 20), (20, 30), (30, 40)]
    assert [each.text == config.quiet for each in found] == [False, True, True, False]
    assert [each.provenance is None for each in found] == [False, True, True, False]
    assert [ask.text.splitlines()[1:] for ask in engine.asks] == [
        ["3.0: A ball rolls.", "9.0: It stops."],
        ["31.0: A dog comes."],
    ]
    (row,) = summarise.STAGE.run([rows], summarise.Config(raw_s=60), context)
    assert isinstance(row, Reject) and row.reason == "no_stretch"


def summaries(count: int, raw_s: float = 10) -> list[Summary]:
    return [
        Summary(
            video_id="v",
            level="middle",
            start_s=n * raw_s,
            end_s=(n + 1) * raw_s,
            text=f"Thing {n} went on.",
            provenance=None,
        )
        for n in range(count)
    ]


def merged(count: int, middle: int, asking: Any, video_rows: Any, left: int = -1) -> Sequence[Any]:
    context, _ = asking("merge_summaries", lambda ask: {"summary": f"All of: {ask.text[-40:]}"})
    held = [each for n, each in enumerate(summaries(count)) if n != left]
    rows = video_rows({Summary: held})
    return list(merge_summaries.STAGE.run([rows], merge_summaries.Config(middle=middle), context))


def test_full_numbers_of_summaries_are_merged(asking: Any, video_rows: Any) -> None:
    found = merged(7, 3, asking, video_rows)
    assert [(each.level, each.start_s, each.end_s) for each in found] == [
        ("long", 0, 30),
        ("long", 30, 60),
    ]
    assert "Thing 2 went on." in found[0].text
    (row,) = merged(2, 3, asking, video_rows)
    assert row.reason == "too_few_summaries"
    first, second = merged(7, 3, asking, video_rows, left=1)
    assert first.reason == "missing_summary" and second.start_s == 30


def whole(annotation: Annotation) -> Dialogue:
    (made,), _ = build_dialogues(known("v", 45), tiling_of("v", turns(45)), [annotation], "s")
    return made


def test_windows_remember_and_say_what_they_cannot_hold(asking: Any, video_rows: Any) -> None:
    config = remember.Config.model_validate({"memory": {"raw_s": 10, "middle": 2, "long": 1}})
    context, _ = asking("summarise", lambda _: {})
    long = list(merged(4, 2, asking, video_rows))
    held = [*summaries(4), *long]

    def run(of: Annotation, having: Sequence[Summary]) -> list[Any]:
        rows = video_rows({Dialogue: [whole(of)], Summary: having})
        return list(remember.STAGE.run([rows], config, context))

    made = run(narration(), held)
    assert [(w.sample_id, [(m.level, m.end_s) for m in w.memory]) for w in made] == [
        ("s-w0", []),
        ("s-w1", [("middle", 10)]),
        ("s-w2", [("middle", 10), ("middle", 20)]),
        ("s-w3", [("long", 20), ("middle", 30)]),
        ("s-w4", [("long", 20), ("middle", 30), ("middle", 40)]),
    ]
    assert all(w.questions and w.turns.first == 10 * n for n, w in enumerate(made))
    *windows, refused = run(narration(), held[:2])
    assert [w.sample_id for w in windows] == ["s-w0", "s-w1", "s-w2"]
    assert refused.reason == "no_memory" and "r2" in refused.detail


def test_the_assistant_sums_up_a_stretch_behind_its_details(video_rows: Any) -> None:
    rows = video_rows({Annotation: [narration()], Summary: summaries(4)})
    (found,) = memory_turns.STAGE.run([rows], memory_turns.Config(), Context())
    assert isinstance(found, Annotation)
    said = [(at, turn.text) for at, turn in whole(found).turns.said.items()]
    assert said == [
        (3, "[3.0 seconds] A ball rolls."),
        (9, "[9.0 seconds] It stops."),
        (10, "[0.0 - 10.0 seconds] Thing 0 went on."),
        (20, "[10.0 - 20.0 seconds] Thing 1 went on."),
        (30, "[20.0 - 30.0 seconds] Thing 2 went on."),
        (31, "[31.0 seconds] A dog comes."),
        (40, "[30.0 - 40.0 seconds] Thing 3 went on."),
    ]
    nothing = video_rows({Annotation: [], Summary: summaries(4)})
    (row,) = memory_turns.STAGE.run([nothing], memory_turns.Config(), Context())
    assert isinstance(row, Reject) and row.reason == "nothing_summarised"


ABOUT = {"question": "What went on first?", "answer": "thing 0", "distractors": ["thing 9"]}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ABOUT, None),
        ({**ABOUT, "question": "When did thing 0 go on?"}, "tells_answer"),
        ({**ABOUT, "distractors": ["Thing 0"]}, "no_distractors"),
    ],
)
def test_a_question_about_the_past_rests_on_its_summary(
    asking: Any, video_rows: Any, answer: Any, reason: str | None
) -> None:
    context, engine = asking("memory_questions", lambda _: answer)
    written = [each.model_copy(update={"provenance": _call(asking)}) for each in summaries(3)]
    rows = video_rows({Segment: turns(35), Summary: written})
    config = memory_questions.Config.model_validate({"every": 1, "memory": {"raw_s": 10}})
    found: list[Any] = list(memory_questions.STAGE.run([rows], config, context))
    assert len(found) == len(engine.asks) == 3
    for number, row in enumerate(found, 1):
        if reason is not None:
            assert row.reason == reason
            continue
        (question,), (response,) = row.questions, row.responses
        assert 10 * number <= question.asked_s < 10 * (number + 1)
        assert response.from_memory and response.end_s <= 10 * number
        assert row.aspect == "answer_invariant/backward/contextual"


def _call(asking: Any) -> Any:
    from pipeline.records import THIS_CALL

    return THIS_CALL.model_copy(update={"request_id": "earlier"})
