"""When responses are due: the policies of a corpus, applied before it is compiled to turns.

Benchmarks differ in the second that they call right, so it is a setting. Causality is none: before
the end of its evidence a response is due only at a frame up to which a verifier gave this very
answer, and it then names those frames as its evidence. What a policy asks for beyond that falls
back to the end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from math import inf
from operator import attrgetter
from typing import Literal

from pydantic import Field, model_validator

from pipeline.dialogue.tiling import EPSILON_S, Tiling
from pipeline.records import Response, Span
from pipeline.records.annotation import DueBy
from pipeline.records.hash_sampling import hash_fraction
from pipeline.settings import Settings


class Due(Settings):
    """When the responses of a task are due."""

    by: Literal["end", "start_plus", "earliest_reliable", "window"] = Field(
        "end",
        description="when all evidence is on screen; at the first confirmed turn from `delta_s`"
        " after the start of what is reported; at the first frame from which the verifier answers"
        " right; or at a turn drawn by `seed` from all those in which it is valid",
    )
    delta_s: float | None = Field(None, ge=0, description="of `start_plus`, in seconds")
    longest_s: float | None = Field(
        None,
        gt=0,
        description="of `window`: most seconds after the evidence is complete; null for as long as"
        " the answer holds",
    )

    @model_validator(mode="after")
    def _fits(self) -> Due:
        if (self.delta_s is not None) != (self.by == "start_plus"):
            raise ValueError("start_plus needs delta_s, and no other policy has it")
        if self.longest_s is not None and self.by != "window":
            raise ValueError("no policy but window has longest_s")
        return self


END = Due(by="end")


def due_turn(response: Response, tiling: Tiling) -> int:
    """The turn at which a response is due, whatever its question and others; ``len(tiling)`` where
    the video ends before.

    An event is over when its last frame is replaced, so at the first turn that starts then. An
    instant needs a frame from then on, and so does what a verifier confirmed by its frames.
    """
    due_s, respond_s = response.due_s, response.respond_s
    if due_s is None:
        due_s = respond_s
    if response.kind == "event" and due_s >= respond_s - EPSILON_S:
        return tiling.first_start(due_s)
    return tiling.first_frame(due_s)


def rests_on_named(response: Response) -> bool:
    """Whether a response that is due at ``due_s`` names evidence that is complete by then: its own,
    or frames up to which it was confirmed."""
    due_s, spans = response.due_s, response.evidence
    if due_s is None or due_s >= response.respond_s - EPSILON_S:
        return True
    named = bool(spans) and max(span.end_s for span in spans) <= due_s + EPSILON_S
    return named and due_s in response.confirmed_s


def with_due(
    responses: Sequence[Response], tiling: Tiling, due: Due, chance: str, seed: int
) -> list[Response]:
    """The responses as a policy has them, in their order, each with its evidence and from when on
    it is valid. ``chance`` and ``seed`` draw from a window.

    An answer is never due once the next one to its question is, nor before the one before it.
    """
    if due.by == "end":
        return [_settled(response, response.respond_s, _early(response), "end")
                for response in responses]  # fmt: skip
    made: dict[str, Response] = {}
    ordered = sorted(responses, key=attrgetter("qid", "respond_s", "rid"))
    for _, group in groupby(ordered, key=attrgetter("qid")):
        until_s, answers = inf, list(group)
        for before, response in zip([None, *answers[:-1]][::-1], answers[::-1], strict=True):
            if response.valid_until_s is not None:
                until_s = min(until_s, response.valid_until_s)
            early = _early(response, before.respond_s if before else -inf)
            fraction = hash_fraction(f"{chance}/{response.rid}/due", seed)
            due_s = _chosen(response, tiling, due, early, until_s, fraction)
            until_s = response.respond_s if due_s is None else due_s
            due_by = "fallback" if due_s is None else due.by
            made[response.rid] = _settled(response, until_s, early, due_by)
    return [made[response.rid] for response in responses]


def _early(response: Response, since_s: float = -inf) -> list[float]:
    """The times before the end of the evidence, and after ``since_s``, that are confirmed."""
    least_s, end_s = since_s + EPSILON_S, response.respond_s - EPSILON_S
    return [time_s for time_s in sorted(response.confirmed_s) if least_s < time_s < end_s]


def _later(response: Response, tiling: Tiling, until_s: float) -> Sequence[float]:
    """When the turns behind the one of the end begin to show what they show, before ``until_s``."""
    times = tiling.starts[:-1] if response.kind == "event" else tiling.frames
    first = due_turn(response.model_copy(update={"due_s": None}), tiling) + 1
    return times[first : bisect_left(times, until_s - EPSILON_S)]


def _chosen(
    response: Response,
    tiling: Tiling,
    due: Due,
    early: Sequence[float],
    until_s: float,
    fraction: float,
) -> float | None:
    """When a response is due, in seconds; None where the policy finds no time for it."""
    end_s = response.respond_s
    if due.by == "earliest_reliable":
        found = response.earliest_answerable_s is not None
        return (*early, end_s)[0] if found else None
    if due.by == "start_plus":
        wanted_s = response.start_s + (due.delta_s or 0.0)
        before = wanted_s < end_s - EPSILON_S
        times = early if before else (end_s, *_later(response, tiling, until_s))
        return next((time_s for time_s in times if time_s >= wanted_s - EPSILON_S), None)
    last_s = until_s if due.longest_s is None else min(until_s, end_s + due.longest_s)
    valid = (*early, end_s, *_later(response, tiling, last_s))
    return valid[int(fraction * len(valid))]


def _settled(response: Response, due_s: float, early: Sequence[float], due_by: DueBy) -> Response:
    """Where it is due before the end, its evidence is what was on screen until then."""
    start_s, end_s = response.start_s, response.respond_s
    evidence = response.evidence or [Span(start_s=start_s, end_s=response.end_s)]
    if due_s < end_s:
        evidence = [Span(start_s=min(start_s, due_s), end_s=due_s)]
    return response.model_copy(
        update={
            "due_s": None if due_s == end_s else due_s,
            "due_by": due_by,
            "valid_from_s": early[0] if early else end_s,
            "evidence": evidence,
        }
    )
