"""Applies what people decided of samples to annotations and dialogues.

A decision names a sample and perhaps a response of it. What it changes goes through the compiler
again like what a model says, so that the laws of a dialogue hold for it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.records import Annotation, Check, Dialogue, Response, Span
from pipeline.workflow.curation import Decision
from stages._spans import stated

BY_PERSON = "human"
"""The name of the check that a person made; its ``model`` says who and when."""


class Decided:
    """The decisions by sample."""

    def __init__(self, by_sample: Mapping[str, Sequence[Decision]]) -> None:
        """Those that hold."""
        self._by_sample = by_sample

    def edits(self, dialogues: Iterable[Dialogue]) -> Sequence[Decision]:
        """Those that change what is said: responses that are changed or left out."""
        return [d for d in self._about(dialogues) if d.rid and d.decision != "accept"]

    def rejected(self, dialogue: Dialogue) -> Decision | None:
        """The one that turns down the whole sample."""
        whole = (d for d in self._about([dialogue]) if not d.rid and d.decision == "reject")
        return next(whole, None)

    def checked(self, dialogue: Dialogue) -> Dialogue:
        """The dialogue with a check for each decision to accept, and for each change."""
        said = {response.rid for response in dialogue.responses}
        checks = [
            Check(name=BY_PERSON, passed=True, score=1.0, model=each.by, rid=each.rid)
            for each in self._about([dialogue])
            if each.decision in ("accept", "change") and (not each.rid or each.rid in said)
        ]
        return dialogue.model_copy(update={"checks": [*dialogue.checks, *checks]} if checks else {})

    def _about(self, dialogues: Iterable[Dialogue]) -> Iterable[Decision]:
        return (d for each in dialogues for d in self._by_sample.get(each.sample_id, ()))


def edited(annotation: Annotation, edits: Sequence[Decision], *, prefixed: bool) -> Annotation:
    """The annotation with responses changed or left out; its id stays, so that its samples do.

    ``prefixed``: of a dialogue of several annotations, whose responses have the annotation's id
    before theirs.
    """
    prefix = f"{annotation.annotation_id}/" if prefixed else ""
    by_rid: Mapping[str, Decision] = {each.rid: each for each in edits}
    responses = []
    for response in annotation.responses:
        edit = by_rid.get(prefix + response.rid)
        if edit is None:
            responses.append(response)
        elif edit.decision == "change":
            responses.append(_changed(response, edit))
    return annotation.model_copy(update={"responses": responses})


def _changed(response: Response, edit: Decision) -> Response:
    """The response as a person has it. What a verifier found of the one before no longer counts, so
    it is due at the end of its evidence."""
    start_s = response.start_s if edit.start_s is None else edit.start_s
    end_s = response.end_s if edit.end_s is None else edit.end_s
    if response.kind == "instant":
        end_s = start_s = end_s if edit.start_s is None else start_s
    text = response.text if edit.text is None else edit.text
    if edit.text is None and text == stated(response.start_s, response.end_s):
        text = stated(start_s, end_s)
    until_s = response.valid_until_s
    return response.model_copy(
        update={
            "text": text,
            "start_s": start_s,
            "end_s": end_s,
            "respond_s": end_s,
            "valid_until_s": until_s if until_s is not None and until_s > end_s else None,
            "evidence": [Span(start_s=start_s, end_s=end_s)] if response.evidence else [],
            "due_s": None,
            "due_by": "end",
            "valid_from_s": None,
            "earliest_answerable_s": None,
            "confirmed_s": [],
            "still_until_s": None,
        }
    )
