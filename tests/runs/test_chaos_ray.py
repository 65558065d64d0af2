"""Commands on a Ray cluster whose driver, tasks, engines or machines are killed at random moments.

Of ``TURNWISE_CHAOS_KILLS=500`` a tenth (``make chaos``); ``TURNWISE_CHAOS_SEED`` repeats one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from tests.chaos_figures import Figures
from tests.conftest import RenderOnce
from tests.faults.healing import corpus_of
from tests.runs.answering_server import serving
from tests.runs.finished_run import FinishedRun, call
from tests.runs.forked_drivers import ROOT, Drivers, forking_drivers
from tests.runs.killed_verbs import of_force, of_retry, of_run
from tests.runs.killing import kill
from tests.runs.ray_nodes import SETTINGS, Nodes, ray_nodes, wait_for
from tests.runs.test_chaos import KILLS, LATENCY_S, ON_RAY, RAY_TIME, SEED, TRIES, Verb, until_late

pytestmark = [pytest.mark.ray, pytest.mark.faults]

Target = Literal["driver", "task", "engine", "machine"]
VERBS: dict[str, Verb] = {"run": of_run, "run --force": of_force, "retry": of_retry}
TARGETS: Sequence[tuple[str, Target]] = (
    ("run", "machine"),
    ("retry", "engine"),
    ("run", "driver"),
    ("run --force", "task"),
    ("run", "engine"),
    ("retry", "driver"),
    ("run", "task"),
    ("retry", "machine"),
)
RAY_KILLS = KILLS // ON_RAY
ENGINE = "_EngineProcess"


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    with ray_nodes(1, 1) as (found, _):
        yield found


@pytest.mark.skipif(RAY_KILLS == 0, reason="a part of `make chaos`")
@pytest.mark.timeout(1200 + 240 * KILLS)
def test_on_ray_too(
    render_once: RenderOnce,
    nodes: Nodes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: Figures,
) -> None:
    chance = Random(SEED)
    print(f"seed {SEED}, {RAY_KILLS} kills on Ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ray = {"RAY_ADDRESS": nodes.address, **SETTINGS}
    with serving() as server, forking_drivers(**ray) as drivers:
        server.latency_s = LATENCY_S
        with render_once():
            run = FinishedRun(tmp_path, server)
        for number in until_late(RAY_KILLS, RAY_TIME):
            verb, target = TARGETS[number % len(TARGETS)]
            with figures.one("kill on Ray", f"{verb}: {target}"):
                status = kill_and_heal(drivers, nodes, run, VERBS[verb], target, chance)
            print(f"{number + 1:3} on Ray, {verb}: {target}: {status}", flush=True)


def kill_and_heal(
    drivers: Drivers, nodes: Nodes, run: FinishedRun, verb: Verb, target: Target, chance: Random
) -> int:
    """The exit status of the command that was killed."""
    said = run.folder / "said.txt"
    for _ in range(TRIES):
        case = verb(run, chance, "last worker" if target == "engine" else target)
        driver = drivers.start([*case.command, "--executor", "ray"], said)
        killed = kill(driver, case.moment, victims(nodes, target, chance))
        nodes.replace_lost()
        wait_for(lambda: not any(map(nodes.running, nodes.all)), lambda: True)
        if killed.hit:
            break
        assert killed.status == 0, said.read_text()[-5000:]
    else:
        pytest.fail(f"there never was anything to kill: {said.read_text()[-3000:]}")
    if target != "driver":
        assert killed.status == 0, f"a run goes on without it: {said.read_text()[-5000:]}"
    left = corpus_of(run.folder)
    assert left in (case.before, case.whole.corpus), "a corpus is whole, of before or of after"
    for command in case.heal:
        call(*command)
    run.check(case.whole)
    return killed.status


def victims(nodes: Nodes, target: Target, chance: Random) -> Callable[[int], Sequence[int]]:
    """Finds the processes to kill; none where there are none yet."""
    drawn = chance.random()

    def found(driver: int) -> Sequence[int]:
        if target == "driver":
            return [driver]
        busy = [node for node in nodes.all if nodes.running(node)]
        if target == "machine":
            chosen = busy[int(drawn * len(busy)) :][:1]
            return [pid for node in chosen for pid in nodes.processes(node)]
        titles = {pid: title for node in busy for pid, title in nodes.tasks(node).items()}
        pids = [p for p, title in titles.items() if (ENGINE in title) == (target == "engine")]
        return pids[int(drawn * len(pids)) :][:1]

    return found
