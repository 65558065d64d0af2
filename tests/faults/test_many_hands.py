"""Several commands at once on one root, with a model that never says the same twice: in the end the
corpus is what the parts hold, or the plan says what is stale, and one more run makes it so. What is
published meanwhile is always one of the corpora that were put in place, and never of two.

``TURNWISE_CHAOS_HANDS=20`` rounds are the long form (``make chaos``); ``TURNWISE_CHAOS_SEED``
repeats them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from hashlib import sha256
from io import StringIO
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi, constants

from pipeline.cli.options import planned
from pipeline.corpus.hub import client
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.execution import install
from pipeline.reports.status import summarize
from pipeline.store.durable import put_folder
from pipeline.store.location import Location
from tests.chaos_figures import Figures
from tests.faults import small_run
from tests.faults.small_run import CONFIG, call_main, write_config
from tests.hub_server import hub_server
from tests.pipeline.conftest import InlinePool

pytestmark = [
    pytest.mark.faults,
    # Of the Hub's client, about its own call.
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]

ROUNDS = int(os.environ.get("TURNWISE_CHAOS_HANDS", "2"))
SEED = int(os.environ.get("TURNWISE_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
HANDS = 4
WORDS: Sequence[Sequence[str]] = (
    ("run",),
    ("run",),
    ("run", "--force", "--only", "talk"),
    ("retry", "--reason", "timeout"),
    ("gc",),
    ("publish",),
)
REPO = "me/demo"
SENT = ("--repo", REPO, "--allow", "embedded", "--allow", "unlisted-licence")
COMPARED = ("data/", "counts.json", "CHANGELOG.md")
Files = dict[str, str]
"""Digests of the contents, by path."""
_FORK = multiprocessing.get_context("fork")


class Varying(small_run.Echo):
    """An engine that says something else each time, and now and then nothing in time."""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        for number, ask in enumerate(asks):
            yield number, [Reply(ask.request_id, f"{uuid.uuid4().hex} {ask.text}")]


def hand(folder: Path, seed: int, hub_url: str) -> None:
    """A few commands, each after a short while."""
    _vary(folder, hub_url)
    config = str(folder / CONFIG)
    chance = Random(seed)
    for _ in range(3):
        time.sleep(chance.random() / 3)
        verb, *options = chance.choice(WORDS)
        # A corpus as it is, also while the run is not finished.
        words = [str(folder / "run/corpus"), *SENT] if verb == "publish" else ["-c", config]
        with redirect_stdout(StringIO()) as said:
            call_main([verb, *words, *options])
            for token in re.findall(r"--remove ([0-9a-f]{8})", said.getvalue()):
                call_main([verb, "-c", config, "--remove", token])


def _vary(folder: Path, hub_url: str = "") -> None:
    """This process has an engine that varies, notes each corpus that it puts in place, and has a
    Hub of its own."""
    small_run.Echo = Varying  # type: ignore[misc]
    InlinePool.alone = False

    def noted(fresh: Path, place: Path) -> None:
        with (folder / "installed.jsonl").open("a") as file:
            file.write(json.dumps(files_in(fresh)) + "\n")
        put_folder(fresh, place)

    install.put_folder = noted  # type: ignore[attr-defined]
    if hub_url:
        constants.HF_HUB_DISABLE_XET = True
        client.HfApi = lambda **_: HfApi(hub_url, "hf_test")  # type: ignore[assignment,attr-defined]


def files_in(corpus: Path) -> Files:
    """What is compared of a corpus on this machine."""
    found = {p.relative_to(corpus).as_posix(): p for p in corpus.rglob("*") if p.is_file()}
    return {n: sha256(p.read_bytes()).hexdigest() for n, p in found.items() if is_compared(n)}


def is_compared(name: str) -> bool:
    """Of a file of a corpus, that it is sent as it is."""
    return name.startswith(COMPARED)


def serve(questions: Connection) -> None:
    """A Hub in this process; tells all that ``main`` ever held, whenever it is asked."""
    seen: list[Files] = []

    def look() -> None:
        if REPO in hub.repositories:
            files = hub.repositories[REPO].at("main")
            own = {n: sha256(c).hexdigest() for n, c in files.items() if is_compared(n)}
            if own not in seen:
                seen.append(own)

    with hub_server() as hub:
        hub.seen = look
        questions.send(hub.url)
        while questions.recv():
            questions.send(seen)


@contextmanager
def serving_hub() -> Iterator[tuple[str, Callable[[], list[Files]]]]:
    """The address of a Hub, and what ``main`` of the dataset has held, the last state at last."""
    here, there = _FORK.Pipe()
    process = _FORK.Process(target=serve, args=(there,))
    process.start()

    def seen() -> list[Files]:
        here.send(True)
        found: list[Files] = here.recv()
        return found

    try:
        yield here.recv(), seen
    finally:
        here.send(False)
        process.join()


def found(config: str, answer: Callable[[Any], None]) -> None:
    """What the plan has to do, what the corpus says, and what the parts say."""
    with redirect_stdout(StringIO()):
        call_main(["plan", "-c", config])
    settings, plans = planned(Path(config), None, None)
    root = Location.of(settings.run.root)
    summarize(plans, root)  # counts, rows and rejects of all parts that exist add up
    talk = next(plan for plan in plans if plan.node.name == "talk")
    corpus = sorted(Path(root / "corpus").glob("data/*/*.parquet"))
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


def call(folder: Path, hub_url: str, *words: str) -> None:
    def called() -> None:
        _vary(folder, hub_url)
        with redirect_stdout(StringIO()):
            assert call_main([words[0], "-c", str(folder / CONFIG), *words[1:]]) == 0

    process = _FORK.Process(target=called)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_the_corpus_is_what_the_parts_hold_or_the_plan_says_what_is_stale(
    tmp_path: Path, figures: Figures
) -> None:
    print(f"seed {SEED}, {ROUNDS} rounds")
    chance = Random(SEED)
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        with figures.one("round of hands"), serving_hub() as (hub_url, seen):
            check_round(folder, chance, hub_url, seen)


def check_round(
    folder: Path, chance: Random, hub_url: str, seen: Callable[[], list[Files]]
) -> None:
    config = str(write_config(folder, corpus={"shards_per_group": 1, "frames": False}))
    hands = [
        _FORK.Process(target=hand, args=(folder, chance.randint(0, 10**9), hub_url))
        for _ in range(HANDS)
    ]
    for each in hands:
        each.start()
    for each in hands:
        each.join()
    assert [each.exitcode for each in hands] == [0] * HANDS, "a verb ended with a traceback"
    to_do, corpus, parts = judged(config)
    assert to_do or corpus == parts, "stale, and the plan does not say so"
    call(folder, hub_url, "run")
    to_do, corpus, parts = judged(config)
    assert (to_do, corpus) == (0, parts)
    assert len(corpus) == small_run.VIDEOS
    call(folder, hub_url, "publish", *SENT)
    installed = [json.loads(line) for line in (folder / "installed.jsonl").open()]
    assert all(each in [{}, *installed] for each in seen()), "published is no corpus that there was"
    assert seen()[-1] == files_in(folder / "run/corpus")


def test_a_part_made_anew_by_hand_heals_what_lies_below(tmp_path: Path) -> None:
    """The tool's own advice for a damaged part, with a model that varies."""
    config = str(write_config(tmp_path))
    run_in_child(config)
    _, before, _ = judged(config)
    for part in (tmp_path / "run" / "parts" / "talk").rglob("part-00000-*"):
        part.unlink()
    run_in_child(config, "--force", "--only", "talk")
    to_do, corpus, parts = judged(config)
    assert to_do > 0 and corpus == before != parts, "stale, and the plan says so"
    run_in_child(config)
    to_do, corpus, parts = judged(config)
    assert (to_do, corpus) == (0, parts)


def run_in_child(config: str, *options: str) -> None:
    call(Path(config).parent, "", "run", *options)
