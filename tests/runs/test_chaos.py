"""Commands whose driver, workers, engines or decoders are killed at random moments: the same
command, or ``run``, leads to the bytes of a run that nobody disturbed.

``TURNWISE_CHAOS_KILLS=500`` is the long form (``make chaos``), with a tenth of them on Ray;
``TURNWISE_CHAOS_SEED`` repeats one, and ``TURNWISE_CHAOS_MINUTES`` is its longest time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from tests.chaos_figures import Figures
from tests.conftest import RenderOnce
from tests.faults.healing import corpus_of
from tests.hub_server import HubServer, hub_server
from tests.runs.answering_server import serving
from tests.runs.finished_run import FinishedRun, call
from tests.runs.forked_drivers import Drivers, forking_drivers
from tests.runs.killed_verbs import (
    Case,
    of_force,
    of_gc,
    of_install,
    of_publish,
    of_retry,
    of_run,
)
from tests.runs.killing import ENDING, Target, kill, local_victims, signal_to

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("TURNWISE_CHAOS_KILLS", "6"))
SEED = int(os.environ.get("TURNWISE_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
MINUTES = float(os.environ.get("TURNWISE_CHAOS_MINUTES", "inf"))
LATENCY_S = 0.05
ON_RAY = 10
"""One kill of so many happens on Ray."""
RAY_TIME = 0.3
"""They have this share of the time."""
TRIES = 20
"""Now and then what is to be killed is over before."""

Verb = Callable[[FinishedRun, Random, str], Case]
TARGETS: Sequence[tuple[str, Target]] = (
    ("install", "driver"),
    ("retry", "driver"),
    ("gc", "driver"),
    ("run --force", "worker"),
    ("publish", "driver"),
    ("run", "all"),
    ("install", "all"),
    ("retry", "worker"),
    ("run", "driver"),
    ("gc", "driver, asked to end"),
    ("run --force", "driver"),
    ("run", "worker"),
    ("install", "driver, asked to end"),
    ("retry", "last worker"),
    ("run", "last worker"),
    ("publish", "driver, asked to end"),
    ("run --force", "last worker"),
    ("run", "decoder"),
    ("retry", "all"),
    ("run", "driver, asked to end"),
)
"""The mixture. The first six are the short form."""


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server() as found:
        yield found


@pytest.mark.timeout(1200 + 120 * KILLS)
def test_what_is_killed_anywhere_is_resumed_to_the_same_bytes(
    render_once: RenderOnce,
    hub: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: Figures,
) -> None:
    chance, kills = Random(SEED), KILLS - KILLS // ON_RAY
    print(f"seed {SEED}, {kills} kills")
    verbs: dict[str, Verb] = {
        "run": of_run, "run --force": of_force, "retry": of_retry, "install": of_install,
        "gc": of_gc, "publish": of_publish(hub),
    }  # fmt: skip
    environment = {
        "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_test", "HF_HUB_DISABLE_XET": "1",
        "TMPDIR": str(tmp_path),
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with serving() as server, forking_drivers() as drivers:
        server.latency_s = LATENCY_S
        with render_once():
            run = FinishedRun(tmp_path, server)
        for number in until_late(kills, 1 - RAY_TIME):
            verb, target = TARGETS[number % len(TARGETS)]
            with figures.one("kill", f"{verb}: {target}"):
                status = kill_and_heal(drivers, run, verbs[verb], target, chance)
            print(f"{number + 1:3} {verb}: {target}: {status}", flush=True)
        run.start_from("whole")
        run.same_as(run.whole)  # what they are compared with has not been written to
        run.lose(run.nodes[-1], [0])
        with pytest.raises(AssertionError):
            run.same_as(run.whole)


def until_late(kills: int, share: float) -> Iterator[int]:
    """Numbers of kills, until a share of the time is over."""
    ends_s = time.monotonic() + 60 * MINUTES * share
    for number in range(kills):
        if time.monotonic() > ends_s:
            print(f"after {number} of {kills} kills the time is over")
            return
        yield number


def kill_and_heal(
    drivers: Drivers, run: FinishedRun, verb: Verb, target: Target, chance: Random
) -> int:
    """The exit status of the command that was killed."""
    said = run.folder / "said.txt"
    for _ in range(TRIES):
        case = verb(run, chance, target)
        driver = drivers.start(case.command, said)
        killed = kill(driver, case.moment, local_victims(target, chance), signal_to(target, chance))
        if killed.hit:
            break
        assert killed.status == 0, said.read_text()[-5000:]
    else:
        pytest.fail(f"there never was anything to kill: {said.read_text()[-3000:]}")
    if target not in ENDING:
        assert killed.status == 0, f"its workers and decoders may end: {said.read_text()[-5000:]}"
    left = corpus_of(run.folder)
    assert left in (case.before, case.whole.corpus), "a corpus is whole, of before or of after"
    for command in case.heal:
        if command[0] == "publish":  # the Hub's client looks at its environment once
            assert drivers.start(command, said).wait() == 0, said.read_text()[-5000:]
        else:
            call(*command)
    run.check(case.whole)
    case.after()
    return killed.status
