"""``.ci/say_alive``, with a ``sleep`` that takes no time."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "say_alive"


def test_a_silent_command_shows_life_and_keeps_its_status(tmp_path: Path) -> None:
    sleep = tmp_path / "sleep"
    sleep.write_text("#!/bin/sh\n")
    sleep.chmod(0o755)
    go_on = tmp_path / "go_on"
    os.mkfifo(go_on)
    run = subprocess.Popen(
        [str(SCRIPT), "waiting", "sh", "-c", f"cat {go_on}; exit 7"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    lines = [run.stdout.readline() for _ in range(3)]
    assert lines == ["waiting\n", "waiting: 20 s so far\n", "waiting: 40 s so far\n"]
    go_on.write_text("")
    run.communicate()  # which waits for all that could still write
    assert run.returncode == 7
