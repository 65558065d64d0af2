"""The turns of a compiled annotation, made once more in the slow way: a record a turn."""

from __future__ import annotations

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dialogue.compile import Compiled, compile_turns
from pipeline.dialogue.placement import Collision
from pipeline.dialogue.tiling import Tiling
from pipeline.records import Annotation, State, Turn
from tests.conftest import examples
from tests.pipeline.dialogue.annotations import Case, cases


def slow_turns(annotation: Annotation, tiling: Tiling, compiled: Compiled) -> list[Turn]:
    """Turn by turn, each with all that stands in it, and validated."""
    turns: list[Turn] = []
    state: State
    for index, frame_s in enumerate(tiling.frames):
        start_s, end_s = tiling.starts[index : index + 2]
        here = [response for response in compiled.responses if response.turn == index]
        waits = any(r.standby_from <= index < r.turn for r in compiled.responses)
        state = "response" if here else "standby" if waits else "silence"
        asked = [q for q in annotation.questions if tiling.turn_of(q.asked_s) == index]
        asked.sort(key=lambda question: (question.asked_s, question.text, question.qid))
        flags = {flag for response in here for flag in response.flags}
        flags |= {"late_question" for question in asked if question.asked_s > tiling.end_s}
        turns.append(
            Turn(
                index=index,
                start_s=start_s,
                end_s=end_s,
                frame_s=frame_s,
                state=state,
                transition=not turns or turns[-1].state != state,
                question="\n".join(question.text for question in asked),
                text="\n".join(r.text for r in here if "repeated" not in r.flags),
                qids=[question.qid for question in asked],
                rids=[response.rid for response in here],
                answers=[response.qid for response in here],
                flags=sorted(flags),
            )
        )
    return turns


@given(cases(), st.sampled_from(get_args(Collision)))
@settings(max_examples=examples(100))
def test_the_columns_are_the_turns_made_one_by_one(case: Case, collision: Collision) -> None:
    made = compile_turns(case.annotation, case.tiling, collision=collision)
    for number, compiled in enumerate(made.dialogues):
        answered = {response.qid for response in compiled.responses}
        kept = [q for q in case.annotation.questions if number == 0 or q.qid in answered]
        annotation = case.annotation.model_copy(update={"questions": kept})
        assert list(compiled.turns) == slow_turns(annotation, case.tiling, compiled)
