"""Puts the corpus of a run in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
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


def install_corpus(
    plans: Sequence[NodePlan], corpus: Location, facts: RunFacts | None = None
) -> bool:
    """Put the files of the dataset node's part at ``corpus``; False where there are none.

    ``facts`` go into the card and beside it: what the dataset node reads says nothing of the run.
    Large files are hard links to the part's where the file system allows it. All are read and
    compared with the digests that the part has of them, then ``put_folder`` replaces the old
    folder; one that is this corpus already stays. In an object store the files are copied one by
    one, the card and the counts last.

    Raises:
        StoreError: a file of the part is not what the part says.
    """
    for plan in plans:
        part = plan.parts.get(0)
        if plan.node.stage.scope != "dataset" or part is None:
            continue
        kept, files = kept_files(part), files_path(part)
        if not kept:
            continue
        run = _run_texts(files, kept, facts)
        if corpus.path is None or files.path is None:
            texts = run.instead_of(corpus, files) if run else {}
            # The card and the counts are at the top level, and describe the other files.
            ordered = sorted(kept.keys() - texts.keys(), key=lambda name: ("/" not in name, name))
            copy_folder({name: files / name for name in ordered}, corpus, keep=texts.keys())
            for name, text in texts.items():
                (corpus / name).write_text(text)
        elif not _is_in_place(corpus, files, kept, run):
            check_files(part)
            _put_in_place(corpus, files, run)
        return True
    return False


def _run_texts(
    files: Location, kept: Mapping[str, KeptFile], facts: RunFacts | None
) -> RunTexts | None:
    """None where nothing is known of the run, or there is no card to say it."""
    if facts is None or CARD not in kept:
        return None
    version = version_of({name: file.sha256 for name, file in kept.items()})
    return RunTexts((files / CARD).read_bytes().decode(), version, facts)


def _is_in_place(
    corpus: Location, files: Location, kept: Mapping[str, KeptFile], run: RunTexts | None
) -> bool:
    """Whether the corpus has these files and texts, and no others."""
    texts = run.in_place(corpus) if run else {}
    if texts is None or Path(corpus).is_symlink():
        return False
    return (
        corpus.walk().keys() == kept.keys() | texts.keys()
        and all((corpus / name).read_bytes() == text.encode() for name, text in texts.items())
        and all(
            _is_same(Path(corpus / name), Path(files / name), about)
            for name, about in kept.items()
            if name not in texts
        )
    )


def _is_same(own: Path, other: Path, about: KeptFile) -> bool:
    if other.exists() and own.samefile(other):
        return True
    return own.stat().st_size == about.size_bytes and Location.of(own).sha256() == about.sha256


def _put_in_place(corpus: Location, files: Location, run: RunTexts | None) -> None:
    fresh = unfinished(Path(corpus))
    try:
        shutil.copytree(Path(files), fresh, copy_function=_link)
        texts = run.instead_of(corpus, Location.of(fresh)) if run else {}
        for name, text in texts.items():
            file = fresh / name
            file.unlink(missing_ok=True)  # it may be a link
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        put_folder(fresh, Path(corpus))
    finally:
        remove(fresh)


def _link(source: str, target: str) -> None:
    """Link a large file; copy a small one, which a user may edit in place (the card)."""
    try:
        if Path(source).stat().st_size > COPY_UP_TO_BYTES:
            os.link(source, target)
            return
    except OSError:
        pass
    shutil.copyfile(source, target)
