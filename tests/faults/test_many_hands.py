"""Several commands at once on one root, with a model that never says the same twice: in the end the
corpus is what the parts hold, or the plan says what is stale, and one more run makes it so.

``TURNWISE_CHAOS_HANDS=20`` rounds are the long form (``make chaos``); ``TURNWISE_CHAOS_SEED``
repeats them.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.cli.options import planned
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.reports.status import summarize
from pipeline.store.location import Location
from tests.faults import small_run
from tests.faults.small_run import call_main, write_config

pytestmark = pytest.mark.faults

ROUNDS = int(os.environ.get("TURNWISE_CHAOS_HANDS", "2"))
SEED = int(os.environ.get("TURNWISE_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
HANDS = 4
WORDS: Sequence[Sequence[str]] = (
    ("run",),
    ("run",),
    ("run", "--force", "--only", "talk"),
    ("retry", "--reason", "timeout"),
    ("gc",),
)
_FORK = multiprocessing.get_context("fork")


class Varying(small_run.Echo):
    """An engine that says something else each time, and now and then nothing in time."""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        for number, ask in enumerate(asks):
            yield number, [Reply(ask.request_id, f"{uuid.uuid4().hex} {ask.text}")]


def hand(config: str, seed: int) -> None:
    """A few commands, each after a short while."""
    small_run.Echo = Varying  # type: ignore[misc]
    chance = Random(seed)
    for _ in range(3):
        time.sleep(chance.random() / 3)
        verb, *options = chance.choice(WORDS)
        with redirect_stdout(StringIO()) as said:
            call_main([verb, "-c", config, *options])
            for token in re.findall(r"--remove ([0-9a-f]{8})", said.getvalue()):
                call_main([verb, "-c", config, "--remove", token])


def found(config: str, answer: Callable[[Any], None]) -> None:
    """What the plan has to do, what the corpus says, and what the parts say."""
    small_run.Echo = Varying  # type: ignore[misc]
    with redirect_stdout(StringIO()):
        call_main(["plan", "-c", config])
    settings, plans = planned(Path(config), None, None)
    root = Location.of(settings.run.root)
    summarize(plans, root)  # counts, rows and rejects of all parts that exist add up
    talk = next(plan for plan in plans if plan.node.name == "talk")
    corpus = sorted(Path(root / "corpus").rglob("*.parquet"))
    answer(
        (
            sum(len(plan.missing) for plan in plans),
            sorted(text for path in corpus for text in said_in(path)),
            sorted(text for part in talk.parts.values() for text in said_in(Path(part))),
        )
    )


def said_in(path: Path) -> list[str]:
    rows: list[Any] = pq.read_table(path, columns=["responses"]).to_pylist()
    return [response["text"] for row in rows for response in row["responses"]]


def judged(config: str) -> tuple[int, list[str], list[str]]:
    """``found``, in a process of its own."""
    here, there = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=found, args=(config, there.send))
    process.start()
    result: tuple[int, list[str], list[str]] = here.recv()
    process.join()
    return result


def call(config: str, *words: str) -> None:
    process = _FORK.Process(target=call_main, args=([words[0], "-c", config, *words[1:]],))
    process.start()
    process.join()


def test_the_corpus_is_what_the_parts_hold_or_the_plan_says_what_is_stale(tmp_path: Path) -> None:
    print(f"seed {SEED}, {ROUNDS} rounds")
    chance = Random(SEED)
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = str(write_config(folder))
        hands = [
            _FORK.Process(target=hand, args=(config, chance.randint(0, 10**9)))
            for _ in range(HANDS)
        ]
        for each in hands:
            each.start()
        for each in hands:
            each.join()
        to_do, corpus, parts = judged(config)
        assert to_do or corpus == parts, "stale, and the plan does not say so"
        call(config, "run")
        to_do, corpus, parts = judged(config)
        assert (to_do, corpus) == (0, parts)
        assert len(corpus) == small_run.VIDEOS


def test_a_part_made_anew_by_hand_heals_what_lies_below(tmp_path: Path) -> None:
    """The tool's own advice for a damaged part, with a model that varies."""
    config = str(write_config(tmp_path))
    hand_over = _FORK.Process(target=run_varying, args=(config,))
    hand_over.start()
    hand_over.join()
    _, before, _ = judged(config)
    for part in (tmp_path / "run" / "parts" / "talk").rglob("part-00000-*"):
        part.unlink()
    again = _FORK.Process(target=run_varying, args=(config, "--force", "--only", "talk"))
    again.start()
    again.join()
    to_do, corpus, parts = judged(config)
    assert to_do > 0 and corpus == before != parts, "stale, and the plan says so"
    call(config, "run")
    to_do, corpus, parts = judged(config)
    assert (to_do, corpus) == (0, parts)


def run_varying(config: str, *options: str) -> None:
    small_run.Echo = Varying  # type: ignore[misc]
    call_main(["run", "-c", config, *options])
