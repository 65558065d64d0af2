"""vLLM dies in the middle of its work."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.engines.answer import Choice
from pipeline.engines.base import Ask, EngineError, Sampling
from pipeline.engines.sampling import Answered
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.interface import DiedError, Draw, Drawn
from pipeline.engines.vllm.prompt import Shown
from tests.pipeline.engines.contract import (
    CEILING_S,
    SCHEMA,
    asks_of,
    picture,
    replies_to,
    rows,
)
from tests.vllm.conftest import tiny

if TYPE_CHECKING:
    from pipeline.engines.vllm.engine import VllmEngine

ROOT = Path(__file__).resolve().parents[2]
SEEDED = Sampling(samples=2, temperature=1.0, seed=11)


def cores() -> set[BaseProcess]:
    """The processes that hold models, of all engines of this process."""
    found = {child for child in multiprocessing.active_children() if "EngineCore" in child.name}
    assert found
    return found


def kill(core: BaseProcess) -> None:
    assert core.pid is not None
    os.kill(core.pid, signal.SIGKILL)


def test_a_death_in_the_middle_changes_no_answer(engine: VllmEngine, checkpoint: Path) -> None:
    from pipeline.engines.vllm.engine import VllmEngine

    greedy, seeded = asks_of("Describe it.", "greedy"), asks_of("Name it.", "seeded", 20)
    undisturbed = [
        rows(replies_to(engine, greedy)),
        rows(replies_to(engine, seeded, SEEDED)),
    ]
    others = cores()
    mortal = VllmEngine(tiny(checkpoint, max_num_seqs=4, restarts=1))
    (core,) = cores() - others
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(replies_to, mortal, greedy),
            pool.submit(replies_to, mortal, seeded, SEEDED),
        ]
        while mortal.under_way < 40 and not all(each.done() for each in asked):
            time.sleep(0.01)
        kill(core)
        assert [rows(each.result()) for each in asked] == undisturbed
    (second,) = cores() - others
    assert second is not core
    # The count starts anew with each answer: this is again the first death in a row.
    kill(second)
    assert rows(replies_to(mortal, greedy[:3])) == undisturbed[0][:3]
    mortal.close()
    until_s = time.monotonic() + CEILING_S
    while cores() != others:
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_an_engine_that_keeps_dying_is_given_up(checkpoint: Path) -> None:
    from pipeline.engines.vllm.engine import VllmEngine

    before = set(multiprocessing.active_children())
    mortal = VllmEngine(tiny(checkpoint, restarts=0))
    (core,) = cores() - before
    kill(core)
    for _ in range(2):
        with pytest.raises(EngineError, match="died 1 times with no answer between"):
            replies_to(mortal, [Ask("late", "What is it?", SCHEMA, (picture(1),))])
    mortal.close()


def test_no_core_outlives_a_process_that_was_killed(checkpoint: Path, tmp_path: Path) -> None:
    note = tmp_path / "cores"
    program = (
        "import multiprocessing, sys, time; from pathlib import Path;"
        "from tests.vllm.conftest import tiny; from pipeline.engines.vllm.engine import VllmEngine;"
        "opened = VllmEngine(tiny(Path(sys.argv[1])));"
        "pids = [str(child.pid) for child in multiprocessing.active_children()];"
        "Path(sys.argv[2] + '.new').write_text(' '.join(pids));"
        "Path(sys.argv[2] + '.new').rename(sys.argv[2]); time.sleep(3600)"
    )
    command = [sys.executable, "-c", program, str(checkpoint), str(note)]
    owner = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    until_s = time.monotonic() + CEILING_S
    while not note.exists():
        assert owner.poll() is None and time.monotonic() < until_s
        time.sleep(0.1)
    cores = [Path("/proc", pid) for pid in note.read_text(encoding="ascii").split()]
    assert cores and all(core.exists() for core in cores)
    owner.kill()
    owner.wait()
    until_s = time.monotonic() + CEILING_S
    while any(core.exists() for core in cores):
        assert time.monotonic() < until_s
        time.sleep(0.05)


class Fragile:
    """In place of a model: it dies of one ask, and of whatever is beside it."""

    even_only = True
    started = 0

    def __init__(self, config: VllmConfig) -> None:
        Fragile.started += 1
        self.dead = False

    async def draw(self, shown: Shown, answer_schema: Mapping[str, Any], draw: Draw) -> Drawn:
        await asyncio.sleep(0.01)
        self.dead |= shown.messages[0]["content"] == "poison"
        if self.dead:
            raise DiedError
        return Drawn((Choice('{"text": "fine", "changed": true}'),), (9,), 9, 0)

    def close(self) -> None:
        assert self.dead


@pytest.mark.parametrize("place", [0, 10, 19])
def test_an_ask_that_kills_is_refused_by_itself(
    place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.engines.vllm import async_engine

    monkeypatch.setattr(async_engine, "Model", Fragile)
    monkeypatch.setattr(Fragile, "started", 0)
    asks = [Ask(f"{i}", "poison" if i == place else "food", SCHEMA) for i in range(20)]

    errors: dict[int, str | None] = {}

    async def hand_over(answered: Answered) -> None:
        i, (reply,) = answered
        errors[i] = reply.error

    async def asked() -> None:
        engine = async_engine.AsyncEngine(VllmConfig(model="m", revision="r"))
        await engine.generate(asks, Sampling(), hand_over)

    asyncio.run(asked())
    assert errors == {i: "engine_died" if i == place else None for i in range(20)}
    assert Fragile.started == 4
