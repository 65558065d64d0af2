"""The findings of an audit."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, field_serializer

from pipeline.corpus.streamo.origin import OriginFound
from pipeline.dialogue.state_counts import StateCounts, StateSlice


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
    clamped: int = 0
    """Of those early: placed in the last turn."""
    rows_without_response: int = 0
    """Rows that have valid responses, and end up with none."""
    questions_early: int = 0
    """Rows of which it asks a later question in the first turn."""
    states: StateCounts = StateCounts()
    standby_without_response: int = 0


class Ours(_Value):
    """The same responses in what ``convert --to stream`` writes, read back and judged by the
    checker, which says what each count means. ``valid = kept + lost``."""

    kept: int = 0
    lost: int = 0
    early: int = 0
    early_by_clock: int = 0
    """``early`` and ``clamped``, where the turn starts before the evidence is complete."""
    early_s: float = 0.0
    """How much before, on average of those ``early_by_clock``, in seconds."""
    clamped: int = 0
    clamped_s: float = 0.0
    """How much before, on average, in seconds."""
    before_question: int = 0
    misplaced: int = 0
    postponed: int = 0
    merged: int = 0
    repeated: int = 0
    said_twice: int = 0
    unexplained: int = 0
    questions_lost: int = 0
    questions_early: int = 0
    questions_late: int = 0
    questions_unexplained: int = 0
    standby_missing: int = 0
    standby_unfounded: int = 0
    turns_wrong: int = 0
    not_written: dict[str, int] = {}
    """Rows that have valid responses, all lost since the format cannot hold them, by reason."""
    rows_without_response: int = 0
    """Rows that have valid responses, and end up with none."""
    states: StateCounts = StateCounts()
    standby_without_response: int = 0


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
    """Responses that say the same as another to the same question, of the same time."""
    recurring_responses: int = 0
    """Responses that say the same as an earlier one, of another time: steps that recur."""
    rows_answered: int = 0
    """Rows with a response that can be read. The next four are counted of these."""
    first_answer_past_the_end: int = 0
    """Rows whose first answer is due when the video is over already, by its known duration."""
    asked_after_first_answer: int = 0
    """Rows whose first question is asked after their first answer is due."""
    close_answers: int = 0
    """Rows with two answers that are due less than ``CLOSE_S`` apart."""
    several_answers: int = 0
    """Rows with two or more answers."""
    single_answers: int = 0
    """Questions of a QA task answered once, at an instant: no answer changes with time."""
    timed_questions: int = 0
    """All questions of a QA task that are answered at instants."""
    repeated_options: int = 0
    """Questions that list the same option twice."""


CLOSE_S = 7.0
"""Answers closer than this were dropped by third parties who filtered the released files."""


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
    early: int | None = None
    """Responses in turn rows that are said before their evidence is complete, and not in the last
    turn. Null where it cannot be told of any row; so too the next two."""
    clamped: int | None = None
    """The same in the last turn, after which none could be said."""
    timed: int | None = None
    """Responses in turn rows of whose evidence the times are known."""
    untimed_rows: int = 0
    """Turn rows that say nothing of when evidence is complete."""
    flagged_clamped: int = 0
    """Turns that these rows themselves flag as clamped."""
    grounding_rows: int = 0
    """Rows of event grounding about a video of known duration."""
    covers_video: int = 0
    """Of those: the answer to a question covers more than ``MAX_SHARE`` of the video. In files of
    turns, to the precision of a turn."""
    states: list[StateSlice] = []
    """Of turn rows as they are; of raw rows as our own conversion makes them."""
    times: OriginFound | None = None
    """How the times of raw rows were read, and why; null where there are no raw rows."""
    frame_rates: dict[str, int] = {}
    """Raw rows by the frames a second of their video, where the file is known."""
    drift_s_per_100_s: dict[str, float] = {}
    """Drift of the official converter's clock, by frames a second of a video."""
    drifting_videos: int = 0
    """Videos over which it drifts by a second or more, where the files are known."""

    @property
    def unread(self) -> int:
        """How many rows cannot be read."""
        return sum(self.bad_rows.values())

    @field_serializer("times")
    def _times(self, times: OriginFound | None) -> dict[str, Any] | None:
        return None if times is None else times.as_json()
