"""Audits a file or a corpus row by row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from pipeline.corpus.audit.checker import (
    SAME_S,
    Timeline,
    check,
    over_s,
    why_unsayable,
)
from pipeline.corpus.audit.official import (
    COMMON_RATES,
    dangling_standby,
    official_drift,
)
from pipeline.corpus.audit.raw import RawAudit
from pipeline.corpus.audit.report import BadRow, Findings
from pipeline.corpus.audit.seen import Seen
from pipeline.corpus.audit.written import as_written
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import FormatError, ReadSample
from pipeline.corpus.read import read_corpus
from pipeline.corpus.streamo.origin import Origin, OriginFound, origin_of_file
from pipeline.corpus.streamo.raw import read_raw
from pipeline.corpus.video_lookup import LONGEST_S, VideoLookup
from pipeline.dialogue.state_counts import StateTally
from pipeline.dialogue.tiling import DialogueError
from pipeline.records import Dialogue, Turns
from pipeline.records.spans import MAX_SHARE, covered_share
from pipeline.records.turns import STATES
from pipeline.store.files.json_rows import JsonRow, read_json_rows

Duration = Callable[[str, str, float | None], float | None]
"""The duration of a video in seconds, by name, path and the row's value; None where unknown."""
Rate = Callable[[str, str], float | None]
"""Frames a second of a video, by name and path; None where unknown."""


_EVIDENCE = ("timed", "early", "clamped")
_SHOWN = 10
"""So many bad rows are told one by one."""
_LONGEST = 200


def is_corpus(path: Path) -> bool:
    """Whether a path is that of a corpus, not of a JSON file of rows."""
    return path.is_dir() or path.suffix == ".parquet"


def audit_path(
    path: Path,
    *,
    turns_per_s: float,
    origin: Origin,
    durations_s: Mapping[str, float],
    folder: Path | None,
) -> Findings:
    """Audits a raw or turn file, a Parquet file or a corpus folder.

    ``turns_per_s`` and ``origin`` are for raw rows; videos are looked up in ``durations_s`` and
    ``folder`` (see ``VideoLookup``).

    Raises:
        CorpusError: the corpus cannot be read.
        OSError: the file cannot be read.
    """
    times = OriginFound() if is_corpus(path) else origin_of_file(path, origin)
    with Seen() as seen, closing(VideoLookup(durations_s, folder)) as videos:
        audit = Audit(
            seen,
            turns_per_s=turns_per_s,
            times=times,
            duration_s=videos.known_duration_s,
            longest_s=LONGEST_S,
            rate=videos.rate,
        )
        if is_corpus(path):
            for sample in read_corpus(path, frames=False):
                for dialogue in sample.dialogues:
                    audit.add_dialogue(dialogue)
        else:
            audit.add_rows(read_json_rows(path))
        return audit.findings()


class Audit:
    """Counts the findings of rows, one at a time, while ``seen`` is open."""

    def __init__(
        self,
        seen: Seen,
        *,
        turns_per_s: float,
        times: OriginFound,
        duration_s: Duration,
        longest_s: float,
        rate: Rate,
    ) -> None:
        """``turns_per_s`` is what raw rows are converted at; see ``RawAudit`` for others."""
        self._seen = seen
        self._raw = RawAudit(turns_per_s, times, longest_s)
        self._times = times
        self._turns_per_s = turns_per_s
        self._duration_s, self._rate = duration_s, rate
        self._found: Counter[str] = Counter()
        self._evidence: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self._first_bad: list[BadRow] = []
        self._states = StateTally()
        self._rates: Counter[str] = Counter()
        self._drift = {f"{r:g}": 100 * official_drift(r, turns_per_s) for r in COMMON_RATES}

    def add_rows(self, rows: Iterable[JsonRow]) -> None:
        """Counts the rows of a JSON file."""
        for row in rows:
            self._found["rows"] += 1
            value = row.value
            if row.error or not isinstance(value, Mapping):
                self._add_bad(row.number, "bad_row", row.error)
                continue
            try:
                if "messages" in value or "conversations" in value:
                    self._add_turn_row(value)
                else:
                    self._add_raw(value, row.number)
            except (DialogueError, FormatError) as error:
                self._add_bad(row.number, error.reason, error.detail)

    def add_dialogue(self, dialogue: Dialogue) -> None:
        """Counts a sample of a corpus."""
        self._found["rows"] += 1
        self._found["turn_rows"] += 1
        own = dialogue.turns[dialogue.context_turns :]
        turns, rids = dialogue.turns, own.rids()
        for response in dialogue.responses:
            if response.rid in rids:
                at = response.turn - turns.first
                early = turns.starts[at] < over_s(response) - SAME_S
                last = turns.ends[at] > dialogue.duration_s - SAME_S
                self._evidence.update(timed=1, early=early and not last, clamped=early and last)
        grounded = {q.qid for q in dialogue.questions if _is_grounding(q.task)}
        self._add_grounding(
            [(r.qid, r.start_s, r.end_s) for r in dialogue.responses if r.qid in grounded],
            dialogue.duration_s,
        )
        goes_on = bool(dialogue.whole_id)
        negative = dialogue.is_negative
        self._add_turns(own, dialogue.task, dialogue.source, dialogue.duration_s, goes_on, negative)
        key = [dialogue.video_id, dialogue.clip_start_s, dialogue.task, own.first, _texts(own)]
        self._found["duplicate_rows"] += self._seen.again(json.dumps(key))

    def findings(self) -> Findings:
        """What was counted so far."""
        measured = self._found["turn_rows"] > self._found["untimed_rows"]
        return Findings(
            **self._found,
            **({name: self._evidence[name] for name in _EVIDENCE} if measured else {}),
            bad_rows=dict(sorted(self._bad.items())),
            first_bad_rows=self._first_bad,
            raw=self._raw.findings(),
            states=self._states.slices(),
            times=self._times if self._found["raw_rows"] else None,
            frame_rates=dict(self._rates),
            drift_s_per_100_s={rate: round(drift, 3) for rate, drift in self._drift.items()},
        )

    def _add_bad(self, number: int, reason: str, detail: str) -> None:
        self._bad[reason] += 1
        if len(self._first_bad) < _SHOWN:
            self._first_bad.append(BadRow(row=number, reason=reason, detail=detail[:_LONGEST]))

    def _add_grounding(self, spans: Sequence[tuple[str, float, float]], duration_s: float) -> None:
        """Counts a row of event grounding; spans stand behind the question that they answer."""
        if not spans or duration_s <= 0:
            return
        self._found["grounding_rows"] += 1
        shares = [
            covered_share([(start_s, end_s) for other, start_s, end_s in spans if other == qid],
                          duration_s)
            for qid in dict.fromkeys(qid for qid, _, _ in spans)
        ]  # fmt: skip
        self._found["covers_video"] += max(shares) > MAX_SHARE

    def _add_raw(self, row: Mapping[str, Any], number: int) -> None:
        if "question" not in row and "response" not in row:
            raise FormatError("bad_row", "it has neither question nor response")
        raw = self._raw.read(row, number)
        known_s = self._duration_s(raw.video_name, raw.video_path, raw.duration_s)
        made = self._raw.add(row, raw, known_s)
        self._found["raw_rows"] += 1
        end_s = made.end_s
        if known_s is not None and _is_grounding(raw.task):
            self._add_grounding([(r.qid, r.start_s, r.end_s) for r in made.valid], known_s)
        if made.states:
            negative = raw.annotation.is_negative
            self._states.add(raw.task, raw.source, end_s, made.states, is_negative=negative)
        video = raw.video_path or raw.video_name
        key = [video, raw.task, row.get("question"), row.get("response")]
        self._found["duplicate_rows"] += self._seen.again(json.dumps(key, sort_keys=True))
        rate = self._rate(raw.video_name, raw.video_path)
        if rate:
            self._rates[f"{rate:g}"] += 1
            self._drift[f"{rate:g}"] = drift = 100 * official_drift(rate, self._turns_per_s)
            if abs(drift) * end_s / 100 >= 1:
                self._found["drifting_videos"] += not self._seen.again(json.dumps(["rate", video]))

    def _add_turn_row(self, row: Mapping[str, Any]) -> None:
        sample = FORMATS[_format_of(row)].read(row)
        own = sample.turns[sample.context_turns :]
        if not own:
            raise FormatError("bad_row", "it has no turns")
        self._found["turn_rows"] += 1
        duration_s = sample.turns.ends[-1] if sample.duration_s is None else sample.duration_s
        if _is_grounding(sample.task):
            # What is said in the last turn may last to the end.
            last_s = own.starts[-1]
            spans = [
                ("", e.start_s, e.end_s if e.end_s < last_s else duration_s) for e in sample.events
            ]
            self._add_grounding(spans, duration_s)
        self._add_row_evidence(row, sample, duration_s)
        goes_on, negative = bool(sample.whole_id), sample.is_negative
        self._add_turns(own, sample.task, sample.source, duration_s, goes_on, negative)
        key = [sample.video or sample.images, sample.task, own.first, _texts(own)]
        self._found["duplicate_rows"] += self._seen.again(json.dumps(key))

    def _add_row_evidence(
        self, row: Mapping[str, Any], sample: ReadSample, duration_s: float
    ) -> None:
        """Counts what a row tells of the evidence of its responses: all where its raw responses
        stand beside the turns, else no more than its flags."""
        whole = not sample.whole_id and sample.turns.first == 0
        raw = None
        if whole and "response" in row:
            with suppress(DialogueError):  # then the row says no more than its turns
                raw = read_raw(row, number=0, origin=self._times, default_question="?")
        if raw is None:
            self._found["untimed_rows"] += 1
            flags = row.get("flags")
            flagged = flags.split(";") if isinstance(flags, str) else ()
            self._found["flagged_clamped"] += sum("clamped" in turn.split() for turn in flagged)
            return
        asked = {question.qid for question in raw.annotation.questions}
        responses = raw.annotation.responses
        valid = [each for each in responses if not why_unsayable(each, asked, duration_s)]
        turns = as_written(sample.turns)
        starts = [turn.start_s for turn in turns]
        timeline = Timeline(starts, starts, duration_s)
        counts = check(turns, raw.annotation.questions, valid, timeline).counts
        last = counts["early_by_clock"] - counts["early"]
        self._evidence.update(timed=counts["kept"], early=counts["early"], clamped=last)

    def _add_turns(
        self,
        turns: Turns,
        task: str,
        source: str,
        duration_s: float,
        goes_on: bool,
        negative: bool,
    ) -> None:
        states = [STATES[code] for code in turns.states]
        self._states.add(task, source, duration_s, turns.counts(), is_negative=negative)
        self._found["standby_without_response"] += dangling_standby(states, goes_on=goes_on)
        asked = {at: question.text for at, question in turns.asked.items()}
        first = asked.pop(0, "")
        self._found["repeated_questions"] += bool(first) and first in asked.values()


def _is_grounding(task: str) -> bool:
    """Ours is ``event_grounding``; files of others have it in other spellings."""
    return "grounding" in task.lower()


def _format_of(row: Mapping[str, Any]) -> str:
    if "conversations" in row:
        return "qwen_vl"
    return "messages" if "images" in row else "stream"


def _texts(turns: Turns) -> list[list[object]]:
    asked = {at: question.text for at, question in turns.asked.items()}
    said = {at: answer.text for at, answer in turns.said.items()}
    return [
        [turns.first + at, asked.get(at, ""), said.get(at, "")]
        for at in sorted(asked.keys() | said.keys())
    ]
