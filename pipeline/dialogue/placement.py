"""Placement of responses: the turn at which each is due, and the turn it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter, itemgetter, lt
from typing import Any, Literal, NamedTuple

from pipeline.dialogue.due import due_turn, rests_on_named
from pipeline.dialogue.tiling import EPSILON_S, Tiling
from pipeline.records import PlacedResponse, Response

Collision = Literal["merge", "shift", "split"]
Flag = Literal["clamped", "postponed", "merged", "shifted", "split", "repeated", "fallback"]
"""How a response stands otherwise than when it is due, or than by itself.

``clamped``: in the last turn, since its evidence ends after the start of that. ``postponed``: in
the turn of its question, since its evidence is complete before that is asked. ``merged``: in a turn
with others. ``shifted``: in a later turn than that. ``split``: in a dialogue apart. ``repeated``:
said by another response of the same words, span and question, which stands just before it.
``fallback``: due at the end of its evidence, though the policy of its task asks for another turn,
which nothing confirms.
"""


_IN_TIME: tuple[Flag, ...] = ()
_CLAMPED: tuple[Flag, ...] = ("clamped",)
_POSTPONED: tuple[Flag, ...] = ("postponed",)
_SAID_AGAIN = ("text", "qid", "kind", "start_s", "end_s", "respond_s", "evidence")
"""Responses that have these in common say the same of the same."""


@dataclass(frozen=True)
class Refusal:
    """A response (or question) that no dialogue can hold. ``reason`` is a short constant."""

    rid: str
    reason: str
    detail: str


class DueResponse(NamedTuple):
    """A response with the turn at which it is due, whatever other responses there are."""

    response: Response
    turn: int
    standby_from: int
    """The first turn of its standby; the number of turns where it has none."""
    flags: tuple[Flag, ...]
    """``clamped`` or ``postponed``, if any."""
    repeats: tuple[Response, ...] = ()
    """The responses that say the same once more."""

    @property
    def order(self) -> tuple[Any, ...]:
        """The sort key: by turn, by time, and of the same time by content; ids count last."""
        response = self.response
        time = (self.turn, response.respond_s, response.start_s, response.text, response.end_s)
        return (*time, response.kind, response.qid, response.rid)


def evidence_s(response: Response) -> tuple[float, float]:
    """Start of the first span of a response's evidence and end of the last, in seconds."""
    first_s, last_s = response.start_s, response.end_s
    for span in response.evidence:
        first_s, last_s = min(first_s, span.start_s), max(last_s, span.end_s)
    return first_s, last_s


def judge(  # noqa: PLR0911  a return for each reason
    response: Response, tiling: Tiling, asked: Mapping[str, int]
) -> DueResponse | Refusal:
    """When a response is due, or why no dialogue can hold it.

    ``asked``: the turn of each question, by its id.
    """
    start_s, stop_s, respond_s = response.start_s, response.end_s, response.respond_s
    event = response.kind == "event"
    begins_s, over_s = start_s, stop_s if event else start_s
    backwards = start_s > stop_s
    for span in response.evidence:
        first_s, last_s = span.start_s, span.end_s
        backwards = backwards or first_s > last_s
        begins_s = first_s if first_s < begins_s else begins_s
        over_s = last_s if last_s > over_s else over_s
    end_s, count, question = tiling.end_s, len(tiling.frames), asked.get(response.qid)
    if question is None:
        return Refusal(response.rid, "unknown_qid", f"it answers {response.qid!r}")
    if not response.text or response.text.isspace():
        return Refusal(response.rid, "empty_text", "")
    if backwards:
        return Refusal(response.rid, "reversed_span", f"{start_s} to {stop_s}")
    if event and start_s == stop_s:
        return Refusal(response.rid, "zero_length_span", f"{start_s} to {stop_s}")
    if begins_s > end_s or (event and begins_s >= end_s):
        return Refusal(response.rid, "past_the_end", f"{start_s} to {stop_s} of {end_s}")
    if respond_s < over_s - EPSILON_S:
        detail = f"at {respond_s}, evidence until {over_s}"
        return Refusal(response.rid, "early_response", detail)
    if response.due_s is not None and not rests_on_named(response):
        detail = f"at {response.due_s}, evidence until {respond_s}"
        return Refusal(response.rid, "early_response", detail)
    turn, standby_from, flags = due_turn(response, tiling), count, _IN_TIME
    if event:
        standby_from = tiling.first_frame(begins_s)
        standby_from = standby_from if standby_from > question else question
    if turn == count:
        turn, flags = count - 1, _CLAMPED
    if turn < question:
        turn, flags = question, _POSTPONED
    if response.due_by == "fallback":
        flags = (*flags, "fallback")
    return DueResponse(response, turn, standby_from, flags)


def by_response_time(responses: Sequence[DueResponse]) -> Sequence[DueResponse]:
    """The responses sorted by ``order``, each said once (see ``said_once``)."""
    turns = [due.turn for due in responses]
    if all(map(lt, turns, turns[1:])):  # as nearly always: a turn each, one after the other
        return responses
    return said_once(sorted(responses, key=attrgetter("order")))


def said_once(responses: Sequence[DueResponse]) -> list[DueResponse]:
    """The responses, sorted by ``order``, with those that say the same as one before folded into
    that one."""
    once: list[DueResponse] = []
    for due in responses:
        if once and once[-1].turn == due.turn and _is_same(once[-1].response, due.response):
            once[-1] = once[-1]._replace(repeats=(*once[-1].repeats, due.response))
        else:
            once.append(due)
    return once


def _is_same(one: Response, other: Response) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in _SAID_AGAIN)


def split_groups(
    responses: Sequence[DueResponse], collision: Collision
) -> Sequence[Sequence[DueResponse]]:
    """The responses of each dialogue; always at least one group, which may be empty."""
    if collision != "split":
        return [responses]
    groups: list[list[DueResponse]] = [[]]
    rank = 0
    for number, due in enumerate(responses):
        same = number > 0 and responses[number - 1].turn == due.turn
        rank = rank + 1 if same else 0
        if rank == len(groups):
            groups.append([])
        groups[rank].append(due)
    return groups


def settle(responses: Sequence[DueResponse], tiling: Tiling, collision: Collision) -> list[int]:
    """The turn that each response gets; ``responses`` are sorted by ``order``."""
    if collision != "shift":
        return [due.turn for due in responses]
    # free[k]: a turn at or after k, which is free itself or leads to the next free one.
    free = list(range(len(tiling) + 1))
    for due in responses:
        free[due.turn] = due.turn + 1

    def next_free(turn: int) -> int:
        while free[turn] != turn:
            free[turn] = free[free[turn]]
            turn = free[turn]
        return turn

    turns: list[int] = []
    for number, due in enumerate(responses):
        turn = due.turn
        if number > 0 and responses[number - 1].turn == turn:
            until_s = due.response.valid_until_s
            end = len(tiling) if until_s is None else tiling.first_start(until_s)
            found = next_free(turn)
            if found < end:
                turn = found
                free[turn] = turn + 1
        turns.append(turn)
    return turns


def place_responses(
    responses: Sequence[DueResponse], turns: Sequence[int], *, split: bool
) -> tuple[PlacedResponse, ...]:
    """The responses with the turns they got, sorted by turn."""
    settled = sorted(zip(turns, responses, strict=True), key=itemgetter(0))
    shared = {turn for (turn, _), (other, _) in pairwise(settled) if turn == other}
    placed = []
    for turn, due in settled:
        flags: list[Flag] = [*due.flags]
        if turn in shared or due.repeats:
            flags.append("merged")
        if turn != due.turn:
            flags.append("shifted")
        if split:
            flags.append("split")
        placed.append(_placed(due.response, turn, due.standby_from, flags))
        for again in due.repeats:
            placed.append(_placed(again, turn, due.standby_from, [*flags, "repeated"]))
    return tuple(placed)


def _placed(
    response: Response, turn: int, standby_from: int, flags: Sequence[Flag]
) -> PlacedResponse:
    fields = vars(response).copy()
    fields["turn"] = turn
    fields["standby_from"] = standby_from if standby_from < turn else turn
    fields["flags"] = flags
    return PlacedResponse.trusted(fields)
