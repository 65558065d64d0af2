"""When the questions of a cell of the taxonomy are asked, and what is answered then. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pipeline.records import Response, Segment
from stages._change_groups import Group, Moment
from stages._taxonomy import ASKED, Cell, Want, has_follow_up


class Asking(NamedTuple):
    """One question to be worded: what for, when, and the responses to it."""

    want: Want
    asked_s: float
    responses: tuple[Response, ...]


def placed(
    group: Group, cell: Cell, turns: Sequence[Segment], margin_s: float, chance: float
) -> tuple[Asking, ...] | None:
    """When each question of a cell is asked, and what is answered; None where there is no moment.

    A question stands in a turn in which its subject has held still for ``margin_s``, and does for
    as long again. ``chance``, in [0, 1), says which of all that fit.
    """
    end_s = turns[-1].end_s
    periods = _periods(group.moments, end_s)

    def free(place: int) -> list[Segment]:
        start_s, until_s, value = periods[place]
        since_s = start_s + (margin_s if place else 0.0)
        left_s = 0.0 if place == len(periods) - 1 else margin_s
        fit = [t for t in turns if since_s <= t.frame_s and t.start_s < until_s - left_s]
        return fit if value else []

    options: list[tuple[tuple[int, Segment], ...]] = []
    for place in range(len(periods)):
        if has_follow_up(cell):
            options += _pairs(cell, place, periods, free)
        elif _fits(cell, place, periods):
            options += [((place, turn),) for turn in free(place)]
    if not options:
        return None
    chosen = options[int(chance * len(options))]
    return tuple(
        Asking(want, turn.start_s, _answers(want, place, turn, periods, number))
        for number, (want, (place, turn)) in enumerate(zip(ASKED[cell], chosen, strict=True))
    )


class _Period(NamedTuple):
    """What holds in ``[start_s, end_s)``; empty: the subject is not in view."""

    start_s: float
    end_s: float
    value: str


def _periods(moments: Sequence[Moment], end_s: float) -> list[_Period]:
    ends = [*(moment.time_s for moment in moments[1:]), end_s]
    return [_Period(m.time_s, end, m.value) for m, end in zip(moments, ends, strict=True)]


def _fits(cell: Cell, place: int, periods: Sequence[_Period]) -> bool:
    """Whether a single question of a cell can be asked in a period."""
    later = [period for period in periods[place + 1 :] if period.value]
    if cell.form == "fact_changing":
        return bool(periods[place].value) and len(later) >= (1 if cell.when == "present" else 2)
    if cell.when == "backward":
        return place > 0 and bool(periods[place - 1].value)
    return place == len(periods) - 1 if cell.when == "present" else _has_next(place, periods)


def _has_next(place: int, periods: Sequence[_Period]) -> bool:
    return place + 1 < len(periods) and bool(periods[place + 1].value)


def _pairs(
    cell: Cell,
    place: int,
    periods: Sequence[_Period],
    free: Callable[[int], list[Segment]],
) -> Iterator[tuple[tuple[int, Segment], ...]]:
    """Where two questions of a cell can be asked, the second in the period ``place``: the first is
    asked earlier, of a present question in another period."""
    if cell.when == "backward" and not (place > 0 and periods[place - 1].value):
        return
    if cell.when == "forward" and not _has_next(place, periods):
        return
    others = range(place) if cell.when == "present" else range(place, place + 1)
    value = periods[place].value
    firsts = [
        (other, free(other)[0])
        for other in others
        if free(other) and (cell.when != "present" or periods[other].value != value)
    ]
    for second in free(place):
        for other, first in firsts:
            if first.index < second.index:
                yield (other, first), (place, second)


def _answers(
    want: Want, place: int, turn: Segment, periods: Sequence[_Period], number: int
) -> tuple[Response, ...]:
    """What is answered to a question that is asked in a turn of a period."""
    now, rid = periods[place], f"q{number}r"
    if want == "before":
        was = periods[place - 1]
        return (_to(number, Response.event(f"{rid}0", was.value, was.start_s, was.end_s)),)
    found: list[Response] = []
    if want in ("now", "all"):
        found.append(_since(f"{rid}0", turn.frame_s, now, periods))
    if want != "now":
        later = [period for period in periods[place + 1 :] if period.value]
        for each in later[:1] if want == "next" else later:
            found.append(_since(f"{rid}{len(found)}", each.start_s, each, periods))
    return tuple(_to(number, response) for response in found)


def _since(rid: str, time_s: float, period: _Period, periods: Sequence[_Period]) -> Response:
    until_s = None if period is periods[-1] else period.end_s
    return Response.instant(rid, period.value, time_s, valid_until_s=until_s)


def _to(number: int, response: Response) -> Response:
    return response.model_copy(update={"qid": f"q{number}"})
