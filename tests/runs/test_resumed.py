"""A run that is killed in the middle of a shard: what was answered is not asked again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.execution.journal import read_journal
from pipeline.run import main
from pipeline.store.location import Location
from tests.runs.answering_server import Server, serving
from tests.runs.asking import write_asking
from tests.runs.test_http_run import ROOT, rows_of, workers

pytestmark = pytest.mark.faults

VIDEOS = 4
ENOUGH = 40
"""Answers after which the first shard that asks is in the middle of it. No more are given."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def config_of(write_config: Callable[..., Path], server: Server) -> Callable[[str], Path]:
    """``config_of(name)``: all videos in one shard, all roles at one server."""
    return lambda name: write_asking(write_config, name, server, shard=VIDEOS)


@pytest.mark.parametrize("killed", ["the run", "who asks"])
def test_a_resumed_run_asks_what_was_in_flight_and_no_more(
    config_of: Callable[[str], Path], server: Server, tmp_path: Path, killed: str
) -> None:
    assert main(["run", "-c", str(config_of("whole")), "--limit", str(VIDEOS)]) == 0
    whole, server.asked, server.answered = server.asked, Counter(), Counter()

    command = ["run", "-c", str(config_of("killed")), "--limit", str(VIDEOS)]
    server.most_answers = ENOUGH
    run = subprocess.Popen(
        [sys.executable, "pipeline/run.py", *command], cwd=ROOT, start_new_session=True
    )
    while min(server.answered.total(), kept(tmp_path / "killed")) < ENOUGH:
        assert run.poll() is None
        time.sleep(0.01)
    with server.lock:
        under_way = server.asked - server.answered
    journals = list(tmp_path.glob("killed/parts/*/*/journal-*/*.journal"))
    if killed == "the run":
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    else:
        os.kill(asking(run.pid), signal.SIGKILL)
    server.most_answers = sys.maxsize
    assert journals, "to be killed between two shards would say little"
    assert run.wait() == 0 if killed == "who asks" else main(command) == 0

    assert server.asked - whole <= under_way
    assert rows_of(tmp_path / "killed") == rows_of(tmp_path / "whole")
    assert not list(tmp_path.glob("*/parts/*/*/journal-*")), "what is done needs no journal"


def kept(root: Path) -> int:
    """Asks whose replies a kill leaves. An answer that was sent is kept a moment later."""
    journals = sum(
        len(read_journal(Location.of(path))) for path in root.glob("parts/*/*/journal-*")
    )
    parts = root.glob("parts/*/*/replies-*.parquet")
    return journals + sum(pq.read_metadata(path).num_rows for path in parts)


def asking(driver: int) -> int:
    """The process that is connected to the server: the one that was started last."""
    return max(workers(driver))
