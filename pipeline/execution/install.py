"""Puts the corpus of a run in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.corpus.card import CARD
from pipeline.corpus.changelog import version_of
from pipeline.corpus.facts import RunFacts
from pipeline.execution.run_texts import RunTexts
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
    plans: Sequence[NodePlan], corpus: Location, facts: RunFacts | None = None
) -> bool:
    """Put the files of the dataset node's part, and of the parts of groups that it reads, at
    ``corpus``; False where there are none.

    ``facts`` go into the card and beside it: what the dataset node reads says nothing of the run.
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
        kept = kept_files(plan.parts[0])
        if not kept:
            continue
        files = _files_above(plan, plans)
        files |= {name: _File(plan.parts[0], name, about) for name, about in kept.items()}
        run = _run_texts(files, facts)
        own = files_path(plan.parts[0])
        if corpus.path is None or own.path is None:
            texts = run.instead_of(corpus, own) if run else {}
            # The card and the counts are at the top level, and describe the other files.
            ordered = sorted(files.keys() - texts.keys(), key=lambda name: ("/" not in name, name))
            copy_folder({name: files[name].place for name in ordered}, corpus, keep=texts.keys())
            for name, text in texts.items():
                (corpus / name).write_text(text)
        elif not _is_in_place(corpus, files, run):
            for part in dict.fromkeys(file.part for file in files.values()):
                its = (file for file in files.values() if file.part == part)
                check_files(part, [f.name for f in its if not f.is_at(corpus.path / f.name)])
            _put_in_place(corpus, files, run)
        return True
    return False


def _files_above(plan: NodePlan, plans: Sequence[NodePlan]) -> dict[str, _File]:
    """The files of the parts of groups that a dataset node reads, by path."""
    read = {other.name for other in plan.node.after if not other.stage.by_shard}
    above = [part for each in plans if each.node.name in read for part in each.parts.values()]
    return {
        name: _File(part, name, about) for part in above for name, about in kept_files(part).items()
    }


def _run_texts(files: Mapping[str, _File], facts: RunFacts | None) -> RunTexts | None:
    """None where nothing is known of the run, or there is no card to say it."""
    if facts is None or CARD not in files:
        return None
    version = version_of({name: file.about.sha256 for name, file in files.items()})
    return RunTexts(files[CARD].place.read_bytes().decode(), version, facts)


def _is_in_place(corpus: Location, files: Mapping[str, _File], run: RunTexts | None) -> bool:
    """Whether the corpus has these files and texts, and no others."""
    texts = run.in_place(corpus) if run else {}
    if texts is None or Path(corpus).is_symlink():
        return False
    return (
        corpus.walk().keys() == files.keys() | texts.keys()
        and all((corpus / name).read_bytes() == text.encode() for name, text in texts.items())
        and all(
            file.is_at(Path(corpus / name)) or _is_same(corpus / name, file.about)
            for name, file in files.items()
            if name not in texts
        )
    )


def _is_same(own: Location, about: KeptFile) -> bool:
    return own.size_bytes() == about.size_bytes and own.sha256() == about.sha256


def _put_in_place(corpus: Location, files: Mapping[str, _File], run: RunTexts | None) -> None:
    fresh = unfinished(Path(corpus))
    try:
        for name, file in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(Path(file.place), target)
        texts = run.instead_of(corpus, Location.of(fresh)) if run else {}
        for name, text in texts.items():
            target = fresh / name
            target.unlink(missing_ok=True)  # it may be a link
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        put_folder(fresh, Path(corpus))
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
