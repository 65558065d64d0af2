"""How a command that makes parts shows that it lives: plain lines, JSON lines, or a bar."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Literal

import typer
from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.cli.redirect import stderr_lines
from pipeline.errors import ConfigError
from pipeline.execution.executors.base import WatchedExecutor
from pipeline.reports.progress import Event, Moment, Snapshot, Tally, clock_text
from pipeline.store.files.terminal import escaped
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import PlannedTask, ShardResult

Mode = Literal["bar", "lines", "json"]

ProgressOption = Annotated[
    Mode | None,
    typer.Option(
        "--progress",
        help="On stderr: a bar, a line every 20 s, or the same as JSON."
        " Without it a bar on a terminal, lines elsewhere.",
    ),
]

EVERY_S = 20.0
"""Between two lines: no gap is longer than 30 s, even on a busy machine."""

_REDRAWS_PER_S = 2
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class _Phase:
    """What goes on since when, and the tasks that run, if they do."""

    event: Event
    started_s: float
    tally: Tally | None = None
    executor: WatchedExecutor | None = None


class Display:
    """Shows on stderr what is going on, from a thread of its own, whether or not a task ends.

    A context, which begins with the planning. ``tasks`` is entered while tasks run, ``finishing``
    called after them.
    """

    def __init__(self, mode: Mode | None, every_s: float = EVERY_S) -> None:
        """``mode`` None: a bar on a terminal, lines elsewhere.

        Raises:
            ConfigError: a bar is asked for, and stderr is not a terminal.
        """
        terminal = Console(stderr=True).is_terminal and os.environ.get("TERM") != "dumb"
        if mode == "bar" and not terminal:
            raise ConfigError(
                "--progress bar: stderr is not a terminal; lines and json go anywhere"
            )
        self._mode: Mode = mode or ("bar" if terminal else "lines")
        self._every_s = every_s
        self._ended = threading.Event()
        self._counting = threading.Lock()
        self._printing = threading.Lock()
        self._thread = threading.Thread(target=self._keep_writing, name="display", daemon=True)
        self._bar_is_shown = False
        # The first line comes early, for it took a while to load the program.
        self._written_s = monotonic() - 0.75 * every_s
        self._phase = _Phase("planning", monotonic())

    def __enter__(self) -> Display:
        """Begins to write."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._ended.set()
        self._thread.join()

    @contextmanager
    def tasks(
        self, plans: Sequence[NodePlan], tasks: Sequence[PlannedTask], executor: WatchedExecutor
    ) -> Iterator[None]:
        """While ``tasks`` run; ``add`` is called with the result of each."""
        tally = Tally(plans, tasks, executor.name, executor.workers)
        running = _Phase("running", monotonic(), tally, executor)
        self._say("start", running)
        with self._bar() if self._mode == "bar" else nullcontext():
            yield
        self._say("end", _Phase("finishing", monotonic()))

    def add(self, result: ShardResult) -> None:
        """A task has ended."""
        phase = self._phase
        assert phase.tally is not None
        with self._counting:
            phase.tally.add(result, monotonic() - phase.started_s)

    def _say(self, event: Event, next_phase: _Phase) -> None:
        """Write the line of the event at which a phase begins."""
        with self._printing:
            # The first line of tasks knows them already, the last one still does.
            phase = next_phase if next_phase.tally else self._phase
            self._write(self._moment(phase, event))
            self._phase = next_phase

    def _moment(self, phase: _Phase, event: Event) -> Moment:
        elapsed_s = monotonic() - phase.started_s
        if phase.tally is None or phase.executor is None:
            return Moment(event=event, elapsed_s=round(elapsed_s, 1))
        with self._counting:
            return phase.tally.snapshot(event, elapsed_s, dict(phase.executor.in_flight))

    def _keep_writing(self) -> None:
        while not self._ended.wait(max(0, self._written_s + self._every_s - monotonic())):
            with self._printing:
                if self._bar_is_shown:
                    self._written_s = monotonic()
                elif monotonic() - self._written_s >= self._every_s:
                    self._write(self._moment(self._phase, self._phase.event))

    def _write(self, moment: Moment) -> None:
        self._written_s = monotonic()
        text = moment.model_dump_json() if self._mode == "json" else moment.to_text()
        with suppress(OSError):  # nobody listens any more; the work goes on
            print(text, file=sys.stderr, flush=True)

    @contextmanager
    def _bar(self) -> Iterator[None]:
        """A bar at the bottom of the terminal, gone afterwards. Other lines go above it."""
        with os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal:
            console = Console(file=terminal)

            def drawn() -> Group:
                size = ConsoleDimensions(*os.get_terminal_size(terminal.fileno()))
                console.size = size
                return _bar_lines(self._moment(self._phase, "running"), size.width)

            live = Live(
                get_renderable=drawn,
                console=console,
                refresh_per_second=_REDRAWS_PER_S,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._bar_is_shown = True
            try:
                with live, stderr_lines(lambda line: console.print(_plain(line))):
                    yield
            finally:
                self._bar_is_shown = False


def _plain(line: str) -> Text:
    """A line that this program or a library wrote, without its colours."""
    return Text(escaped(_COLOUR.sub("", line)))


def _bar_lines(moment: Moment, width: int) -> Group:
    """Four lines, none longer than ``width`` characters."""
    assert isinstance(moment, Snapshot)
    ended = moment.tasks_done + moment.tasks_failed + moment.tasks_blocked
    head = Table.grid(padding=(0, 1))
    head.add_column(ratio=1)
    head.add_column(no_wrap=True)
    head.expand = True
    head.add_row(
        ProgressBar(total=moment.tasks, completed=ended),
        f"{moment.tasks_text} tasks, {clock_text(moment.elapsed_s)}",
    )
    texts = moment.remaining_text, moment.videos_text, moment.in_flight_text(width)
    return Group(head, *(Text(escaped(text), no_wrap=True, overflow="ellipsis") for text in texts))
