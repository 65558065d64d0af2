"""Counts right answers of one dialogue against the true track that it is about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.media.scenes.truth import GONE, TrueTrack, TrueValue, Truth
from pipeline.records import Dialogue, Turn
from pipeline.reports.scoring.span_matching import EPSILON_S, match_times

LOOSE_TOLERANCE_S = 3.0

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SPELLING: Mapping[str, str] = {word: str(n) for n, word in enumerate(_NUMBERS)} | {"gray": "grey"}
_GONE_PHRASES = ("gone", "no longer", "out of view", "not in view", "not visible")


@dataclass(frozen=True)
class AnswerCounts:
    """Counts of one dialogue; ``scoring.truth.AnswerScore`` defines each pair of them."""

    right: int
    answers: int
    recalled: int
    due: int
    loose: int
    loose_due: int


def count_answers(truth: Truth, dialogue: Dialogue) -> AnswerCounts | None:
    """Counts on the track that fits the dialogue best; None if no track has its aspect."""
    question = set(_words(" ".join(turn.question for turn in dialogue.turns)))

    def named(track: TrueTrack) -> float:
        subject = _words(track.subject)
        return sum(word in question for word in subject) / len(subject)

    fitting = [track for track in truth.tracks if track.aspect == dialogue.aspect]
    best = max((named(track) for track in fitting), default=0)
    counts = [_measure(track, dialogue) for track in fitting if named(track) == best]
    return max(counts, key=lambda c: c.right, default=None)


def _measure(track: TrueTrack, dialogue: Dialogue) -> AnswerCounts:
    values, turns = track.values, dialogue.turns
    answers = [turn for turn in turns if turn.state == "response"]
    right: list[int] = []
    for turn in answers:
        now = _current(values, turn.start_s)
        timely = turn.start_s - values[now].time_s <= 1 / dialogue.turns_per_s + EPSILON_S
        if _states(turn.text, values[now].value) and (timely or turn is answers[0]):
            right.append(now)
    due = _due(values, [turn for turn in turns if answers and turn.start_s >= answers[0].start_s])
    asked = next((n for n, turn in enumerate(turns) if turn.question), 0)
    loose = _loose(values, turns[asked:])
    return AnswerCounts(
        right=len(right),
        answers=len(answers),
        recalled=len(set(due) & set(right)),
        due=len(due),
        loose=sum(len(_matches(value, times, answers)) for value, times in loose.items()),
        loose_due=sum(len(times) for times in loose.values()),
    )


def _current(values: Sequence[TrueValue], time_s: float) -> int:
    """The index of the value that holds at a time."""
    return max(n for n, value in enumerate(values) if value.time_s <= time_s + EPSILON_S)


def _due(values: Sequence[TrueValue], turns: Sequence[Turn]) -> list[int]:
    """The indexes of the values that begin after the first turn and for which an answer is due."""
    seen = sorted({_current(values, turn.start_s) for turn in turns})
    due: list[int] = []
    last = values[seen[0]].value if seen else GONE
    for now in seen[1:]:
        if values[now].value not in (GONE, last):
            last = values[now].value
            due.append(now)
    return due


def _loose(values: Sequence[TrueValue], turns: Sequence[Turn]) -> dict[str, list[float]]:
    """By value, the times at which an answer is due to a question in the first of the turns."""
    times: dict[str, list[float]] = defaultdict(list)
    start_s = turns[0].start_s
    first = values[_current(values, start_s)].value
    if first != GONE:
        times[first].append(start_s)
    for now in _due(values, turns):
        times[values[now].value].append(values[now].time_s)
    return times


def _matches(
    value: str, times_s: Sequence[float], answers: Sequence[Turn]
) -> list[tuple[float, float]]:
    """Pairs of a due time and the start of an answer that states the value."""
    answered_s = [turn.start_s for turn in answers if _states(turn.text, value)]
    return match_times(times_s, answered_s, LOOSE_TOLERANCE_S)


def _words(text: str) -> list[str]:
    return [_SPELLING.get(word, word) for word in re.findall(r"[a-z0-9]+", text.casefold())]


def _states(text: str, value: str) -> bool:
    words = f" {' '.join(_words(text))} "
    phrases = _GONE_PHRASES if value == GONE else (" ".join(_words(value)),)
    return any(f" {phrase} " in words for phrase in phrases)
