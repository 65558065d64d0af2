"""Puts the corpus of a run in place."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from pipeline.corpus.card import CARD, Intake, with_intake
from pipeline.store.location import Location
from pipeline.store.parts import copy_folder, files_path, put_folder
from pipeline.workflow.plan import NodePlan

_COPY_UP_TO_BYTES = 1 << 20


def install_corpus(
    plans: Sequence[NodePlan], corpus: Location, intake: Intake | None = None
) -> bool:
    """Put the files of the dataset node's part at ``corpus``; False where there are none.

    ``intake`` goes into the card: what the dataset node reads says nothing of rejected videos.
    Large files are hard links to the part's where the file system allows it. The old folder is
    replaced by one rename, and of runs that install at once the whole corpus of one stays. In an
    object store the files are copied one by one, the card and the counts last.
    """
    for plan in plans:
        part = plan.tasks[0].part
        if plan.node.stage.scope != "dataset" or not part.exists():
            continue
        files = files_path(part)
        names = files.walk()
        if not names:
            continue
        if corpus.path is None or files.path is None:
            # The card and the counts are at the top level, and describe the other files.
            ordered = sorted(names, key=lambda name: ("/" not in name, name))
            copy_folder({name: files / name for name in ordered}, corpus)
            _complete_card(corpus / CARD, intake)
            return True
        fresh = corpus.path.with_name(f".{corpus.name}.{uuid.uuid4().hex}")
        try:
            shutil.copytree(files.path, fresh, copy_function=_link)
            _complete_card(Location.of(fresh) / CARD, intake)
            put_folder(fresh, corpus.path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return True
    return False


def _complete_card(card: Location, intake: Intake | None) -> None:
    if intake is not None and card.exists():
        card.write_text(with_intake(card.read_bytes().decode(), intake))


def _link(source: str, target: str) -> None:
    """Link a large file; copy a small one, which a user may edit in place (the card)."""
    try:
        if Path(source).stat().st_size > _COPY_UP_TO_BYTES:
            os.link(source, target)
            return
    except OSError:
        pass
    shutil.copyfile(source, target)
