"""The questions of a dialogue, with what is expected and what was predicted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from pydantic import model_validator

from pipeline.dialogue.read_events import read_events
from pipeline.dialogue.tiling import EPSILON_S
from pipeline.records import Dialogue, PlacedResponse, Record, Turns
from pipeline.records.annotation import Question
from pipeline.records.base import Seconds, State
from pipeline.records.spans import TimeSpan
from pipeline.records.turns import STATES
from pipeline.scoring.item import Direction, Expected, Item, Said


class PredictedResponse(Record):
    """Something that a model said, in the turn that contains ``time_s``."""

    time_s: Seconds
    text: str
    qid: str = ""
    """The question that it answers; empty for the last one asked by then."""
    start_s: Seconds | None = None
    """Of what it reports, where it says so, like ``end_s``."""
    end_s: Seconds | None = None

    @model_validator(mode="after")
    def _whole(self) -> PredictedResponse:
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError("start_s and end_s go together")
        return self


class Prediction(Record):
    """What a model said to one sample: a row of a file of predictions."""

    sample_id: str
    responses: tuple[PredictedResponse, ...] = ()
    """None where it was silent. Their order does not matter."""
    states: tuple[State, ...] = ()
    """Of every turn of the sample, where they are known."""
    latencies_s: tuple[Seconds, ...] = ()
    """From the moment the model was shown a turn to what it did, likewise."""


def problem_of(prediction: Prediction, dialogue: Dialogue) -> str:
    """Why a prediction cannot be one of a dialogue; empty where it can."""
    turns = dialogue.turns
    if prediction.states and len(prediction.states) != len(turns):
        return f"{len(prediction.states)} states for {len(turns)} turns"
    qids = {each.qid for each in dialogue.questions}
    for one in prediction.responses:
        if not turns.starts[0] - EPSILON_S <= one.time_s < turns.ends[-1] + EPSILON_S:
            return f"{one.time_s:g} s is not between {turns.starts[0]:g} and {turns.ends[-1]:g} s"
        if one.qid and one.qid not in qids:
            return f"no question {one.qid!r}, but {', '.join(sorted(qids))}"
    return ""


def prediction_of(dialogue: Dialogue) -> Prediction:
    """What a model would have said that says what the dialogue says."""
    responses = [
        PredictedResponse(
            time_s=due.due_s,
            text=due.text,
            qid=question.qid,
            start_s=due.span[0],
            end_s=due.span[1],
        )
        for question in dialogue.questions
        for due in _expected(dialogue, question.qid)
    ]
    return Prediction(
        sample_id=dialogue.sample_id,
        states=tuple(STATES[code] for code in dialogue.turns.states),
        responses=tuple(responses),
    )


def items_of(dialogue: Dialogue, prediction: Prediction | None) -> Iterator[Item]:
    """Its questions in the order in which they are asked; without a prediction, none is answered.

    What is asked in one turn is one question after the other. A question lasts to the next one, or
    to the end where an answer to it is expected after that. What is said before all questions
    belongs to the first.
    """
    turns = dialogue.turns
    asked_at = {qid: place for place, asked in turns.asked.items() for qid in asked.qids}
    questions = sorted(
        (each for each in dialogue.questions if each.qid in asked_at),
        key=lambda each: asked_at[each.qid],
    )
    expected = {each.qid: _expected(dialogue, each.qid) for each in questions}
    codes = bytes(STATES.index(each) for each in prediction.states) if prediction else b""
    said = _said(prediction, codes, turns, questions, asked_at) if prediction and questions else {}
    nexts = [*(asked_at[each.qid] for each in questions[1:]), len(turns)]
    for question, next_at in zip(questions, nexts, strict=True):
        begin, due = asked_at[question.qid], expected[question.qid]
        late = bool(due) and due[-1].due_s >= turns.ends[max(begin, next_at - 1)] - EPSILON_S
        end = len(turns) if late else max(begin + 1, next_at)
        yield Item(
            sample_id=dialogue.sample_id,
            qid=question.qid,
            task=question.task,
            aspect=question.aspect,
            question=question.text,
            options=tuple(question.options),
            direction=_direction(dialogue, question.qid, turns.starts[begin]),
            asked_s=turns.starts[begin],
            end_s=turns.ends[end - 1],
            expected=due,
            said=tuple(sorted(said.get(question.qid, ()), key=lambda one: one.time_s)),
            starts=turns.starts[begin:end],
            states=turns.states[begin:end],
            said_states=codes[begin:end],
        )


def _expected(dialogue: Dialogue, qid: str) -> tuple[Expected, ...]:
    turns, placed = dialogue.turns, {each.rid: each for each in dialogue.responses}
    found = []
    for place, said in turns.said.items():
        own = [placed[r] for r, q in zip(said.rids, said.answers, strict=True) if q == qid]
        if not own:
            continue
        ends_s = [each.valid_until_s for each in own if each.valid_until_s is not None]
        until_s = max(ends_s) if len(ends_s) == len(own) else None
        text = said.text if len(own) == len(said.rids) else " ".join(each.text for each in own)
        found.append(Expected(text, turns.starts[place], until_s, _placed_span(turns, place, own)))
    return tuple(found)


def _placed_span(turns: Turns, place: int, own: Sequence[PlacedResponse]) -> TimeSpan:
    first = min(each.standby_from for each in own) - turns.first
    return turns.starts[max(0, min(first, place))], turns.starts[place]


def _said(
    prediction: Prediction,
    states: bytes,
    turns: Turns,
    questions: Sequence[Question],
    asked_at: Mapping[str, int],
) -> dict[str, list[Said]]:
    """What was said to each question; ``states`` are those of the prediction, if it has any."""
    stood_by = {}
    if states:
        shown = Turns(turns.first, turns.starts, turns.ends, turns.frames, states)
        stood_by = {
            each.turn - turns.first: (each.start_s, each.end_s) for each in read_events(shown)
        }
    places = [asked_at[each.qid] for each in questions]
    by_question: dict[str, list[Said]] = {}
    for one in prediction.responses:
        place = max(0, bisect_right(turns.starts, one.time_s + EPSILON_S) - 1)
        last = max(0, bisect_right(places, place) - 1)
        qid = one.qid if one.qid in asked_at else questions[last].qid
        time_s = turns.starts[place]
        if one.start_s is not None and one.end_s is not None:
            span = (one.start_s, one.end_s)
        else:
            span = stood_by.get(place, (time_s, time_s))
        by_question.setdefault(qid, []).append(Said(time_s, one.text, span))
    return by_question


def _direction(dialogue: Dialogue, qid: str, asked_s: float) -> Direction:
    answers = [each for each in dialogue.responses if each.qid == qid]
    if not answers:
        return "forward"
    first = min(answers, key=lambda each: (each.respond_s, each.start_s))
    if first.respond_s <= asked_s + EPSILON_S:
        until_s = first.respond_s if first.kind == "event" else first.valid_until_s
        return "present" if until_s is None or until_s > asked_s else "backward"
    return "present" if first.start_s <= asked_s + EPSILON_S else "forward"
