"""Placement of responses: the turn at which each is due, and the turn it gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.dialogue.tiling import EPSILON_S, Tiling
from pipeline.records import PlacedResponse, Response, Span

Collision = Literal["merge", "shift", "split"]
Flag = Literal["clamped", "merged", "shifted", "split"]


@dataclass(frozen=True)
class Refusal:
    """A response (or question) that no dialogue can hold. ``reason`` is a short constant."""

    rid: str
    reason: str
    detail: str


@dataclass(frozen=True)
class DueResponse:
    """A response with the turn at which it is due, whatever other responses there are."""

    response: Response
    turn: int
    standby_from: int
    """The first turn of its standby; the number of turns where it has none."""
    clamped: bool

    @property
    def order(self) -> tuple[int, float, float, str]:
        """The sort key: by turn, then by time."""
        response = self.response
        return (self.turn, response.respond_s, response.start_s, response.rid)


def evidence_s(response: Response) -> tuple[float, float]:
    """Start of the first span of a response's evidence and end of the last, in seconds."""
    spans = [Span(start_s=response.start_s, end_s=response.end_s), *response.evidence]
    return min(span.start_s for span in spans), max(span.end_s for span in spans)


def complete_s(response: Response) -> float:
    """When the evidence of a response is complete, in seconds: of an instant, when it begins."""
    over_s = response.end_s if response.kind == "event" else response.start_s
    return max([over_s, *(span.end_s for span in response.evidence)])


def refusal_of(response: Response, qids: Iterable[str], end_s: float) -> Refusal | None:
    """Why no dialogue can hold a response, if so. ``qids``: of all questions; ``end_s``: of the
    video."""
    event = response.kind == "event"
    spans = [(response.start_s, response.end_s), *((s.start_s, s.end_s) for s in response.evidence)]
    begins_s = min(start_s for start_s, _ in spans)
    shown = f"{response.start_s} to {response.end_s}"
    reason, detail = "", ""
    if response.qid not in qids:
        reason, detail = "unknown_qid", f"it answers {response.qid!r}"
    elif not response.text.strip():
        reason = "empty_text"
    elif any(start_s > stop_s for start_s, stop_s in spans):
        reason, detail = "reversed_span", shown
    elif event and response.start_s == response.end_s:
        reason, detail = "zero_length_span", shown
    elif begins_s > end_s or (event and begins_s >= end_s):
        reason, detail = "past_the_end", f"{shown} of {end_s}"
    elif response.respond_s < complete_s(response) - EPSILON_S:
        reason = "early_response"
        detail = f"at {response.respond_s}, evidence until {complete_s(response)}"
    return Refusal(response.rid, reason, detail) if reason else None


def due_response(response: Response, tiling: Tiling, asked: int) -> DueResponse:
    """When a response is due whose question is asked in the turn ``asked``."""
    # An event is over when its last frame is replaced; an instant needs a frame from then on.
    event = response.kind == "event"
    first = (tiling.first_start if event else tiling.first_frame)(response.respond_s)
    turn = max(min(first, len(tiling) - 1), asked)
    standby_from = len(tiling)
    if event:
        standby_from = max(tiling.first_frame(evidence_s(response)[0]), asked)
    return DueResponse(response, turn, standby_from, clamped=first == len(tiling))


def split_groups(responses: Sequence[DueResponse], collision: Collision) -> list[list[DueResponse]]:
    """The responses of each dialogue; always at least one group, which may be empty."""
    groups: list[list[DueResponse]] = [[]]
    rank = 0
    for number, due in enumerate(responses):
        same = number > 0 and responses[number - 1].turn == due.turn
        rank = rank + 1 if same and collision == "split" else 0
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
    shared = Counter(turns)
    placed = []
    for due, turn in sorted(zip(responses, turns, strict=True), key=lambda pair: pair[1]):
        flags: list[Flag] = []
        if due.clamped:
            flags.append("clamped")
        if shared[turn] > 1:
            flags.append("merged")
        if turn != due.turn:
            flags.append("shifted")
        if split:
            flags.append("split")
        fields = {name: getattr(due.response, name) for name in Response.model_fields}
        standby_from = min(due.standby_from, turn)
        placed.append(
            PlacedResponse.model_construct(
                **fields, turn=turn, standby_from=standby_from, flags=list(flags)
            )
        )
    return tuple(placed)
