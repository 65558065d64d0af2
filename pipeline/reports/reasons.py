"""Every reason for which something is turned down: its meaning, its cause, where it occurs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pipeline.corpus.reasons import UNREAD, UNWRITTEN
from pipeline.dialogue.reasons import UNASKED, UNFIT
from pipeline.engines.errors import ASK_ERRORS, PASSING_ERRORS
from pipeline.manifest.reasons import LEFT_OUT, REFUSED
from pipeline.media import reasons as media
from pipeline.workflow.graph import find_stage, stage_names
from pipeline.workflow.stage import Reason, Stage, reasons_of

RejectClass = Literal["input", "engine", "ask", "answer", "rule", "absence"]
"""The cause of a reject.

``input``: the video or its row in the manifest. ``engine``: an engine or the connection to it; the
same ask may be answered another time. ``ask``: the engine does not accept it. ``answer``: the
answer of a model. ``rule``: a row of another stage breaks a rule of this one. ``absence``: nothing
is wrong; there was nothing to do, or it was not wanted.

Absence is declared; all others follow from the stage, so a new reason needs no entry.
"""


@dataclass(frozen=True)
class KnownReason:
    """A reason, the stages and verbs that give it in the same sense, and its class."""

    reason: Reason
    reason_class: RejectClass
    stages: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()


def class_of(reason: str, stage: Stage[Any]) -> RejectClass:
    """The class of the rejects of a stage for a reason."""
    if reason in stage.absences:
        return "absence"
    if stage.answer is not None:
        if reason in PASSING_ERRORS:
            return "engine"
        return "ask" if reason in ASK_ERRORS else "answer"
    # A stage that reads the manifest or the admitted videos alone judges the video itself.
    return "rule" if stage.judges_rows else "input"


def all_reasons() -> Sequence[KnownReason]:
    """Every declared reason, by name; one that means several things stands once for each."""
    found: dict[tuple[Reason, RejectClass], KnownReason] = {}
    for one in (*_of_stages(), *_of_verbs()):
        before = found.setdefault((one.reason, one.reason_class), replace(one, stages=(), verbs=()))
        found[one.reason, one.reason_class] = replace(
            one, stages=(*before.stages, *one.stages), verbs=(*before.verbs, *one.verbs)
        )
    return sorted(found.values(), key=lambda one: (one.reason.name, one.stages, one.verbs))


def _of_stages() -> Iterator[KnownReason]:
    for stage in (find_stage("stages", name) for name in stage_names()):
        for reason in stage.reasons:
            yield KnownReason(reason, class_of(reason.name, stage), stages=(stage.name,))


def _of_verbs() -> Iterator[KnownReason]:
    """Those that need no run. Verbs that read files of annotations look videos up, too."""
    for meanings, verbs in (
        (UNREAD, ("audit", "convert")),
        (media.MEANINGS, ("audit", "convert")),
        ({**UNFIT, **UNASKED}, ("audit", "convert", "export")),
        (UNWRITTEN, ("convert", "export")),
        (REFUSED, ("manifest",)),
    ):
        for reason in reasons_of(meanings, media.PASSING):
            yield KnownReason(reason, "input", verbs=verbs)
    for name, meaning in LEFT_OUT.items():
        reason = Reason(name, meaning, absence=True)
        yield KnownReason(reason, "absence", verbs=("manifest",))
