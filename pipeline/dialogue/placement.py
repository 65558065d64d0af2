"""Where responses come to stand: the turn that each asks for, and the one it gets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.dialogue.tiling import EPSILON_S, Tiling
from pipeline.records import PlacedResponse, Response, Span

Collision = Literal["merge", "shift", "split"]
Flag = Literal["clamped", "merged", "shifted", "split"]


@dataclass(frozen=True)
class Refusal:
    """A response that no dialogue can hold. ``reason`` is a short constant."""

    rid: str
    reason: str
    detail: str


@dataclass(frozen=True)
class DueResponse:
    """Where a response asks to stand, before others are looked at."""

    response: Response
    turn: int
    standby_from: int
    """No turn before this one waits for it; the number of turns where none ever does."""
    clamped: bool

    @property
    def order(self) -> tuple[int, float, float, str]:
        """By turn; of one turn, by when it is due."""
        response = self.response
        return (self.turn, response.respond_s, response.start_s, response.rid)


def evidence_s(response: Response) -> tuple[float, float]:
    """When the evidence of a response begins to show, and when it is complete, in seconds."""
    spans = [Span(start_s=response.start_s, end_s=response.end_s), *response.evidence]
    return min(span.start_s for span in spans), max(span.end_s for span in spans)


def refusal_of(response: Response, qids: Iterable[str], end_s: float) -> Refusal | None:
    """Why no dialogue can hold a response; ``qids`` are asked, and the video ends at ``end_s``."""
    event = response.kind == "event"
    over_s = response.end_s if event else response.start_s
    spans = [(response.start_s, response.end_s), *((s.start_s, s.end_s) for s in response.evidence)]
    complete_s = max([over_s, *(span.end_s for span in response.evidence)])
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
    elif response.respond_s < complete_s - EPSILON_S:
        detail = f"at {response.respond_s}, evidence until {complete_s}"
        reason = "early_response"
    return Refusal(response.rid, reason, detail) if reason else None


def due_response(response: Response, tiling: Tiling, asked: int) -> DueResponse:
    """What a response asks for, whose question is asked in the turn ``asked``."""
    # A span is over when its last frame gives way; what begins needs a frame from then on.
    event = response.kind == "event"
    due = (tiling.first_start if event else tiling.first_frame)(response.respond_s)
    turn = max(min(due, len(tiling) - 1), asked)
    standby_from = len(tiling)
    if event:
        standby_from = max(tiling.first_frame(evidence_s(response)[0]), asked)
    return DueResponse(response, turn, standby_from, clamped=due == len(tiling))


def layers(wishes: Sequence[DueResponse], collision: Collision) -> list[list[DueResponse]]:
    """The wishes of each dialogue; there is always a first one, even without any response."""
    layers: list[list[DueResponse]] = [[]]
    rank = 0
    for number, wish in enumerate(wishes):
        same = number > 0 and wishes[number - 1].turn == wish.turn
        rank = rank + 1 if same and collision == "split" else 0
        if rank == len(layers):
            layers.append([])
        layers[rank].append(wish)
    return layers


def settle(wishes: Sequence[DueResponse], tiling: Tiling, collision: Collision) -> list[int]:
    """The turn of every wish; ``wishes`` are in order."""
    if collision != "shift":
        return [wish.turn for wish in wishes]
    # free[k]: a turn at or after k that no response holds, found by following the hints.
    free = list(range(len(tiling) + 1))
    for wish in wishes:
        free[wish.turn] = wish.turn + 1

    def next_free(turn: int) -> int:
        while free[turn] != turn:
            free[turn] = free[free[turn]]
            turn = free[turn]
        return turn

    turns: list[int] = []
    for number, wish in enumerate(wishes):
        turn = wish.turn
        if number > 0 and wishes[number - 1].turn == turn:
            until_s = wish.response.valid_until_s
            end = len(tiling) if until_s is None else tiling.first_start(until_s)
            found = next_free(turn)
            if found < end:
                turn = found
                free[turn] = turn + 1
        turns.append(turn)
    return turns


def place_responses(
    wishes: Sequence[DueResponse], turns: Sequence[int], *, split: bool
) -> tuple[PlacedResponse, ...]:
    """The responses with the turns they got, in the order in which they are said."""
    said = [0] * (max(turns, default=0) + 1)
    for turn in turns:
        said[turn] += 1
    placed = sorted(zip(wishes, turns, strict=True), key=lambda pair: pair[1])
    given = []
    for wish, turn in placed:
        flags: list[Flag] = []
        if wish.clamped:
            flags.append("clamped")
        if said[turn] > 1:
            flags.append("merged")
        if turn != wish.turn:
            flags.append("shifted")
        if split:
            flags.append("split")
        fields = {name: getattr(wish.response, name) for name in Response.model_fields}
        standby_from = min(wish.standby_from, turn)
        given.append(
            PlacedResponse.model_construct(
                **fields, turn=turn, standby_from=standby_from, flags=list(flags)
            )
        )
    return tuple(given)
