"""The findings of an audit as text, in 80 columns."""

from __future__ import annotations

import textwrap

from pipeline.corpus.audit.checker import FAULTS
from pipeline.corpus.audit.report import CLOSE_S, Findings, Ours, RawFindings
from pipeline.dialogue.state_counts import total
from pipeline.records.spans import MAX_SHARE
from pipeline.store.files.text_table import TEXT_WIDTH, in_brackets


def text_of_findings(found: Findings) -> str:
    """For people."""
    lines = _filled(
        f"rows: {found.rows} = {found.raw_rows} raw + {found.turn_rows} of turns + bad"
        f" {found.unread}{in_brackets(found.bad_rows, '')}"
    )
    for bad in found.first_bad_rows:
        lines += _filled(f"  row {bad.row}: {bad.reason}: {bad.detail}")
    if more := found.unread - len(found.first_bad_rows):
        lines.append(f"  and {more} more")
    lines.append(f"duplicate rows: {found.duplicate_rows}")
    if found.grounding_rows:
        lines.append(
            f"event grounding that covers more than {MAX_SHARE:.0%} of its video:"
            f" {found.covers_video} of {found.grounding_rows}"
        )
    if found.times is not None:
        lines += ["", *_filled(found.times.to_text())]
        if found.times.mixed:
            lines += _filled(f"  {found.times.warning()}")
    if found.raw_rows:
        lines += _raw_lines(found.raw)
    if found.turn_rows:
        lines += _turn_lines(found)
    lines += ["", f"states: {total(found.states).ratio()} (the paper: 12 : 3 : 2)"]
    for part in found.states:
        what = f"{part.task}, negative" if part.is_negative else part.task
        lines += _filled(
            f"  {what}, {part.source or 'no source'}, {part.duration}:"
            f" {part.states.ratio()} in {part.dialogues}"
        )
    if found.raw_rows:
        lines += _drift_lines(found)
    return "\n".join(lines)


def _raw_lines(raw: RawFindings) -> list[str]:
    official, ours = raw.official, raw.ours
    lost = official.lost_at_the_end + official.overwritten + official.not_read
    close = f"with answers less than {CLOSE_S:g} s apart"
    return [
        "",
        *_filled(
            f"responses: {raw.responses} = {raw.valid} valid + {sum(raw.invalid.values())} invalid"
            f"{in_brackets(raw.invalid, '')}"
        ),
        f"  whose evidence goes on after the end of the video: {raw.past_the_end}",
        f"  that say what another says of the same time (duplicates): {raw.duplicate_responses}",
        f"  that say it of another time (recurring steps, no fault): {raw.recurring_responses}",
        f"  rows of unknown duration, taken to end with their last time: {raw.durations_assumed}",
        f"  rows whose times count seconds from 1: {raw.counted_from_1}",
        "",
        f"rows with an answer: {raw.rows_answered}",
        f"  whose first answer comes after the end: {raw.first_answer_past_the_end}",
        f"  whose first question comes after the first answer: {raw.asked_after_first_answer}",
        f"  {close}: {raw.close_answers}",
        f"  with two or more answers: {raw.several_answers}",
        f"timed questions with a single answer: {raw.single_answers} of {raw.timed_questions}",
        f"questions that repeat an option: {raw.repeated_options}",
        "",
        _beside("what becomes of valid responses", "official", "ours"),
        _beside("responses kept", _share(official.kept, raw.valid), _share(ours.kept, raw.valid)),
        _beside("responses lost", _share(lost, raw.valid), _share(ours.lost, raw.valid)),
        _beside("  at the end of the video", official.lost_at_the_end),
        _beside("  under a later standby or answer", official.overwritten),
        _beside("  times that it cannot read", official.not_read),
        _beside(
            "said before the evidence is over",
            _share(official.early, official.kept),
            _share(ours.early_by_clock, ours.kept),
        ),
        _beside("  by, on average", f"{official.early_s:.2f} s", f"{ours.early_s:.2f} s"),
        _beside("  though a later turn was there", official.early - official.clamped, ours.early),
        _beside(
            "rows left without a response",
            official.rows_without_response,
            ours.rows_without_response,
        ),
        _beside(
            "questions asked before their time", official.questions_early, ours.questions_early
        ),
        _beside(
            "standby that no response follows",
            official.standby_without_response,
            ours.standby_without_response,
        ),
        _beside("silence : standby : response", official.states.ratio(), ours.states.ratio()),
        *_our_lines(ours),
    ]


def _our_lines(ours: Ours) -> list[str]:
    counts = ours.model_dump()
    faults = {name: counts[name] for name in FAULTS if counts[name]}
    lines = [
        "",
        "ours: what `turnwise convert` writes, read back by a checker of its own",
        f"  said together with others in one turn (merged): {ours.merged}",
        f"    the same words, so said once for several: {ours.repeated}",
        f"  said with a question that is asked after their evidence (postponed): {ours.postponed}",
        f"  said in the last turn, as none starts after they are due (clamped): {ours.clamped}",
        f"    so many seconds before the evidence is over, on average: {ours.clamped_s:.2f}",
    ]
    if ours.not_written:
        lines += _filled(f"  rows that cannot be written:{in_brackets(ours.not_written, '')}")
    named = {name.replace("_", " "): count for name, count in faults.items()}
    return [*lines, *_filled(f"  faults found: {sum(faults.values())}{in_brackets(named, '')}")]


def _turn_lines(found: Findings) -> list[str]:
    lines = [
        "",
        "turns as they are",
        f"  standby that no response follows: {found.standby_without_response}",
        f"  rows that ask the first question again later: {found.repeated_questions}",
    ]
    early = "  responses before their evidence is complete:"
    if found.early is None:
        lines += [early, "    cannot be told from this file: it has no times of evidence"]
    else:
        lines += [
            f"{early} {found.early} of {found.timed}",
            f"    and in the last turn, after which none starts (clamped): {found.clamped}",
        ]
        if found.untimed_rows:
            lines.append(f"    rows of which it cannot be told: {found.untimed_rows}")
    if found.flagged_clamped:
        lines.append(f"    turns that the file itself flags as clamped: {found.flagged_clamped}")
    return lines


def _drift_lines(found: Findings) -> list[str]:
    if not found.frame_rates:
        return [
            "",
            "drift of the official converter's turns: depends on frame rates; give --videos",
        ]
    lines = [
        "",
        "The official converter takes every n-th frame for a turn, n rounded down. So",
        "100 s by its labels are, in a video of so many frames a second:",
    ]
    lines += [
        f"  {rate}: {100 - found.drift_s_per_100_s[rate]:.2f} s of the video (rows: {rows})"
        for rate, rows in sorted(found.frame_rates.items(), key=_by_rate)
    ]
    return [*lines, f"  videos that end a second or more off: {found.drifting_videos}"]


def _by_rate(pair: tuple[str, int]) -> float:
    return float(pair[0])


def _beside(name: str, official: object, ours: object = "") -> str:
    return f"{name:34}{official!s:>20}{ours!s:>20}".rstrip()


def _share(count: int, of: int) -> str:
    return f"{count} ({count / of:.1%})" if of else f"{count}"


def _filled(line: str) -> list[str]:
    """A line in several, the later ones indented further."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(
        line, TEXT_WIDTH, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    ) or [line]
