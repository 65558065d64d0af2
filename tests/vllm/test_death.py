"""vLLM dies in the middle of its work."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.engines.base import Ask, EngineError, Sampling
from tests.pipeline.engines.contract import SCHEMA, asks_of, picture, rows
from tests.vllm.conftest import tiny

if TYPE_CHECKING:
    from pipeline.engines.vllm.engine import VllmEngine

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
        rows(engine.generate(greedy, Sampling())),
        rows(engine.generate(seeded, SEEDED)),
    ]
    others = cores()
    mortal = VllmEngine(tiny(checkpoint, max_num_seqs=4, restarts=1))
    (core,) = cores() - others
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(mortal.generate, greedy, Sampling()),
            pool.submit(mortal.generate, seeded, SEEDED),
        ]
        until_s = time.monotonic() + 20
        while mortal.under_way < 40:
            assert time.monotonic() < until_s
            time.sleep(0.01)
        kill(core)
        assert [rows(each.result()) for each in asked] == undisturbed
    (second,) = cores() - others
    assert second is not core
    # The count starts anew with each answer: this is again the first death in a row.
    kill(second)
    assert rows(mortal.generate(greedy[:3], Sampling())) == undisturbed[0][:3]
    mortal.close()
    until_s = time.monotonic() + 10
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
            mortal.generate([Ask("late", "What is it?", SCHEMA, (picture(1),))], Sampling())
    mortal.close()
