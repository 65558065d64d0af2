"""What the machinery fills in of a row: its video, the model call it comes from, and its id."""

from __future__ import annotations

from typing import Any

from pipeline.records.annotation import Annotation
from pipeline.records.base import THIS_CALL, Provenance, Record, Reject
from pipeline.records.digest import digest
from pipeline.records.event import Event


def complete(row: Record, video_id: str, call: Provenance | None = None, place: int = 0) -> Record:
    """The row of a stage with what the stage left out.

    ``call`` is the model call whose answers the row is made from, if any, and ``place`` counts the
    rows made from it. What the stage has set stays, and a row has the same id on every machine.

    Raises:
        ValueError: the row names ``THIS_CALL``, and there is no call.
    """
    found: dict[str, Any] = {}
    if getattr(row, "video_id", None) == "":
        found["video_id"] = video_id
    for name, value in vars(row).items():
        if value is THIS_CALL or (isinstance(value, Provenance) and value == THIS_CALL):
            if call is None:
                raise ValueError(f"{type(row).__name__}.{name}: the row comes from no model call")
            found[name] = call
    if call is not None and isinstance(row, Reject):
        found["request_id"] = call.request_id
    if call is not None and isinstance(row, Annotation):
        found["provenance"] = [*row.provenance, call]
        found["parent_ids"] = row.parent_ids or [call.request_id]
    row = row.model_copy(update=found) if found else row
    if isinstance(row, Event) and not row.event_id:
        made_of = [row.family, row.video_id, place, row.caption, [row.start_s, row.end_s]]
        source = call.key if call else row.origin
        return row.model_copy(update={"event_id": digest([*made_of, source], 16)})
    if isinstance(row, Annotation) and not row.annotation_id:
        return row.model_copy(update={"annotation_id": _annotation_id(row, call)})
    return row


def _annotation_id(row: Annotation, call: Provenance | None) -> str:
    """A model call has one answer, so it and the words suffice; else all that the row holds."""
    answers = [[response.respond_s, response.text] for response in row.responses]
    source: Any = (
        call.key
        if call
        else [
            row.model_dump(mode="json", include={"questions", "responses", "origins"}),
            [each.key for each in row.provenance],
        ]
    )
    content = [row.aspect, row.questions[0].text, answers, source]
    return digest([row.task, row.video_id, content], 16)
