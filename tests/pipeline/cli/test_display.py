from __future__ import annotations

import fcntl
import io
import json
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli.display import Display, Mode
from pipeline.errors import ConfigError
from pipeline.execution.runner import missing_tasks
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import ShardResult

ROOT = Path(__file__).resolve().parents[3]
COUNTS = {"videos_out": 3, "videos_rejected": 0, "tokens_in": 0, "tokens_out": 0}

IN_A_TERMINAL = """
import subprocess, sys
from types import SimpleNamespace
from pipeline.cli.display import Display

names = [f"a_node_with_a_long_name_{i}" for i in range(23)]
executor = SimpleNamespace(name="local", workers=2, in_flight=dict.fromkeys(names, 3))
with Display(None) as display, display.tasks([], [], executor):
    print("a warning of this process", file=sys.stderr)
    subprocess.run(["sh", "-c", "echo a warning of a child >&2; printf half >&2"])
print("after", file=sys.stderr)
"""


def executor(**in_flight: int) -> Any:
    return SimpleNamespace(name="local", workers=2, in_flight=in_flight)


def written(plans: Sequence[NodePlan], mode: Mode | None) -> list[str]:
    """What is on stderr of a run in which no task ends before four lines say that they run."""
    tasks = missing_tasks(plans, {plan.node.name for plan in plans})
    with (
        redirect_stderr(io.StringIO()) as seen,
        Display(mode, every_s=0.001) as display,
        display.tasks(plans, tasks, executor(admit=1)),
    ):
        while seen.getvalue().count("running") < 4:
            pass
        display.add(ShardResult(node="admit", shard=0, counts=COUNTS, seconds=1.0))
    return seen.getvalue().splitlines()


def test_lines_come_though_no_task_ends(plan_toys: Callable[..., Any]) -> None:
    lines = [x for x in written(plan_toys([1, 2, 3]), None) if not x.startswith("planning")]
    assert lines[0] == "start: 3 tasks of 3 nodes, local, 2 workers"
    running = [line for line in lines if line.startswith("running: 0:0")]
    assert len(running) > 3
    assert "0/3 tasks, time left unknown" in running[0]
    assert running[0].endswith("; in flight: admit 1")
    (end,) = [line for line in lines if line.startswith("end: ")]
    assert "1/3 tasks" in end


def test_json_lines_say_the_same(plan_toys: Callable[..., Any]) -> None:
    moments = [json.loads(line) for line in written(plan_toys([1, 2, 3]), "json")]
    events = list(dict.fromkeys(moment["event"] for moment in moments))
    assert [event for event in events if event != "planning"][:3] == ["start", "running", "end"]
    (end,) = [moment for moment in moments if moment["event"] == "end"]
    assert end["tasks_done"] == 1
    assert all("elapsed_s" in moment for moment in moments)


def test_planning_and_finishing_show_life_too() -> None:
    with (
        redirect_stderr(io.StringIO()) as seen,
        Display("lines", every_s=0.001) as display,
    ):
        while "planning, 0:00 so far" not in seen.getvalue():
            pass
        with display.tasks([], [], executor()):
            pass
        while "finishing, 0:00 so far" not in seen.getvalue():
            pass


def test_work_goes_on_when_nobody_reads() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with (
        redirect_stderr(Gone()),
        Display("lines", every_s=0.001) as display,
        display.tasks([], [], executor()),
    ):
        pass


def test_a_bar_needs_a_terminal() -> None:
    with pytest.raises(ConfigError, match="--progress bar: stderr is not a terminal"):
        Display("bar")


def screen(output: str) -> list[str]:
    """What a terminal shows at the end of the output: the control sequences of a bar, and text."""
    lines, row = [""], 0
    for sequence, text in re.findall(r"\x1b\[([?\d;]*[A-Za-z])|([^\x1b]+)", output):
        if sequence.endswith("A"):
            row -= int(sequence[:-1])
        elif sequence == "2K":
            lines[row] = ""
        for piece in re.split(r"(\n)", text.replace("\r", "")):
            row += piece == "\n"
            lines += [""] * (row + 1 - len(lines))
            lines[row] += piece.strip("\n")
    return [line for line in lines if line]


def test_a_bar_is_not_torn_by_warnings_and_leaves_nothing_behind() -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    run = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)},
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    while chunk := _read(ours):
        output += chunk
    assert run.wait() == 0
    text = output.decode()
    assert screen(text) == [
        "start: 0 tasks of 0 nodes, local, 2 workers",
        "a warning of this process",
        "a warning of a child",
        "half",
        "end: 0:00, 0/0 tasks, 0 videos/s, 0 kept, 0 rejected",
        "after",
    ]
    plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", text)
    assert "in flight: a_node_with_a_long_name_0 3, " in plain
    assert max(map(len, re.split(r"[\r\n]+", plain))) <= 80
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is back"


def _read(terminal: int) -> bytes:
    """Some output; none when no process has the terminal any more."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
