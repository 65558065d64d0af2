"""What must hold of a run that was disturbed and then run again."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tests.faults.children import Children, Ended
from tests.faults.operations import Fault
from tests.faults.small_run import CONFIG, write_config
from tests.runs.test_http_run import rows_of

EDIT = ("--set", "nodes.talk.config.word=noticed")
"""It makes other dialogues, and so another corpus."""

Verb = Literal["run", "edit", "force", "retry", "gc"]
"""``run`` from nothing; ``edit``: a run after an edit; ``force``: ``run --force`` of a node;
``retry`` of asks that had no answer; ``gc`` of what was there before the edit."""
VERBS: Sequence[Verb] = get_args(Verb)


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
    """Makes runs, disturbs a verb on them, and judges what the next run makes of them."""

    def __init__(self, children: Children, folder: Path, verbs: Sequence[Verb] = VERBS) -> None:
        """``folder``: an empty one for all cases."""
        self._children = children
        self._folder = folder
        self._base = folder / "case"
        self._states: dict[str, Path] = {}
        self._keep_states()
        self.operations: dict[Verb, int] = {}
        self._whole: dict[Verb, State] = {}
        for verb in verbs:
            self.operations[verb] = self._end_well(self._start(verb)).operations
            self.collect(self._edit(verb))
            self._whole[verb] = state_of(self._base)

    def _keep_states(self) -> None:
        """Each has the same path while it is used, for a config has the path of its root in it."""
        self._base.mkdir()
        write_config(self._base)
        self._keep("empty")
        for name, edit in (("whole", ()), ("garbage", EDIT)):
            self._end_well(["run", *self._config, *edit])
            self._keep(name)
        self._put("empty")
        self._end_well(["run", *self._config], failing=True)
        self._keep("failing")

    def _edit(self, verb: Verb) -> Sequence[str]:
        return EDIT if verb in ("edit", "gc") else ()

    def _keep(self, name: str) -> None:
        self._states[name] = self._folder / name
        shutil.copytree(self._base, self._states[name], symlinks=True)

    def _put(self, name: str) -> None:
        shutil.rmtree(self._base, ignore_errors=True)
        shutil.copytree(self._states[name], self._base, symlinks=True)

    @property
    def _config(self) -> Sequence[str]:
        return "-c", str(self._base / CONFIG)

    def _start(self, verb: Verb) -> Sequence[str]:
        """Puts the state in place that a verb starts from; returns its command line."""
        words = {
            "run": ("empty", "run"),
            "edit": ("whole", "run", *EDIT),
            "force": ("whole", "run", "--force", "--only", "talk"),
            "retry": ("failing", "retry", "--reason", "timeout"),
            "gc": ("garbage", "gc", *EDIT),
        }
        state, *command = words[verb]
        self._put(state)
        command[1:1] = self._config
        if verb == "gc":
            (token,) = self._tokens(command)
            command += ["--remove", token]
        return command

    def disturb_and_heal(self, fault: Fault, verb: Verb) -> str:
        """A verb meets the fault, the next run makes all whole.

        Returns what the disturbed one printed.
        """
        command = self._start(verb)
        before, edit, whole = corpus_of(self._base), self._edit(verb), self._whole[verb]
        first = self._children.call(self._base, command, fault)
        left = corpus_of(self._base)
        assert left in [before, whole.corpus], "a corpus is whole, of before or of after"
        assert first.status != 0 or left == whole.corpus, "success means that all is there"
        if verb == "retry":  # what it had not come to yet
            self._end_well(command)
        self._end_well(["run", *self._config, *edit])
        assert corpus_of(self._base) == whole.corpus
        self.collect(edit)
        healed = state_of(self._base)
        differ = healed.names ^ whole.names
        assert not differ, f"gc knows what nobody needs, and no more: {sorted(differ)}"
        differ = {name for name, _ in healed.rows.items() ^ whole.rows.items()}
        assert not differ, f"the same rows: {sorted(differ)}"
        return first.printed

    def collect(self, edit: Sequence[str]) -> None:
        """Remove all that ``gc`` lists, and what was said to asks that no part has any more."""
        command = ["gc", *self._config, *edit, "--replies"]
        for token in self._tokens(command):
            self._end_well([*command, "--remove", token])

    def _tokens(self, command: Sequence[str]) -> list[str]:
        return re.findall(r"--remove ([0-9a-f]{8})", self._end_well(command).printed)

    def _end_well(self, command: Sequence[str], *, failing: bool = False) -> Ended:
        ended = self._children.call(self._base, command, failing=failing)
        assert ended.status == 0, ended.printed
        return ended
