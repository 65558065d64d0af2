"""Raw rows under the official converter and under our own conversion."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from math import ceil
from typing import Any

from pipeline.corpus.audit.official import dangling_standby, official_outcome
from pipeline.corpus.audit.report import Official, Ours, RawFindings
from pipeline.corpus.streamo.official_converter import OfficialFailure
from pipeline.corpus.streamo.origin import Origin
from pipeline.corpus.streamo.raw import RawSample, read_raw
from pipeline.corpus.streamo.raw_fields import entries_of
from pipeline.dialogue.compile import Compiled, compile_turns
from pipeline.dialogue.placement import complete_s
from pipeline.dialogue.state_counts import StateCounts
from pipeline.dialogue.tiling import EPSILON_S, DialogueError, Tiling, even_tiling
from pipeline.records import Response

_OPTION = re.compile(r"(?m)^\s*\(?([A-Z])[.):]\s*(.+?)\s*$")


class RawAudit:
    """Counts the findings of raw rows, row by row."""

    def __init__(self, turns_per_s: float, origin: Origin, longest_s: float) -> None:
        """``origin``: how times are read, see ``pipeline.corpus.streamo.raw``. A video of unknown
        duration is not assumed to be longer than ``longest_s`` seconds."""
        self._turns_per_s = turns_per_s
        self._longest_s = longest_s
        self._origin: Origin = origin
        self._found: Counter[str] = Counter()
        self._invalid: Counter[str] = Counter()
        self._official: Counter[str] = Counter()
        self._ours: Counter[str] = Counter()
        self._early_s = 0.0
        self._official_states, self._our_states = StateCounts(), StateCounts()

    def read(self, row: Mapping[str, Any], number: int) -> RawSample:
        """A row as it will be counted: the id of a response is its position in the row.

        Raises:
            DialogueError: nothing can be made of the row.
        """
        entries = [
            {key: value for key, value in entry.items() if key != "rid"}
            if isinstance(entry, Mapping)
            else entry
            for entry in entries_of(row.get("response"))
        ]
        return read_raw(
            {**row, "response": entries}, number=number, origin=self._origin, default_question="?"
        )

    def add(self, row: Mapping[str, Any], raw: RawSample, duration_s: float | None) -> Compiled:
        """Counts a row; returns its turns as our own conversion makes them.

        Raises:
            DialogueError: nothing can be made of the row.
        """
        assumed = duration_s is None
        end_s = _last_s(raw, self._longest_s) if duration_s is None else duration_s
        tiling = even_tiling(raw.video_name, end_s, self._turns_per_s)
        compilation = compile_turns(raw.annotation, tiling)
        ours = compilation.dialogues[0]
        self._found["durations_assumed"] += assumed
        self._found["counted_from_1"] += raw.origin
        self._found["responses"] += len(raw.annotation.responses) + len(raw.refused)
        self._invalid.update(r.reason for r in (*raw.refused, *compilation.refused))
        valid = {response.rid: response for response in ours.responses}
        self._count_ours(ours, tiling)
        self._count_official(row, valid, raw, tiling)
        self._count_content(raw)
        return ours

    def findings(self) -> RawFindings:
        """What was counted so far."""
        early = self._official["early"]
        return RawFindings(
            **dict(self._found),
            invalid=dict(sorted(self._invalid.items())),
            official=Official(
                **dict(self._official),
                early_s=self._early_s / early if early else 0.0,
                states=self._official_states,
            ),
            ours=Ours(**self._ours, states=self._our_states),
        )

    def _count_ours(self, ours: Compiled, tiling: Tiling) -> None:
        self._our_states += StateCounts(**ours.turns.counts())
        self._found["valid"] += len(ours.responses)
        self._ours["kept"] += len(ours.turns.rids())
        self._ours["merged"] += ours.flagged("merged")
        self._ours["clamped"] += ours.flagged("clamped")
        self._ours["postponed"] += ours.flagged("postponed")
        self._ours["repeated"] += ours.flagged("repeated")
        for response in ours.responses:
            over_s = complete_s(response)
            self._found["past_the_end"] += over_s > tiling.end_s + EPSILON_S
            early = tiling.starts[response.turn] < over_s - EPSILON_S
            self._ours["early"] += early and "clamped" not in response.flags

    def _count_official(
        self, row: Mapping[str, Any], valid: Mapping[str, Response], raw: RawSample, tiling: Tiling
    ) -> None:
        n_frames = int(tiling.end_s * self._turns_per_s + EPSILON_S)
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
            early_s = complete_s(response) - official.frame / self._turns_per_s
            if early_s > EPSILON_S:
                self._official["early"] += 1
                self._early_s += early_s
        self._official["rows_without_response"] += bool(valid) and not kept
        self._official["standby_without_response"] += dangling_standby(outcome.states)
        self._official_states += StateCounts(**Counter(outcome.states))
        due = {tiling.turn_of(q.asked_s) for q in raw.annotation.questions
               if q.text == outcome.first_question}  # fmt: skip
        self._official["questions_early"] += min(due, default=0) > 0

    def _count_content(self, raw: RawSample) -> None:
        annotation = raw.annotation
        texts = [response.text.strip() for response in annotation.responses]
        self._found["duplicate_responses"] += sum(a == b for a, b in pairwise(texts))
        for question in annotation.questions:
            answers = [r for r in annotation.responses if r.qid == question.qid]
            instants = answers and all(answer.kind == "instant" for answer in answers)
            if "qa" in annotation.task.lower() and instants:
                self._found["timed_questions"] += 1
                self._found["single_answers"] += len(answers) == 1
            options = [text.casefold() for _, text in _OPTION.findall(question.text)]
            options = options or [text.strip().casefold() for text in question.options]
            self._found["repeated_options"] += len(set(options)) < len(options)


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
