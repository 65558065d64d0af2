"""Faults that are planted in the compiler, the formats and their rows are found by the checker in
each format that can tell them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline.corpus.audit.checker import Checked, Timeline
from pipeline.corpus.audit.checker_entries import UNTOLD, check_written
from pipeline.corpus.audit.checker_readers import READERS, Clock
from pipeline.corpus.formats import FORMATS, livecc, raw, turn_messages
from pipeline.dialogue import compile as compiler
from pipeline.dialogue import placement
from pipeline.dialogue.placement import DueResponse, Refusal
from pipeline.dialogue.state_tokens import StateTokens
from pipeline.dialogue.tiling import Tiling, even_tiling
from pipeline.dialogue.turn_labels import label_of
from pipeline.records import PlacedResponse, Question, Response
from tests.pipeline.corpus.test_checker import rows_of
from tests.pipeline.dialogue.annotations import made_of


def event(rid: str, start_s: float, end_s: float, text: str = "") -> Response:
    return Response(
        rid=rid, qid="q", kind="event", text=text or f"{rid} is over.", start_s=start_s,
        end_s=end_s, respond_s=end_s,
    )  # fmt: skip


QUESTION = Question(qid="q", text="What happens?\nSay it.", asked_s=3.2)
RESPONSES = [
    event("postponed", 0.5, 2.0),
    event("long", 5.0, 7.0),
    event("merged", 6.0, 7.0),
    event("one", 10.0, 12.0, "Twins."),
    event("other", 10.0, 12.0, "Twins."),
    Response(
        rid="instant",
        qid="q",
        kind="instant",
        text="Now.",
        start_s=16.0,
        end_s=16.0,
        respond_s=16.0,
    ),
    event("clamped", 14.0, 19.5),
]
TILING = even_tiling("v", 20.0, 1.0)


def checked(form: str, spoil: Callable[[list[Any]], object] = bool) -> Checked:
    rows = rows_of(made_of([QUESTION], RESPONSES), TILING, form)
    spoil(rows)
    timeline = Timeline(TILING.starts[:-1], TILING.frames, TILING.end_s)
    return check_written(READERS[form](rows), [QUESTION], RESPONSES, timeline)


Patch = pytest.MonkeyPatch


def judged(change: Callable[[DueResponse], DueResponse | Refusal]) -> Callable[[Patch], None]:
    """A compiler that judges responses otherwise."""

    def plant(patch: Patch) -> None:
        def judge(*given: Any) -> DueResponse | Refusal:
            right = placement.judge(*given)
            return right if isinstance(right, Refusal) else change(right)

        patch.setattr(compiler, "judge", judge)

    return plant


def placed(
    change: Callable[[PlacedResponse], dict[str, Any]], times: int = 1
) -> Callable[[Patch], None]:
    """A compiler that writes other responses than it was given, and each so many times."""

    def plant(patch: Patch) -> None:
        def place(*given: Any, **more: Any) -> tuple[PlacedResponse, ...]:
            right = placement.place_responses(*given, **more)
            return tuple(r.model_copy(update=change(r)) for r in right for _ in range(times))

        patch.setattr(compiler, "place_responses", place)

    return plant


def moved(kind: str, turns: int) -> Callable[[Patch], None]:
    """A tiling that finds other first turns of events (``start``) or of instants (``frame``)."""

    def plant(patch: Patch) -> None:
        right = getattr(Tiling, f"first_{kind}")
        patch.setattr(
            Tiling, f"first_{kind}", lambda self, time_s: max(0, right(self, time_s) + turns)
        )

    return plant


def first_of_each_turn(responses: Sequence[DueResponse]) -> list[DueResponse]:
    return list({due.turn: due for due in reversed(responses)}.values())[::-1]


def labelled(patch: Patch) -> None:
    patch.setattr(turn_messages, "label_of", lambda index, rate: label_of(index + 1, rate))
    for kept in ("_block", "_labels"):
        patch.setattr(turn_messages, kept, getattr(turn_messages, kept).__wrapped__)


def spoken(patch: Patch) -> None:
    right = livecc._intervals
    patch.setattr(
        livecc, "_intervals", lambda d: ((max(0, s - 1.5), e, own) for s, e, own in right(d))
    )


CLOCKS: tuple[Clock, ...] = ("turns", "seconds", "words", "none")
IN_CODE: dict[str, tuple[Callable[[Patch], None], tuple[str, str, str, str]]] = {
    "events are said a turn early": (moved("start", -1), ("early", "early", "early", "")),
    "instants are said a turn late": (
        moved("frame", 1),
        ("misplaced standby_missing", "misplaced standby_missing", "misplaced", ""),
    ),
    "there is no standby": (
        judged(lambda due: due._replace(standby_from=due.turn)),
        ("standby_missing", "standby_missing", "", ""),
    ),
    "standby begins with the video": (
        judged(lambda due: due._replace(standby_from=0)),
        ("standby_unfounded", "standby_unfounded", "", ""),
    ),
    "all is asked in the first turn": (
        lambda patch: patch.setattr(Tiling, "turn_of", lambda *_: 0),
        (*("before_question questions_early",) * 2, "before_question", ""),
    ),
    "all is said at the end": (
        judged(lambda due: due._replace(turn=19)),
        ("misplaced standby_unfounded", "misplaced", "misplaced", ""),
    ),
    "all is said a turn late": (
        judged(lambda due: due._replace(turn=min(19, due.turn + 1))),
        ("misplaced", "misplaced", "misplaced", ""),
    ),
    "what comes second in a turn is dropped": (
        lambda patch: patch.setattr(placement, "said_once", first_of_each_turn),
        ("lost",) * 4,
    ),
    "long events are refused": (
        judged(lambda due: Refusal(due.response.rid, "past_the_end", "")
               if due.response.end_s - due.response.start_s > 4 else due),
        ("lost", "lost", "lost", "lost"),
    ),
    "all is said twice": (placed(lambda _: {}, 2), ("said_twice",) * 4),
    "texts are cut short": (
        placed(lambda each: {"text": each.text[:-1]}), ("lost unexplained",) * 4
    ),
    "spans are cut at the start of the last turn": (
        placed(lambda each: {"end_s": min(each.end_s, 19.0)}),
        ("", "lost unexplained", "lost unexplained", "lost unexplained"),
    ),
    "labels count from 1": (labelled, ("turns_wrong", "", "", "")),
    "standby is written as silence": (
        lambda patch: patch.setattr(
            StateTokens, "token", lambda self, state: getattr(
                self, "silence" if state == "standby" else state
            )
        ),
        ("standby_missing", "", "", ""),
    ),
    "raw seconds are one less": (
        lambda patch: patch.setattr(
            raw, "_second", lambda dialogue, turn: max(0, int(dialogue.turns.starts[turn]) - 1)
        ),
        ("", "early standby_unfounded", "", ""),
    ),
    "words begin before their turn": (spoken, ("", "", "early before_question", "")),
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_the_case_itself_has_no_fault(form: str) -> None:
    found = checked(form)
    assert (found.faults, found.counts["kept"]) == ({}, len(RESPONSES))


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("name", IN_CODE)
def test_a_fault_in_the_code_shows_in_every_format_that_can_tell_it(
    name: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, by_clock = IN_CODE[name]
    plant(monkeypatch)
    found = checked(form)
    clock = next(clock for clock in CLOCKS if UNTOLD[clock] == found.untold)
    expected = set(by_clock[CLOCKS.index(clock)].split())
    assert expected <= found.faults.keys()
    assert bool(found.faults) == bool(expected)


def entries_of(form: str, rows: list[Any]) -> list[Any]:
    """The responses that a row lists; of ``livecc`` each has its words at the end of the stream."""
    if form == "livecc":
        found: list[Any] = rows[0][1]["content"][0]["responses"]
        return found
    keys = {"raw": "response", "stride": "segment"}
    listed: list[Any] = rows[0][keys.get(form, "segments")]
    return listed


def asked_of(form: str, rows: list[Any]) -> tuple[Any, str, str]:
    """The object that has the question, and its keys of text and exact time."""
    if form == "livecc":
        return rows[0][0]["content"][1], "text", "asked_s"
    if form == "raw":
        return rows[0]["question"][0], "content", "time_s"
    return rows[0], "query", "start_time" if form == "stride" else "asked_s"


def spoil_asked(form: str, rows: list[Any], text: str = "", seconds: float = 0.0) -> None:
    where, text_key, time_key = asked_of(form, rows)
    where[text_key] += text
    where[time_key] += seconds


def shift_span(form: str, rows: list[Any]) -> None:
    entry = entries_of(form, rows)[1]
    entry[{"raw": "end_s", "activation": "end", "stride": "end_time"}.get(form, 4)] += 0.001


IN_ROWS: dict[str, tuple[Callable[[str, list[Any]], object], str]] = {
    "a response is dropped": (lambda form, rows: entries_of(form, rows).pop(1), "lost"),
    "a response is listed twice": (
        lambda form, rows: entries_of(form, rows).append(entries_of(form, rows)[0]),
        "said_twice",
    ),
    "a span is another": (shift_span, "lost unexplained"),
    "a question is another": (
        lambda form, rows: spoil_asked(form, rows, text="?"),
        "questions_lost questions_unexplained",
    ),
    "a question is asked later": (
        lambda form, rows: spoil_asked(form, rows, seconds=0.5),
        "questions_late",
    ),
    "a question is asked sooner": (
        lambda form, rows: spoil_asked(form, rows, seconds=-0.5),
        "questions_early",
    ),
}


@pytest.mark.parametrize("form", ["raw", "livecc", "activation", "stride"])
@pytest.mark.parametrize("name", IN_ROWS)
def test_a_fault_in_a_row_shows(name: str, form: str) -> None:
    plant, expected = IN_ROWS[name]
    assert set(expected.split()) <= checked(form, lambda rows: plant(form, rows)).faults.keys()


@pytest.mark.parametrize(
    ("time", "fault"),
    [(10, "early"), (13, "misplaced"), (18, "misplaced"), (20, "misplaced"), (21, "misplaced")],
)
def test_a_raw_second_that_is_anothers_or_not_the_nearest_or_past_the_last_shows(
    time: int, fault: str
) -> None:
    def spoil(rows: list[Any]) -> None:
        (each,) = (each for each in rows[0]["response"] if each["rid"] == "instant")
        each["time"] = time

    assert checked("raw", spoil).faults[fault] > 0
