"""Raw rows under the official converter and under our own conversion."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

from pipeline.corpus.audit.checker import (
    SAME_S,
    WrittenTurn,
    check,
    even_timeline,
    over_s,
    why_unsayable,
)
from pipeline.corpus.audit.official import dangling_standby, official_outcome
from pipeline.corpus.audit.report import CLOSE_S, Official, Ours, RawFindings
from pipeline.corpus.audit.written import written_turns
from pipeline.corpus.formats.base import FormatError
from pipeline.corpus.streamo.official_converter import OfficialFailure
from pipeline.corpus.streamo.origin import OriginFound
from pipeline.corpus.streamo.raw import RawSample, read_raw
from pipeline.corpus.streamo.raw_fields import entries_of
from pipeline.dialogue.state_counts import StateCounts
from pipeline.dialogue.tiling import DialogueError, Tiling, even_tiling
from pipeline.records import Question, Response, State

_OPTION = re.compile(r"(?m)^\s*\(?([A-Z])[.):]\s*(.+?)\s*$")


class Judged(NamedTuple):
    """What our own conversion makes of a row."""

    states: Counter[State]
    """Of its turns; empty where it makes none."""
    valid: list[Response]
    """The responses that can be said."""
    end_s: float
    """The end of the video, also where it is assumed."""


class RawAudit:
    """Counts the findings of raw rows, row by row."""

    def __init__(self, turns_per_s: float, times: OriginFound, longest_s: float) -> None:
        """``times``: how those of the file are read. A video of unknown duration is not assumed to
        be longer than ``longest_s`` seconds."""
        self._turns_per_s = turns_per_s
        self._longest_s = longest_s
        self._times = times
        self._found: Counter[str] = Counter()
        self._invalid: Counter[str] = Counter()
        self._official: Counter[str] = Counter()
        self._ours: Counter[str] = Counter()
        self._not_written: Counter[str] = Counter()
        self._early_s = self._our_early_s = self._our_clamped_s = 0.0
        self._official_states, self._our_states = StateCounts(), StateCounts()

    def read(self, row: Mapping[str, Any], number: int) -> RawSample:
        """A row as it will be counted: the id of a response is its position in the row.

        Raises:
            DialogueError: nothing can be made of the row.
        """
        entries = [
            {key: value for key, value in entry.items() if key != "rid"}
            if isinstance(entry, Mapping) and "rid" in entry
            else entry
            for entry in entries_of(row.get("response"))
        ]
        return read_raw(
            {**row, "response": entries}, number=number, origin=self._times, default_question="?"
        )

    def add(self, row: Mapping[str, Any], raw: RawSample, duration_s: float | None) -> Judged:
        """Counts a row; returns what our own conversion makes of it.

        Raises:
            DialogueError: nothing can be made of the row.
        """
        assumed = duration_s is None
        end_s = _last_s(raw, self._longest_s) if duration_s is None else duration_s
        tiling = even_tiling(raw.video_name, end_s, self._turns_per_s)
        annotation = raw.annotation
        asked = {question.qid for question in annotation.questions}
        reasons = {r.rid: why_unsayable(r, asked, end_s) for r in annotation.responses}
        valid = [response for response in annotation.responses if not reasons[response.rid]]
        unwritten = ""
        turns: list[WrittenTurn] | None = None
        try:
            turns = written_turns(raw, tiling)
        except FormatError as error:
            unwritten = error.reason
        self._found["durations_assumed"] += assumed
        self._found["counted_from_1"] += raw.origin
        self._found["responses"] += len(annotation.responses) + len(raw.refused)
        self._found["valid"] += len(valid)
        self._found["past_the_end"] += sum(over_s(each) > end_s + SAME_S for each in valid)
        self._invalid.update(refusal.reason for refusal in raw.refused)
        self._invalid.update(filter(None, reasons.values()))
        states: Counter[State] = Counter([turn.state for turn in turns or ()])
        if turns is None:
            self._ours["lost"] += len(valid)
            self._ours["rows_without_response"] += bool(valid)
            self._not_written[unwritten or "no_dialogue"] += bool(valid)
        else:
            self._our_states += StateCounts(**dict(states))
            self._count_ours(annotation.questions, valid, turns, end_s)
        self._count_official(row, {response.rid: response for response in valid}, raw, tiling)
        self._count_content(raw)
        self._count_answers(raw, duration_s)
        return Judged(states, valid, end_s)

    def findings(self) -> RawFindings:
        """What was counted so far."""
        official, ours = self._official, self._ours
        return RawFindings(
            **dict(self._found),
            invalid=dict(sorted(self._invalid.items())),
            official=Official(
                **dict(official),
                early_s=self._early_s / max(1, official["early"]),
                states=self._official_states,
            ),
            ours=Ours(
                **dict(ours),
                early_s=self._our_early_s / max(1, ours["early_by_clock"]),
                clamped_s=self._our_clamped_s / max(1, ours["clamped"]),
                not_written={name: n for name, n in sorted(self._not_written.items()) if n},
                states=self._our_states,
            ),
        )

    def _count_ours(
        self,
        questions: Sequence[Question],
        valid: Sequence[Response],
        turns: Sequence[WrittenTurn],
        end_s: float,
    ) -> None:
        checked = check(turns, questions, valid, even_timeline(end_s, self._turns_per_s))
        self._ours.update(checked.counts)
        self._our_early_s += checked.early_s
        self._our_clamped_s += checked.clamped_s
        self._ours["rows_without_response"] += bool(valid) and not checked.counts["kept"]
        self._ours["standby_without_response"] += dangling_standby([t.state for t in turns])

    def _count_official(
        self, row: Mapping[str, Any], valid: Mapping[str, Response], raw: RawSample, tiling: Tiling
    ) -> None:
        n_frames = int(tiling.end_s * self._turns_per_s + SAME_S)
        try:
            outcome = official_outcome(n_frames, row, self._turns_per_s)
        except OfficialFailure:
            self._official["not_read"] += len(valid)
            self._official["rows_without_response"] += bool(valid)
            return
        kept = 0
        for number, official in enumerate(outcome.responses):
            response = valid.get(f"r{number}")
            if response is None:
                continue
            self._official[official.status] += 1
            if official.status != "kept":
                continue
            kept += 1
            early_s = over_s(response) - official.frame / self._turns_per_s
            if early_s > SAME_S:
                self._official["early"] += 1
                self._official["clamped"] += official.frame == n_frames - 1
                self._early_s += early_s
        self._official["rows_without_response"] += bool(valid) and not kept
        self._official["standby_without_response"] += dangling_standby(outcome.states)
        self._official_states += StateCounts(**dict(Counter(outcome.states)))
        due = {tiling.turn_of(q.asked_s) for q in raw.annotation.questions
               if q.text == outcome.first_question}  # fmt: skip
        self._official["questions_early"] += min(due, default=0) > 0

    def _count_content(self, raw: RawSample) -> None:
        annotation = raw.annotation
        last: dict[tuple[str, str], Response] = {}
        for response in sorted(annotation.responses, key=lambda each: each.start_s):
            said = (response.qid, response.text.strip())
            if before := last.get(said):
                same = response.start_s < before.end_s or response.start_s == before.start_s
                self._found["duplicate_responses" if same else "recurring_responses"] += 1
            if before is None or response.end_s >= before.end_s:
                last[said] = response
        for question in annotation.questions:
            answers = [r for r in annotation.responses if r.qid == question.qid]
            instants = answers and all(answer.kind == "instant" for answer in answers)
            if "qa" in annotation.task.lower() and instants:
                self._found["timed_questions"] += 1
                self._found["single_answers"] += len(answers) == 1
            options = [text.casefold() for _, text in _OPTION.findall(question.text)]
            options = options or [text.strip().casefold() for text in question.options]
            self._found["repeated_options"] += len(set(options)) < len(options)

    def _count_answers(self, raw: RawSample, duration_s: float | None) -> None:
        """Counts what third parties dropped rows of the released files for."""
        due = sorted(response.respond_s for response in raw.annotation.responses)
        if not due:
            return
        asked_s = min(question.asked_s for question in raw.annotation.questions)
        self._found["rows_answered"] += 1
        self._found["first_answer_past_the_end"] += duration_s is not None and due[0] > duration_s
        self._found["asked_after_first_answer"] += asked_s > due[0]
        self._found["close_answers"] += any(b - a < CLOSE_S for a, b in pairwise(due))
        self._found["several_answers"] += len(due) > 1


def _last_s(raw: RawSample, longest_s: float) -> float:
    """The shortest duration that contains all times of a row, in whole seconds.

    Raises:
        DialogueError: ``unknown_duration`` where it names no time, or ``bad_duration``.
    """
    annotation = raw.annotation
    times = [response.end_s for response in annotation.responses]
    instants = [r.start_s + 1 for r in annotation.responses if r.kind == "instant"]
    asked = [question.asked_s + 1 for question in annotation.questions if question.asked_s]
    last_s = max([*times, *instants, *asked], default=0.0)
    if last_s <= 0:
        raise DialogueError("unknown_duration", "nothing says how long the video is")
    if last_s > longest_s:
        raise DialogueError("bad_duration", f"{last_s:g} s is no time of a video")
    return float(ceil(last_s))
