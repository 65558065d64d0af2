"""The findings of an audit, and their text."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from pipeline.dialogue.state_counts import StateCounts, StateSlice, total
from pipeline.records.spans import MAX_SHARE
from pipeline.store.files.text_table import in_brackets


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Official(_Value):
    """The result of the official converter for the valid responses of raw rows.

    ``valid = kept + lost_at_the_end + overwritten + not_read``.
    """

    kept: int = 0
    lost_at_the_end: int = 0
    overwritten: int = 0
    not_read: int = 0
    """It cannot read their times, or stops at the row."""
    early: int = 0
    """Of those kept: placed before their evidence is complete."""
    early_s: float = 0.0
    """How much too early, on average, in seconds."""
    rows_without_response: int = 0
    """Rows that have valid responses, and end up with none."""
    questions_early: int = 0
    """Rows of which it asks a later question in the first turn."""
    states: StateCounts = StateCounts()
    standby_without_response: int = 0


class Ours(_Value):
    """The result of our own conversion for the same responses."""

    kept: int = 0
    early: int = 0
    """Of those kept and not ``clamped``: placed before their evidence is complete."""
    merged: int = 0
    clamped: int = 0
    """Placed in the last turn, since their evidence ends after its start."""
    postponed: int = 0
    """Placed in the turn of their question, since their evidence is complete before it is asked."""
    repeated: int = 0
    """Of those merged: they say the same as another, so it is said once."""
    states: StateCounts = StateCounts()


class RawFindings(_Value):
    """What was found in raw rows. ``responses = valid + invalid``."""

    responses: int = 0
    valid: int = 0
    invalid: dict[str, int] = {}
    """By reason."""
    durations_assumed: int = 0
    """Rows of unknown duration: assumed to end with the last time in the row."""
    counted_from_1: int = 0
    """Rows whose times count seconds from 1; those of the others measure seconds."""
    official: Official = Official()
    ours: Ours = Ours()
    past_the_end: int = 0
    """Valid responses whose evidence ends after the video."""
    duplicate_responses: int = 0
    """Responses with the text of the one before them in the row."""
    single_answers: int = 0
    """Questions of a QA task answered once, at an instant: no answer changes with time."""
    timed_questions: int = 0
    """All questions of a QA task that are answered at instants."""
    repeated_options: int = 0
    """Questions that list the same option twice."""


class BadRow(_Value):
    """A row that cannot be read. ``row`` counts from 0."""

    row: int
    reason: str
    detail: str


class Findings(_Value):
    """The whole report of a file."""

    rows: int = 0
    bad_rows: dict[str, int] = {}
    """Rows that cannot be read, by reason."""
    first_bad_rows: list[BadRow] = []
    """The first of them, with what is wrong and where."""
    duplicate_rows: int = 0
    """Rows with the video and content of an earlier row."""
    raw_rows: int = 0
    raw: RawFindings = RawFindings()
    turn_rows: int = 0
    """Rows of turns: of stream or image files, or of a corpus."""
    standby_without_response: int = 0
    """Runs of standby in turn rows that no response follows."""
    repeated_questions: int = 0
    """Turn rows in which a later turn asks again what the first one asked."""
    early: int = 0
    """Responses of a corpus before the end of their evidence that are not clamped."""
    grounding_rows: int = 0
    """Rows of event grounding about a video of known duration."""
    covers_video: int = 0
    """Of those: the answer to a question covers more than ``MAX_SHARE`` of the video. In files of
    turns, to the precision of a turn."""
    states: list[StateSlice] = []
    """Of turn rows as they are; of raw rows as our own conversion makes them."""
    drift_s_per_100_s: dict[str, float] = {}
    """Drift of the official converter's clock, by frames a second of a video."""
    drifting_videos: int = 0
    """Videos over which it drifts by a second or more, where the files are known."""

    @property
    def unread(self) -> int:
        """How many rows cannot be read."""
        return sum(self.bad_rows.values())

    def to_text(self) -> str:
        """For people."""
        lines = [f"rows: {self.rows} = {self.raw_rows} raw + {self.turn_rows} of turns + bad "]
        lines[0] += f"{self.unread}{in_brackets(self.bad_rows, '')}"
        lines += [f"  row {bad.row}: {bad.reason}: {bad.detail}" for bad in self.first_bad_rows]
        if more := self.unread - len(self.first_bad_rows):
            lines.append(f"  and {more} more")
        lines.append(f"duplicate rows: {self.duplicate_rows}")
        if self.grounding_rows:
            lines.append(
                f"event grounding that covers more than {MAX_SHARE:.0%} of its video:"
                f" {self.covers_video} of {self.grounding_rows}"
            )
        if self.raw_rows:
            lines += _raw_lines(self.raw)
        if self.turn_rows:
            lines += [
                "",
                "turns as they are",
                f"  standby that no response follows: {self.standby_without_response}",
                f"  rows that ask the first question again later: {self.repeated_questions}",
                f"  responses before their evidence is complete: {self.early}",
            ]
        lines += ["", f"states: {total(self.states).ratio()} (the paper: 12 : 3 : 2)"]
        lines += [
            f"  {part.task}, {part.source or 'no source'}, {part.duration}:"
            f" {part.states.ratio()} in {part.dialogues}"
            for part in self.states
        ]
        rates = ", ".join(f"{rate} fps {drift:+.2f}" for rate, drift in
                          self.drift_s_per_100_s.items())  # fmt: skip
        lines += ["", f"drift of the official converter, in seconds every 100 s: {rates}"]
        if self.drifting_videos:
            lines.append(f"  videos that it runs off by a second or more: {self.drifting_videos}")
        return "\n".join(lines)


def _raw_lines(raw: RawFindings) -> list[str]:
    official, ours = raw.official, raw.ours
    lost = official.lost_at_the_end + official.overwritten + official.not_read
    return [
        "",
        f"responses: {raw.responses} = {raw.valid} valid + {sum(raw.invalid.values())} invalid"
        f"{in_brackets(raw.invalid, '')}",
        f"  evidence past the end of the video: {raw.past_the_end}",
        f"  the same as the response before: {raw.duplicate_responses}",
        f"  rows whose duration is taken from their last time: {raw.durations_assumed}",
        f"  rows that count seconds from 1: {raw.counted_from_1}",
        "",
        f"{'':34}{'official':>20}{'ours':>20}",
        _compared("responses kept", official.kept, ours.kept, raw.valid),
        _compared("responses lost", lost, raw.valid - ours.kept, raw.valid),
        f"{'  at the end of the video':34}{official.lost_at_the_end:>20}{0:>20}",
        f"{'  under a later standby or answer':34}{official.overwritten:>20}{0:>20}",
        f"{'  times that it cannot read':34}{official.not_read:>20}{0:>20}",
        _compared("said before the evidence is over", official.early, ours.early, official.kept),
        f"{'  by, on average':34}{official.early_s:>18.2f} s{0:>18.2f} s",
        f"{'rows left without a response':34}{official.rows_without_response:>20}{0:>20}",
        f"{'questions asked before their time':34}{official.questions_early:>20}{0:>20}",
        f"{'standby that no response follows':34}{official.standby_without_response:>20}{0:>20}",
        f"{'silence : standby : response':34}{official.states.ratio():>20}"
        f"{ours.states.ratio():>20}",
        f"{'  joined in one turn, at the end':34}{'':>20}{f'{ours.merged}, {ours.clamped}':>20}",
        f"{'  postponed, said by another':34}{'':>20}{f'{ours.postponed}, {ours.repeated}':>20}",
        "",
        f"timed questions with a single answer: {raw.single_answers} of {raw.timed_questions}",
        f"questions that repeat an option: {raw.repeated_options}",
    ]


def _compared(name: str, official: int, ours: int, of: int) -> str:
    def share(count: int) -> str:
        return f"{count} ({count / of:.1%})" if of else f"{count}"

    return f"{name:34}{share(official):>20}{share(ours):>20}"
