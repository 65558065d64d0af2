"""Counts right answers of one dialogue against the true track that it is about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from pipeline.dialogue.tiling import EPSILON_S
from pipeline.media.scenes.truth import GONE, TrueTrack, TrueValue, Truth
from pipeline.records import Dialogue, Turn
from pipeline.scoring.matching import match_times

LOOSE_TOLERANCE_S = 3.0

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SPELLING: Mapping[str, str] = {word: str(n) for n, word in enumerate(_NUMBERS)} | {"gray": "grey"}
_GONE_PHRASES = ("gone", "no longer", "out of view", "not in view", "not visible")


@dataclass(frozen=True)
class AnswerCounts:
    """Counts of one dialogue; ``scripted.AnswerScore`` defines each pair of them."""

    right: int
    answers: int
    recalled: int
    due: int
    loose: int
    loose_due: int
    chosen: int
    choices: int
    never: int
    distractors: int


def count_answers(truth: Truth, dialogue: Dialogue) -> AnswerCounts | None:
    """Counts on the track that fits the dialogue best; None if no track has its aspect, or if a
    question for yes or no names no value of it."""
    asked = next(iter(dialogue.questions), None)
    options = _lettered(asked.options) if asked else []
    lines = [line for turn in dialogue.turns for line in turn.question.splitlines()]
    question = _words(" ".join(line for line in lines if line not in options))

    def named(track: TrueTrack) -> float:
        subject = _words(track.subject)
        return sum(word in question for word in subject) / len(subject)

    fitting = [track for track in truth.tracks if track.aspect == dialogue.aspect]
    best = max((named(track) for track in fitting), default=0)
    near = [track for track in fitting if named(track) == best]
    if asked and asked.kind == "binary":
        near = [track for each in near for track in _claims(each, question)]
    distractors = asked.distractors if asked else []
    counts = [_measure(track, dialogue, options, distractors) for track in near]
    return max(counts, key=lambda c: c.right, default=None)


def _claims(track: TrueTrack, question: Sequence[str]) -> Iterator[TrueTrack]:
    """The track as yes and no, if the question names one of its values: the first one named."""
    said = " ".join(question).replace(" ".join(_words(track.subject)), "", 1)
    values = [value.value for value in track.values if value.value != GONE]
    places = {value: f" {said} ".find(f" {' '.join(_words(value))} ") for value in values}
    named = {value: place for value, place in places.items() if place >= 0}
    if not named:
        return
    claim = min(named, key=lambda value: named[value])
    answers = {value: "yes" if value == claim else "no" for value in values} | {GONE: GONE}
    values_now = [v.model_copy(update={"value": answers[v.value]}) for v in track.values]
    yield track.model_copy(update={"values": values_now})


def _lettered(options: Sequence[str]) -> list[str]:
    """The options as a question lists them, and as an answer chooses one."""
    return [f"{ascii_uppercase[i]}. {option}" for i, option in enumerate(options)]


def _measure(
    track: TrueTrack, dialogue: Dialogue, options: Sequence[str], distractors: Sequence[str]
) -> AnswerCounts:
    values, turns = _changing(track.values), dialogue.turns
    answers = [turn for turn in turns if turn.state == "response"]
    right: list[int] = []
    for turn in answers:
        now = _current(values, turn.start_s)
        timely = turn.start_s - values[now].time_s <= 1 / dialogue.turns_per_s + EPSILON_S
        chosen = not options or any(line in options for line in turn.text.splitlines())
        if chosen and _states(turn.text, values[now].value) and (timely or turn is answers[0]):
            right.append(now)
    held = [value.value for value in track.values if value.value != GONE]
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
        chosen=len(right) if options else 0,
        choices=len(answers) if options else 0,
        never=sum(not any(_states(text, value) for value in held) for text in distractors),
        distractors=len(distractors),
    )


def _changing(values: Sequence[TrueValue]) -> Sequence[TrueValue]:
    """The values without those that are the same as the one before."""
    pairs = zip(values, [None, *values], strict=False)
    return [value for value, before in pairs if before is None or value.value != before.value]


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
