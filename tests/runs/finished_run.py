"""A finished run in every state that a verb starts from, and what must hold when one was killed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import yaml

from pipeline.cli.options import planned
from pipeline.media.scenes.render import render_scenes
from pipeline.run import main
from pipeline.workflow.plan import NodePlan
from tests.faults.healing import State, corpus_of, state_of
from tests.runs.answering_server import Server
from tests.runs.asking import UNKEPT, write_asking
from tests.runs.conftest import EXTENDS

REAL = Path(__file__).resolve().parents[3] / "shared" / "videos"
SCENES = ("scene-13", "scene-14")
REAL_NAMES = ("h264_2fps_13frames.mp4", "BROKEN_vp9_invalid.webm")
FAILING = 4
"""Asks that the server first answers with an error."""
HALF_WRITTEN = 1500
"""Files that ``gc`` has to remove beside the parts of before, so that it takes a while."""

Found = Literal["whole", "failing", "garbage"]
"""``whole``: all is there. ``failing``: of some asks the server made errors. ``garbage``: whole,
beside parts of before and half-written files."""


def call(*command: str) -> str:
    """What a command that must end well prints; it runs in this process."""
    with redirect_stdout(StringIO()) as said, redirect_stderr(said):
        status = main(list(command))
    assert status == 0, f"{' '.join(command)}: {status}\n{said.getvalue()[-5000:]}"
    return said.getvalue()


class FinishedRun:
    """The run ``folder / "run"``, whose models are a server."""

    def __init__(self, folder: Path, server: Server) -> None:
        """Makes all states."""
        self.folder, self.root, self.server = folder, folder / "run", server
        self._config = write_asking(self._written, "run", server, shard=1)
        self.options = ["-c", str(self._config)]
        self._states = folder / "states"
        call("run", *self.options)
        self.asked = server.asked.copy()
        self.whole = state_of(folder)
        """With a corpus that was made where there was none; it says what was there before."""
        self._keep("whole")
        for node in self.asking:
            shutil.rmtree(self.root / "parts" / node)
        failing = sorted(self.asked)[:: len(self.asked) // FAILING]
        server.fails = lambda name: name in failing
        call("run", *self.options)
        self.failing_corpus = corpus_of(folder)
        assert self.failing_corpus != self.whole.corpus
        self._keep("failing")
        server.fails = lambda name: False
        call("retry", *self.options)
        half = self.root / "parts" / self.nodes[-1]
        _link_often(next(half.iterdir()), self.root / "settings")
        self._keep("garbage")
        self.collect()
        self.retried = state_of(folder)
        """With a corpus in the place of that of ``failing``."""
        assert self.retried.names == self.whole.names

    def _written(self, name: str, **sections: object) -> Path:
        manifest, path = self.folder / "manifest.jsonl", self.folder / f"{name}.yaml"
        lines = [json.dumps(row) + "\n" for row in _rows(self.folder / "scenes")]
        manifest.write_text("".join(lines), encoding="utf-8")
        run = {"name": name, "root": str(self.root), "workers": 2}
        source = {"kind": "manifest", "path": str(manifest)}
        config = {"extends": str(EXTENDS), "run": run, "source": source, **sections}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    @cached_property
    def _plans(self) -> Mapping[str, NodePlan]:
        _, plans = planned(self._config, None, None)
        return {plan.node.name: plan for plan in plans}

    @property
    def nodes(self) -> Sequence[str]:
        """Names in the order of the graph."""
        return list(self._plans)

    @property
    def asking(self) -> Sequence[str]:
        """The nodes that ask the server."""
        return [name for name, plan in self._plans.items() if plan.node.engine is not None]

    @property
    def shards(self) -> int:
        """One a video."""
        return len(self._plans["ingest"].tasks)

    def _keep(self, found: Found) -> None:
        shutil.copytree(self.root, self._states / found)

    def start_from(self, found: Found) -> None:
        """Put the run in that state; nothing was asked yet."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self._states / found, self.root, copy_function=_link_part)
        self.server.asked = Counter()

    def lose(self, node: str, shards: Sequence[int]) -> None:
        """Remove the parts of these shards of a node, and of all nodes behind it; a node over all
        videos has one part, which goes too."""
        for name in self.nodes[self.nodes.index(node) :]:
            is_one = len(self._plans[name].tasks) == 1
            for shard in [0] if is_one else shards:
                for path in self.root.glob(f"parts/{name}/*/*-{shard:05d}-*"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def put_corpus(self, found: Found | None) -> None:
        """Put the corpus of that state in place, or none."""
        shutil.rmtree(self.root / "corpus")
        if found is not None:
            shutil.copytree(self._states / found / "corpus", self.root / "corpus")

    def installs(self) -> bool:
        """Whether a corpus is being put in place."""
        return any(name.startswith(".corpus.") for name in os.listdir(self.root))  # noqa: PTH208

    def parts(self) -> set[str]:
        """The parts that are there now."""
        return {name for folder in self._folders() for name in _parts_in(folder)}

    def _folders(self) -> Iterator[str]:
        for node in self.nodes:
            try:
                yield from (each.path for each in os.scandir(self.root / "parts" / node))
            except FileNotFoundError:
                continue

    def collect(self) -> None:
        """Remove all that ``gc`` lists, and what was said to asks that no part has any more."""
        command = ["gc", *self.options, "--replies"]
        for token in re.findall(r"--remove ([0-9a-f]{8})", call(*command)):
            call(*command, "--remove", token)

    def check(self, expected: State) -> None:
        """All is there again and nothing beside it that ``gc`` does not remove, as if nothing had
        happened; and it cost what was in flight alone."""
        repeated = self.server.asked - self.asked
        assert repeated.total() <= UNKEPT, f"{repeated.total()} asks more than were in flight"
        self.collect()
        self.same_as(expected)

    def same_as(self, expected: State) -> None:
        """The same names, rows and corpus."""
        now = state_of(self.folder)
        assert not now.names ^ expected.names, sorted(now.names ^ expected.names)
        differ = {name for name, _ in now.rows.items() ^ expected.rows.items()}
        assert not differ, sorted(differ)


def _rows(folder: Path) -> list[dict[str, Any]]:
    """Two scripted scenes and, where there are any, real videos, one of them damaged."""
    lines = render_scenes(folder, SCENES).read_text(encoding="utf-8").splitlines()
    scenes = [json.loads(line) for line in lines]
    rows = [{**row, "uri": str(folder / row["uri"])} for row in scenes]
    real = {name: REAL / name for name in REAL_NAMES if (REAL / name).is_file()}
    licence = {"licence": rows[0]["licence"]}  # so that all may be published together
    return rows + [{"video_id": n, "uri": str(path), **licence} for n, path in real.items()]


def _parts_in(folder: str) -> Iterator[str]:
    try:
        for each in os.scandir(folder):
            if each.name.startswith("part-"):
                yield each.path
    except (FileNotFoundError, NotADirectoryError):
        return


def _link_part(source: str, target: str) -> None:
    """Parts are never written to; logs and journals are."""
    if "/parts/" in source and "/journal-" not in source:
        os.link(source, target)
    else:
        shutil.copyfile(source, target)


def _link_often(folder: Path, beside: Path) -> None:
    """Many files that a killed run may have left, half of them among settings."""
    first = folder / ".part-00000-0.parquet.0"
    first.write_bytes(b"half")
    for number in range(1, HALF_WRITTEN):
        place = folder if number % 2 else beside
        os.link(first, place / f".part-00000-0.parquet.{number}")
