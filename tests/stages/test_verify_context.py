from __future__ import annotations

from typing import Any

from pipeline.records import Annotation, FramedSegment, Question, Response, Summary, Verdict
from stages import verify_context
from tests.stages.stretches import summaries

PAIR = Annotation(
    video_id="v",
    annotation_id="a",
    task="taxonomy_qa",
    questions=[
        Question(qid="q0", text="What colour is the lamp?", asked_s=3),
        Question(qid="q1", text="And now?", asked_s=8, depends_on="q0"),
    ],
    responses=[
        Response.instant("r0", "red", 3),
        Response.instant("r1", "blue", 8).model_copy(update={"qid": "q1"}),
    ],
)
PAST = Annotation(
    video_id="v",
    annotation_id="m",
    task="memory_qa",
    questions=[Question(qid="q0", text="What went on?", asked_s=7, distractors=["thing 9"])],
    responses=[Response.event("r0", "thing 0", 0, 2).model_copy(update={"from_memory": True})],
)


def looked(
    asking: Any, video_rows: Any, framed: Any, of: Annotation, answer: Any, count: int = 4
) -> tuple[list[Any], Any]:
    context, engine = asking("verify_context", answer)
    kinds = {Annotation: [of], FramedSegment: framed(10), Summary: summaries(count, 2)}
    config = verify_context.Config.model_validate({"memory": {"raw_s": 2}})
    return list(verify_context.STAGE.run([video_rows(kinds)], config, context)), engine


def test_a_dependent_question_is_asked_with_and_without_the_exchange(
    asking: Any, video_rows: Any, framed: Any
) -> None:
    def answer(ask: Any) -> Any:
        value = "red" if "What colour" in ask.text.splitlines()[-1] else "unknown"
        return {"seen": "A lamp.", "value": "blue" if "Asked before" in ask.text else value}

    found, engine = looked(asking, video_rows, framed, PAIR, answer)
    assert [(v.rid, v.check, v.seen, v.passed) for v in found] == [
        ("r0", "in_context", "red", True),
        ("r1", "in_context", "blue", True),
        ("r1", "without_context", "unknown", True),
    ]
    assert all(isinstance(each, Verdict) for each in found)
    with_it = [ask for ask in engine.asks if "Asked before" in ask.text]
    assert len(with_it) == 1 and "The answer then: red" in with_it[0].text
    assert all(frame.time_s <= 8 for ask in engine.asks for frame in ask.frames)


def test_an_answer_that_needs_no_exchange_fails(asking: Any, video_rows: Any, framed: Any) -> None:
    def knowing(ask: Any) -> Any:
        return {"seen": "A lamp.", "value": "red" if len(ask.frames) < 5 else "blue"}

    found, _ = looked(asking, video_rows, framed, PAIR, knowing)
    assert [(v.rid, v.check, v.passed) for v in found][-1] == ("r1", "without_context", False)


def test_memory_is_asked_of_its_text_alone_and_of_the_frames_of_the_window_alone(
    asking: Any, video_rows: Any, framed: Any
) -> None:
    def answer(ask: Any) -> Any:
        return {"seen": "Words.", "value": "thing 0" if "The memory" in ask.text else "unknown"}

    found, engine = looked(asking, video_rows, framed, PAST, answer)
    assert [(v.check, v.passed) for v in found] == [("in_context", True), ("without_context", True)]
    by_memory = sorted(engine.asks, key=lambda ask: "The memory" not in ask.text)
    assert not by_memory[0].frames and "Thing 0 went on." in by_memory[0].text
    assert [frame.time_s for frame in by_memory[1].frames] == [6, 7]


def test_without_a_whole_memory_nothing_is_asked(asking: Any, video_rows: Any, framed: Any) -> None:
    (row,), engine = looked(asking, video_rows, framed, PAST, lambda _: {}, count=2)
    assert row.reason == "no_memory" and not engine.asks
