"""When responses are due, by policy: never before what they name as evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.dialogue.compile import compile_turns
from pipeline.dialogue.due import Due, with_due
from pipeline.dialogue.tiling import even_tiling
from pipeline.records import PlacedResponse, Question, Response, Span
from tests.pipeline.dialogue.annotations import made_of

TILING = even_tiling("v", 20.0, 1.0)
ASKED = Question(qid="q0", text="What now?", asked_s=0.0)


def answer(rid: str, time_s: float, until_s: float | None, *confirmed_s: float) -> Response:
    """An instant that a verifier confirmed at these times, and not before."""
    return Response.instant(
        rid, rid, time_s, valid_until_s=until_s, confirmed_s=list(confirmed_s),
        earliest_answerable_s=confirmed_s[0] if confirmed_s else None,
    )  # fmt: skip


def placed(*responses: Response, **due: object) -> list[PlacedResponse]:
    made = with_due(responses, TILING, Due.model_validate(due), "a", 0)
    compiled = compile_turns(made_of([ASKED], made), TILING)
    assert not compiled.refused
    return list(compiled.dialogues[0].responses)


@pytest.mark.parametrize(
    ("due", "turns", "by"),
    [
        ({"by": "end"}, [6, 12], ["end", "end"]),
        ({"by": "earliest_reliable"}, [4, 12], ["earliest_reliable", "fallback"]),
        ({"by": "start_plus", "delta_s": 2}, [8, 14], ["start_plus", "start_plus"]),
        ({"by": "start_plus", "delta_s": 6}, [6, 18], ["fallback", "start_plus"]),
        ({"by": "start_plus", "delta_s": 9}, [6, 12], ["fallback", "fallback"]),
    ],
)
def test_each_policy_has_its_turn_or_falls_back(
    due: dict[str, object], turns: list[int], by: list[str]
) -> None:
    responses = answer("a", 6.0, 12.0, 4.0, 5.0, 6.0), answer("b", 12.0, None)
    made = placed(*responses, **due)
    assert [response.turn for response in made] == turns
    assert [response.due_by for response in made] == by
    assert [response.valid_from_s for response in made] == [4.0, 12.0]
    for response in made:
        assert ("fallback" in response.flags) == (response.due_by == "fallback")
        (evidence,) = response.evidence
        assert evidence.end_s == min(response.respond_s, TILING.starts[response.turn])


def test_an_event_under_way_is_reported_only_at_a_confirmed_frame() -> None:
    event = Response.event("e", "A ball rolls.", 3.0, 10.0)
    confirmed = event.model_copy(update={"confirmed_s": [6.0, 8.0], "earliest_answerable_s": 6.0})
    by_start = {"by": "start_plus", "delta_s": 4}
    assert [r.turn for r in placed(confirmed, **by_start)] == [8]
    (early,) = placed(confirmed, by="earliest_reliable")
    assert (early.turn, early.standby_from, early.evidence) == (6, 3, [Span(start_s=3, end_s=6)])
    for due in (by_start, {"by": "earliest_reliable"}):
        (late,) = placed(event, **due)
        assert (late.turn, late.due_by, late.flags) == (10, "fallback", ["fallback"])


def test_a_window_is_drawn_from_by_the_seed_alone() -> None:
    responses = [answer(f"r{i}", 6.0, 12.0, 4.0, 5.0, 6.0) for i in range(60)]
    window = Due(by="window")
    made = [with_due([each], TILING, window, each.rid, 0)[0] for each in responses]
    times = [each.respond_s if each.due_s is None else each.due_s for each in made]
    assert {*times} == {4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0}
    assert made == [with_due([each], TILING, window, each.rid, 0)[0] for each in responses]
    assert made != [with_due([each], TILING, window, each.rid, 1)[0] for each in responses]
    short = Due(by="window", longest_s=2)
    made = [with_due([each], TILING, short, each.rid, 0)[0] for each in responses]
    assert max(each.due_s or 0.0 for each in made) == 7.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"confirmed_s": [5.0]}, "early_response"),
        ({"evidence": [Span(start_s=4, end_s=6)]}, "early_response"),
        ({"evidence": []}, "early_response"),
    ],
)
def test_who_is_early_must_name_confirmed_evidence(
    change: dict[str, object], reason: str | None
) -> None:
    fields = {"due_s": 4.0, "due_by": "window", "evidence": [Span(start_s=4, end_s=4)]}
    response = answer("a", 6.0, None, 4.0, 6.0).model_copy(update={**fields, **change})
    compiled = compile_turns(made_of([ASKED], [response]), TILING)
    assert [refusal.reason for refusal in compiled.refused] == [reason] * bool(reason)


@pytest.mark.parametrize(
    "due",
    [
        {"by": "start_plus"},
        {"by": "end", "delta_s": 1},
        {"by": "window", "delta_s": 1},
        {"by": "earliest_reliable", "longest_s": 1},
        {"by": "sometimes"},
    ],
)
def test_settings_that_do_not_fit_are_refused(due: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Due.model_validate(due)


@st.composite
def answers(draw: st.DrawFn) -> list[Response]:
    """Answers to one question, each valid until the next, some confirmed early."""
    times = sorted(draw(st.sets(st.integers(0, 19), min_size=1, max_size=6)))
    made = []
    for number, time_s in enumerate(times):
        until_s = times[number + 1] if number + 1 < len(times) else None
        since = times[number - 1] + 1 if number else 0
        first = draw(st.integers(since, time_s)) if since <= time_s else time_s
        confirmed = range(first, time_s + 1) if draw(st.booleans()) else ()
        made.append(answer(f"r{number}", time_s, until_s, *map(float, confirmed)))
    return made


@given(
    answers(),
    st.sampled_from([
        {"by": "end"}, {"by": "earliest_reliable"}, {"by": "window"},
        {"by": "start_plus", "delta_s": 2.0}, {"by": "window", "longest_s": 3.0},
    ]),
    st.integers(0, 99),
)  # fmt: skip
def test_answers_keep_their_order_and_are_valid_when_given(
    responses: list[Response], due: dict[str, object], seed: int
) -> None:
    made = with_due(responses, TILING, Due.model_validate(due), "a", seed)
    compiled = compile_turns(made_of([ASKED], made), TILING)
    (dialogue,), refused = compiled
    assert not refused and [r.rid for r in dialogue.responses] == [r.rid for r in responses]
    turns = [response.turn for response in dialogue.responses]
    assert turns == sorted(set(turns)), "none takes the place of another"
    for response in dialogue.responses:
        shown_s = TILING.frames[response.turn]
        assert shown_s in response.confirmed_s or shown_s >= response.respond_s
        assert shown_s < (response.valid_until_s or TILING.end_s)
        assert shown_s >= (response.valid_from_s or 0.0)
