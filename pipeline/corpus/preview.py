"""A dialogue as a person reads it: its video, a strip of its states, then what is asked and said.

Texts from outside are shown escaped: no control character of theirs reaches a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.dialogue.memory_text import memory_text
from pipeline.engines.base import for_training
from pipeline.records import Check, Dialogue, PlacedResponse, State, Turns
from pipeline.store.files.terminal import escaped

_MARKS: Mapping[State, tuple[str, str]] = {
    "silence": (".", "dim"),
    "standby": ("-", "yellow"),
    "response": ("#", "bold green"),
}
"""The character of a state in the strip, and its style."""
_ASKED = ("?", "bold cyan")
_TICK_TURNS = 10
"""From one time above the strip to the next; a line of it is a multiple of that."""
_INDENT = 2
_OF_QUESTIONS = ("late_question", "carried")
"""Flags of a turn that are about its question."""


def preview(dialogue: Dialogue, width: int) -> RenderableType:
    """The dialogue for a console of so many columns, in colours where that has them."""
    return Group(
        _facts(dialogue),
        Text(),
        *_strip(dialogue.turns, width - _INDENT),
        Text(),
        _course(dialogue),
        *_checks_of_all(dialogue.checks),
    )


def plain_preview(dialogue: Dialogue, width: int = 80) -> str:
    """The same as lines of plain text, whatever the terminal and its settings."""
    file = StringIO()
    console = Console(file=file, width=width, color_system=None, force_terminal=False, _environ={})
    console.print(preview(dialogue, width), highlight=False)
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip().split("\n"))


def _facts(dialogue: Dialogue) -> Table:
    """Video, task, source, licence and models, a line each."""
    size = f", {dialogue.width} x {dialogue.height} pixels" if dialogue.width else ""
    clip = ""
    if dialogue.clip_start_s or dialogue.clip_end_s is not None:
        end = "its end" if dialogue.clip_end_s is None else f"{_seconds(dialogue.clip_end_s)} s"
        clip = f", from {_seconds(dialogue.clip_start_s)} s to {end} of the file"
    if dialogue.clips:
        clip = f", a stream of {len(dialogue.clips)} clips"
    task = f"{dialogue.task} ({dialogue.aspect})" if dialogue.aspect else dialogue.task
    task += ", negative: what is asked for does not occur" * dialogue.is_negative
    facts = {
        "video": dialogue.video_id,
        "length": f"{_seconds(dialogue.duration_s)} s{clip}{size}, split {dialogue.split}",
        "task": task,
        "sample": dialogue.sample_id,
        "source": f"{dialogue.source or 'not stated'}, licence {dialogue.licence or 'not stated'}",
        "models": ", ".join(dialogue.models) or "none",
    }
    if dialogue.origins:
        facts["datasets"] = f"written by {', '.join(dialogue.origins)}"
    if dialogue.whole_id:
        repeated = f", its first {dialogue.context_turns} turns repeat the one before"
        facts["window"] = f"of {dialogue.whole_id}" + repeated * bool(dialogue.context_turns)
    if dialogue.memory:
        facts["memory"] = " ".join(memory_text(dialogue.memory).splitlines()[1:])
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(escaped(value), style="bold" if name in ("video", "task") else ""))
    if not for_training(dialogue.models):
        table.add_row("", Text("not for training: a stand-in for a model wrote it", "bold red"))
    return table


def _strip(turns: Turns, columns: int) -> Iterable[RenderableType]:
    """A character a turn below a ruler of seconds, then the turns where something is asked."""
    step = max(_TICK_TURNS, columns // _TICK_TURNS * _TICK_TURNS)
    indent = " " * _INDENT
    for first in range(0, len(turns), step):
        line = list(turns[first : first + step])
        ruler = "".join(
            f"|{_seconds(turn.start_s)} s"[: _TICK_TURNS - 1].ljust(_TICK_TURNS)
            for turn in line[::_TICK_TURNS]
        )
        yield Text(indent + ruler.rstrip(), style="dim")
        states = (_MARKS[turn.state] for turn in line)
        yield Text.assemble(indent, *states)
        if any(turn.question for turn in line):
            asked = "".join(_ASKED[0] if turn.question else " " for turn in line)
            yield Text(indent + asked.rstrip(), style=_ASKED[1])
    counts = turns.counts()
    legend = [
        Text(f"{mark} {state} {counts[state]}", style) for state, (mark, style) in _MARKS.items()
    ]
    legend.append(Text(f"{_ASKED[0]} asked", _ASKED[1]))
    yield Padding(Text("   ").join(legend), (0, 0, 0, _INDENT))


def _course(dialogue: Dialogue) -> Table:
    """What is asked and said, turn by turn: when, by whom, the text and what supports it."""
    said = {response.rid: response for response in dialogue.responses}
    checks = {
        rid: list(own)
        for rid, own in groupby(
            sorted(dialogue.checks, key=lambda check: check.rid), lambda check: check.rid
        )
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for turn in dialogue.turns:
        time = f"{_seconds(turn.start_s)} s"
        if turn.question:
            flags = [flag for flag in turn.flags if flag in _OF_QUESTIONS]
            table.add_row(time, Text("asked", _ASKED[1]), _with_details(turn.question, flags))
        for rid in turn.rids:
            response = said[rid]
            details = [_support(response)]
            details += [_checked(checks[rid])] if rid in checks else []
            table.add_row(
                time, Text("said", _MARKS["response"][1]), _with_details(response.text, details)
            )
    return table


def _with_details(text: str, details: Iterable[str]) -> Text:
    shown = Text(escaped(text, keep="\n"))
    for detail in details:
        shown.append(f"\n{escaped(detail)}", "dim")
    return shown


def _support(response: PlacedResponse) -> str:
    """The evidence of a response, and how it stands otherwise than it asked to."""
    spans = ", ".join(
        f"{_seconds(span.start_s)} to {_seconds(span.end_s)} s"
        for span in response.evidence
        if span.end_s > span.start_s
    )
    if spans:
        support = f"evidence {spans}"
    elif response.kind == "event":
        support = f"event {_seconds(response.start_s)} to {_seconds(response.end_s)} s"
    else:
        support = f"seen at {_seconds(response.start_s)} s"
    due_s = response.respond_s if response.due_s is None else response.due_s
    by = "" if response.due_by in ("end", "fallback") else f" by {response.due_by}"
    if not response.flags and not by:
        return support
    how = f"due at {_seconds(due_s)} s{by}"
    return f"{support}; {', '.join([*response.flags, how])}"


def _checks_of_all(checks: Iterable[Check]) -> Iterable[RenderableType]:
    """The checks that are about no single response."""
    if own := [check for check in checks if not check.rid]:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold")
        table.add_row("checks", Text(escaped(_checked(own))))
        yield Text()
        yield table


def _checked(checks: Sequence[Check]) -> str:
    """``passed: answerable 1, premature 1 (model@1)``, by outcome and model."""
    groups: dict[tuple[bool, str], list[str]] = {}
    for check in checks:
        named = f"{check.name} {check.score:.3g}"
        groups.setdefault((check.passed, check.model), []).append(named)
    return "; ".join(
        f"{'passed' if passed else 'failed'} {', '.join(names)}" + (f" ({model})" if model else "")
        for (passed, model), names in groups.items()
    )


def _seconds(time_s: float) -> str:
    """To the hundredth, without zeros at the end."""
    return f"{time_s:.2f}".rstrip("0").rstrip(".")
