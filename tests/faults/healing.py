"""What must hold of a run that was disturbed and then run again."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from tests.faults.children import Children
from tests.faults.operations import Fault
from tests.faults.small_run import write_config
from tests.runs.test_http_run import rows_of

EDIT = ("--set", "nodes.talk.config.word=noticed")
"""It makes other dialogues, and so another corpus."""


@dataclass(frozen=True)
class State:
    """Digests of the rows of all parts and of the files of the corpus, by name, and all names."""

    rows: Mapping[str, str]
    corpus: Mapping[str, str]
    names: Set[str]


def corpus_of(folder: Path) -> Mapping[str, str]:
    """Digests of the files of the corpus, by path; empty where there is none."""
    corpus = folder / "run/corpus"
    return {
        str(path.relative_to(corpus)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(corpus.rglob("*"))
        if path.is_file()
    }


def names_of(folder: Path) -> set[str]:
    """All files and empty folders of a run, without its logs, settings and corpus."""
    root = folder / "run"
    found = {p for p in root.rglob("*") if not p.is_dir() or not any(p.iterdir())}
    names = {str(path.relative_to(root)) for path in found}
    return {n for n in names if not re.match(r"(log|settings/\w+|corpus)(/(?!\.)|$)|alive$", n)}


def state_of(folder: Path) -> State:
    """Of a run when ``gc`` has removed what it knows."""
    return State(rows_of(folder / "run"), corpus_of(folder), names_of(folder))


class Cases:
    """Makes runs, disturbs them, and judges what the next run makes of them."""

    def __init__(self, children: Children, folder: Path) -> None:
        """``folder``: an empty one for all cases."""
        self._children = children
        self._folder = folder
        self._base = folder / "case"
        self._number = 0
        self.operations: dict[bool, int] = {}
        self._whole: dict[bool, State] = {}
        for edited in (False, True):
            case = self._new(edited=edited)
            ended = children.call(case, self._run(case, edited))
            assert ended.status == 0, ended.printed
            self.operations[edited] = ended.operations
            if not edited:
                shutil.copytree(case, folder / "made", symlinks=True)
            self.collect(case, edited)
            self._whole[edited] = state_of(case)

    def _new(self, *, edited: bool) -> Path:
        """A folder for a run; where it is to be edited, the run is there and done.

        All have the same path, for a config has the path of its root in it.
        """
        shutil.rmtree(self._base, ignore_errors=True)
        if edited:
            shutil.copytree(self._folder / "made", self._base)
        else:
            self._base.mkdir()
            write_config(self._base)
        return self._base

    def _run(self, case: Path, edited: bool) -> Sequence[str]:
        return ("run", "-c", str(case / "small.yaml"), *(EDIT if edited else ()))

    def disturb_and_heal(self, fault: Fault, *, edited: bool) -> str:
        """A run, or one after an edit, meets the fault; the next one makes all whole.

        Returns what the disturbed one printed.
        """
        case, whole = self._new(edited=edited), self._whole[edited]
        first = self._children.call(case, self._run(case, edited), fault)
        left = corpus_of(case)
        olds = [self._whole[False].corpus] if edited else [{}]
        assert left in [*olds, whole.corpus], "a corpus is whole, of before or of after"
        assert first.status != 0 or left == whole.corpus, "success means that all is there"
        again = self._children.call(case, self._run(case, edited))
        assert again.status == 0, again.printed
        assert corpus_of(case) == whole.corpus
        self.collect(case, edited)
        healed = state_of(case)
        differ = healed.names ^ whole.names
        assert not differ, f"gc knows what nobody needs, and no more: {sorted(differ)}"
        differ = {name for name, _ in healed.rows.items() ^ whole.rows.items()}
        assert not differ, f"the same rows: {sorted(differ)}"
        return first.printed

    def collect(self, case: Path, edited: bool) -> None:
        """Remove all that ``gc`` lists."""
        command = ["gc", *self._run(case, edited)[1:]]
        listed = self._children.call(case, command)
        assert listed.status == 0, listed.printed
        for token in re.findall(r"--remove ([0-9a-f]{8})", listed.printed):
            assert self._children.call(case, [*command, "--remove", token]).status == 0
