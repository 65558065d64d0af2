"""No core outlives its parent, and no watchdog its cores."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from pipeline.engines.vllm import watchdog

Process = subprocess.Popen[bytes]


@pytest.fixture
def sleepers() -> Iterator[list[Process]]:
    """A parent and two cores."""
    started = [subprocess.Popen(["sleep", "600"]) for _ in range(3)]
    yield started
    for process in started:
        process.kill()
        process.wait()


def watching(sleepers: list[Process]) -> Process:
    pids = [str(process.pid) for process in sleepers]
    return subprocess.Popen([sys.executable, watchdog.__file__, *pids])


def test_cores_are_killed_when_their_parent_ends(sleepers: list[Process]) -> None:
    parent, *cores = sleepers
    process = watching(sleepers)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    assert [core.poll() for core in cores] == [None, None]
    parent.kill()
    # The watchdog notices the end before the exit status is collected.
    assert process.wait(120) == 0
    assert [core.wait(120) for core in cores] == [-9, -9]


def test_the_watchdog_ends_with_the_last_core(sleepers: list[Process]) -> None:
    parent, first, second = sleepers
    process = watching(sleepers)
    first.kill()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    second.kill()
    assert process.wait(120) == 0
    assert parent.poll() is None


def test_a_parent_that_was_gone_before_counts_as_ended(sleepers: list[Process]) -> None:
    parent, *cores = sleepers
    parent.kill()
    parent.wait()
    assert watching(sleepers).wait(120) == 0
    assert [core.wait(120) for core in cores] == [-9, -9]
