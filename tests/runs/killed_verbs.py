"""What is killed: each verb from the state that it starts from, up to a random moment of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from tests.faults.healing import State, corpus_of
from tests.hub_repository import MADE_BY_THE_HUB
from tests.hub_server import HubServer
from tests.runs.finished_run import FinishedRun, call
from tests.runs.killing import Moment

PAUSE_S = 0.2
"""A kill comes up to so long after what it waits for."""
SHORT_PAUSE_S = 0.03
"""Where what is waited for takes no longer."""
MOST_REQUESTS = 20
"""Of the Hub, for a release of a few files."""


@dataclass(frozen=True)
class Case:
    """A command, when to kill, and the commands that go on with it. ``before``: the corpus that is
    in place; ``whole``: what is there in the end. ``after``: a further check of that."""

    command: Sequence[str]
    moment: Moment
    heal: Sequence[Sequence[str]]
    before: Mapping[str, str]
    whole: State
    after: Callable[[], None] = lambda: None


def of_run(run: FinishedRun, chance: Random, target: str) -> Case:
    """Parts of one or two videos are to be made, from some node on."""
    run.start_from("whole")
    most = {"decoder": "segment", "last worker": run.asking[-1]}.get(target, run.nodes[-1])
    nodes = run.nodes[: run.nodes.index(most) + 1]
    shards = chance.sample(range(run.shards), chance.choice([1, 1, 2]))
    parts = run.parts()
    run.lose(chance.choice(nodes), shards)
    lost = len(parts) - len(run.parts())
    if target in ("decoder", "last worker"):
        lost //= 2  # the last parts are made without them
    if chance.random() < 0.5:
        run.put_corpus(None)
    command, before = ["run", *run.options], corpus_of(run.folder)
    return Case(command, _change(run, chance, lost), [command], before, run.whole)


def of_force(run: FinishedRun, chance: Random, target: str) -> Case:
    """All parts of a node are discarded and made anew."""
    run.start_from("whole")
    nodes = {"decoder": ["ingest", "segment"], "last worker": run.asking}
    node = chance.choice(nodes.get(target, run.nodes))
    only = ["--force", "--only", node]
    moment = _change(run, chance, 2 * run.shards)
    heal = [["run", *run.options]]
    return Case(["run", *run.options, *only], moment, heal, run.whole.corpus, run.whole)


def of_retry(run: FinishedRun, chance: Random, target: str) -> Case:
    """Some asks were answered with errors; below them other rows came to be."""
    run.start_from("failing")
    moment = _change(run, chance, 2 * run.shards)
    heal = [["retry", *run.options], ["run", *run.options]]
    return Case(heal[0], moment, heal, run.failing_corpus, run.retried)


def of_install(run: FinishedRun, chance: Random, target: str) -> Case:
    """All parts are there; the corpus is another one, or none."""
    run.start_from("whole")
    replaces = chance.random() < 0.7
    run.put_corpus("failing" if replaces else None)
    before, whole = corpus_of(run.folder), run.retried if replaces else run.whole
    command = ["run", *run.options]
    moment = Moment(run.installs, chance.uniform(0, SHORT_PAUSE_S))
    return Case(command, moment, [command], before, whole)


def of_gc(run: FinishedRun, chance: Random, target: str) -> Case:
    """There is a lot to be removed."""
    run.start_from("garbage")
    command = ["gc", *run.options]
    listed = call(*command, "--files")
    (token,) = re.findall(r"--remove ([0-9a-f]{8})", listed)
    files = re.findall(r"^\d+ (\S+) \(", listed, re.MULTILINE)
    file = run.root / chance.choice(files)
    moment = Moment(lambda: not file.exists(), 0)
    return Case([*command, "--remove", token], moment, [], run.retried.corpus, run.retried)


def of_publish(hub: HubServer) -> Callable[[FinishedRun, Random, str], Case]:
    """To a dataset of its own, which is new."""

    def of(run: FinishedRun, chance: Random, target: str) -> Case:
        run.start_from("whole")
        repo = f"me/demo-{hub.asked}"
        hub.uploads.clear()
        command = ["publish", *run.options, "--repo", repo, "--revision", "v1"]
        command += ["--allow", "unlisted-licence"]
        last = hub.asked + chance.randint(1, MOST_REQUESTS)
        moment = Moment(lambda: hub.asked >= last, chance.uniform(0, SHORT_PAUSE_S))

        def after() -> None:
            on_main = hub.repositories[repo].at("main").items()
            sent = {n: sha256(c).hexdigest() for n, c in on_main if n not in MADE_BY_THE_HUB}
            data = {name for name in run.whole.corpus if name.startswith("data/")}
            assert data < sent.keys() < run.whole.corpus.keys()
            listed = "".join(f"{name} {digest}\n" for name, digest in sorted(sent.items()))
            (request,) = hub.repositories[repo].requests
            assert request.title == f"turnwise {sha256(listed.encode()).hexdigest()[:12]}"
            assert set(hub.uploads.values()) <= {1}
            assert hub.repositories[repo].tags["v1"] == hub.repositories[repo].refs["main"]

        return Case(command, moment, [command], run.whole.corpus, run.whole, after)

    return of


def _change(run: FinishedRun, chance: Random, most: int) -> Moment:
    """When so many parts, up to ``most``, have come or gone."""
    wanted, seen, before = chance.randint(0, most), 0, run.parts()

    def has_come() -> bool:
        nonlocal seen, before
        now = run.parts()
        seen, before = seen + len(now ^ before), now
        return seen >= wanted

    return Moment(has_come, chance.uniform(0, PAUSE_S), poll_s=PAUSE_S / 2)
