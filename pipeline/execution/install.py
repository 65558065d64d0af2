"""Puts the corpus of a run in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.corpus.card import CARD, Intake, with_intake
from pipeline.store.durable import put_folder, remove, unfinished
from pipeline.store.location import Location
from pipeline.store.part_names import files_path
from pipeline.store.parts import KeptFile, check_files, copy_folder, kept_files
from pipeline.workflow.plan import NodePlan

COPY_UP_TO_BYTES = 1 << 20


@dataclass(frozen=True)
class _File:
    """A file of the corpus, as a part has it."""

    part: Location
    name: str
    about: KeptFile

    @property
    def place(self) -> Location:
        return files_path(self.part) / self.name

    def is_at(self, own: Path) -> bool:
        """Whether it is another name of this file: then it was compared when it got that."""
        return own.exists() and self.place.exists() and own.samefile(self.place)


def install_corpus(
    plans: Sequence[NodePlan], corpus: Location, intake: Intake | None = None
) -> bool:
    """Put the files of the dataset node's part, and of the parts of groups that it reads, at
    ``corpus``; False where there are none.

    ``intake`` goes into the card: what the dataset node reads says nothing of rejected videos.
    Large files are hard links to the parts' where the file system allows it. Each is read once and
    compared with the digest that its part has of it, not again while it stays; then ``put_folder``
    replaces the old folder; one that is this corpus already stays. In an object store the files are
    copied one by one, the card and the counts last.

    Raises:
        StoreError: a file of a part is not what the part says.
    """
    for plan in plans:
        if plan.node.stage.scope != "dataset" or 0 not in plan.parts:
            continue
        if not kept_files(plan.parts[0]):
            continue
        files = _files_of(plan, plans)
        # The card and the counts are at the top level, and describe the other files.
        ordered = sorted(files.items(), key=lambda item: ("/" not in item[0], item[0]))
        if corpus.path is None or files[ordered[0][0]].place.path is None:
            copy_folder({name: file.place for name, file in ordered}, corpus)
            if CARD in files:
                (corpus / CARD).write_text(_card(files[CARD], intake))
        elif not _is_in_place(corpus, files, intake):
            for part in dict.fromkeys(file.part for file in files.values()):
                own = (file for file in files.values() if file.part == part)
                check_files(part, [f.name for f in own if not f.is_at(corpus.path / f.name)])
            _put_in_place(corpus.path, files, intake)
        return True
    return False


def _files_of(plan: NodePlan, plans: Sequence[NodePlan]) -> dict[str, _File]:
    """The files of a dataset node's part, and of those that it reads, by path."""
    read = {other.name for other in plan.node.after if not other.stage.by_shard}
    above = [part for each in plans if each.node.name in read for part in each.parts.values()]
    return {
        name: _File(part, name, about)
        for part in (*above, plan.parts[0])
        for name, about in kept_files(part).items()
    }


def _card(file: _File, intake: Intake | None) -> str:
    text = file.place.read_bytes().decode()
    return text if intake is None else with_intake(text, intake)


def _is_in_place(corpus: Location, files: Mapping[str, _File], intake: Intake | None) -> bool:
    """Whether the corpus has these files and no others."""
    if Path(corpus).is_symlink() or corpus.walk().keys() != files.keys():
        return False
    for name, file in files.items():
        own = corpus / name
        if name == CARD:
            if own.read_bytes() != _card(file, intake).encode():
                return False
        elif not (file.is_at(Path(own)) or _is_same(own, file.about)):
            return False
    return True


def _is_same(own: Location, about: KeptFile) -> bool:
    return own.size_bytes() == about.size_bytes and own.sha256() == about.sha256


def _put_in_place(corpus: Path, files: Mapping[str, _File], intake: Intake | None) -> None:
    fresh = unfinished(corpus)
    try:
        for name, file in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if name == CARD:
                target.write_bytes(_card(file, intake).encode())
            else:
                _link(Path(file.place), target)
        put_folder(fresh, corpus)
    finally:
        remove(fresh)


def _link(source: Path, target: Path) -> None:
    """Link a large file; copy a small one, which a user may edit in place (the card)."""
    try:
        if source.stat().st_size > COPY_UP_TO_BYTES:
            os.link(source, target)
            return
    except OSError:
        pass
    shutil.copyfile(source, target)
