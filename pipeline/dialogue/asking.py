"""When questions are asked: the policies of a corpus, applied before it is compiled to turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from pydantic import Field, model_validator

from pipeline.dialogue.build import n_tail
from pipeline.dialogue.due import due_turn
from pipeline.dialogue.placement import evidence_s
from pipeline.dialogue.tiling import Tiling
from pipeline.records import Annotation, Dialogue, Question, Response
from pipeline.records.annotation import AskedBy
from pipeline.records.hash_sampling import hash_fraction
from pipeline.settings import Settings


class Asking(Settings):
    """How often the questions of a task are asked when, as parts of their sum."""

    start: float = Field(0, ge=0, description="at the start of the dialogue")
    before_first: float = Field(
        0,
        ge=0,
        description="in a turn drawn by `seed`, `before_s` at least before the first answer, or"
        " before what it reports begins; at the start where there is no room",
    )
    after_event: float = Field(
        0,
        ge=0,
        description="in a turn drawn by `seed`, `after_s` at most after all evidence, to be"
        " answered at once; at the start where an answer does not hold any more by then",
    )

    @model_validator(mode="after")
    def _something(self) -> Asking:
        if not any(self.parts().values()):
            raise ValueError("one of start, before_first and after_event must be above 0")
        return self

    def parts(self) -> dict[AskedBy, float]:
        """The part of each policy."""
        return {
            "start": self.start,
            "before_first": self.before_first,
            "after_event": self.after_event,
        }


@dataclass(frozen=True)
class Moments:
    """How far from the evidence questions may be asked, in seconds, and what draws among it."""

    before_s: float
    after_s: float
    still_s: float
    seed: int


def asked(
    annotation: Annotation, tiling: Tiling, asking: Asking, moments: Moments, first: int = 0
) -> Annotation:
    """The annotation with each question asked as a policy has it, drawn by hash of the annotation's
    id, its own, and the seed, and from turn ``first`` on. The responses have their due times.

    A question that came with a time of its own (``given``) keeps it. One that nothing answers is
    asked in any turn where another would be asked before or after its evidence. One whose last
    answer still holds at the end is asked behind that (``still``), and has that answer alone.
    """
    answers: dict[str, list[Response]] = {}
    for response in annotation.responses:
        answers.setdefault(response.qid, []).append(response)

    def put(question: Question) -> Question:
        if question.asked_by == "given":
            return question
        name = f"{annotation.annotation_id}/{question.qid}"
        drawn = hash_fraction(f"{name}/by", moments.seed)
        by, turns = drawn_by(asking, drawn), range(first, first + 1)
        mine = answers.get(question.qid, [])
        if still := _still(mine, tiling, moments.still_s, first):
            by = "still"
            turns = still
        elif not mine and by != "start":
            turns = range(first, len(tiling))  # else the time would tell that nothing comes
        elif by == "before_first":
            turns = _before(mine, tiling, moments.before_s, first)
        elif by == "after_event":
            turns = _after(mine, tiling, moments.after_s)
        if not turns:
            by = "start"
            turns = range(first, first + 1)
        turn = turns[int(hash_fraction(f"{name}/when", moments.seed) * len(turns))]
        return question.model_copy(update={"asked_s": tiling.starts[turn], "asked_by": by})

    questions = [put(question) for question in annotation.questions]
    late = {question.qid for question in questions if question.asked_by == "still"}
    responses = [
        response
        for response in annotation.responses
        if response.qid not in late or response.still_until_s is not None
    ]
    return annotation.model_copy(update={"questions": questions, "responses": responses})


def drawn_by(asking: Asking, drawn: float) -> AskedBy:
    """The policy at ``drawn`` of 1, where they lie side by side by their parts."""
    parts = [(by, part) for by, part in asking.parts().items() if part]
    whole = sum(part for _, part in parts)
    ends = accumulate(part for _, part in parts)
    found = (by for (by, _), end in zip(parts, ends, strict=True) if drawn * whole < end)
    return next(found, parts[-1][0])


def _before(answers: Sequence[Response], tiling: Tiling, before_s: float, first: int) -> range:
    """The turns from ``first`` on that start so long before what any answer says can be known."""
    latest_s = min(_begins_s(response) for response in answers) - before_s
    room = latest_s >= tiling.starts[first]
    return range(first, tiling.turn_of(latest_s) + 1) if room else range(0)


def _begins_s(response: Response) -> float:
    """When what a response says begins to show."""
    due_s = response.respond_s if response.due_s is None else response.due_s
    return min(due_s, evidence_s(response)[0])


def _after(answers: Sequence[Response], tiling: Tiling, after_s: float) -> range:
    """The turns, at most ``after_s`` after all are due, in which all answers are valid."""
    last = len(tiling) - 1
    due = min(last, max(due_turn(response, tiling) for response in answers))
    until = tiling.turn_of(tiling.starts[due] + after_s)
    ends = [r.valid_until_s for r in answers if r.valid_until_s is not None]
    valid = tiling.first_start(min(ends)) if ends else len(tiling)
    return range(due, min(until + 1, valid))


def _still(answers: Sequence[Response], tiling: Tiling, still_s: float, first: int) -> range:
    """The turns from ``first`` on behind the last answer, if that holds up to the last frame: each
    with ``still_s`` at least up to there."""
    held = [response for response in answers if response.still_until_s is not None]
    latest_s = tiling.frames[-1] - still_s
    if not held or latest_s < 0 or held[0].still_until_s != tiling.frames[-1]:
        return range(0)
    return range(max(first, due_turn(held[0], tiling) + 1), tiling.turn_of(latest_s) + 1)


def opening(annotation: Annotation, tiling: Tiling, lead_s: float) -> int:
    """The turn with which a dialogue begins that shows ``lead_s`` before what is first answered."""
    times = [evidence_s(response)[0] - lead_s for response in annotation.responses]
    times += [q.asked_s for q in annotation.questions if q.asked_by == "given"]
    return tiling.turn_of(max(0.0, min(times, default=0.0)))


def from_turn(dialogue: Dialogue, first: int) -> Dialogue:
    """The dialogue without the turns before ``first``, a window of the whole. Nothing is asked,
    said or waited for in these."""
    if not first:
        return dialogue
    turns = dialogue.turns[first:]
    return dialogue.model_copy(
        update={
            "sample_id": f"{dialogue.sample_id}-w0",
            "whole_id": dialogue.sample_id,
            **{f"n_{state}": count for state, count in turns.counts().items()},
            "n_tail": n_tail(turns),
            "turns": turns,
        }
    )
