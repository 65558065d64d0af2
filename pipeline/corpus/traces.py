"""Dialogues in the form that the conversation viewer of the HF Hub reads.

source: the Hub's Session Trace Simple Format
(https://huggingface.co/docs/hub/session-traces-format): JSON lines, the head of a session and then
its messages. They stand in the columns that ``datasets`` 5 makes of a file of them, as Parquet,
for all configs of a repository are of one format.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from pipeline.corpus.features import JSON_TYPE, with_features
from pipeline.corpus.parquet import Form
from pipeline.dialogue.memory_text import memory_text
from pipeline.records import Dialogue
from pipeline.records.turns import STATES

_HARNESS = "turnwise"


_SCHEMA = with_features(
    pa.schema(
        [
            pa.field("harness", pa.string()),
            pa.field("session_id", pa.string()),
            pa.field("prompt", pa.string()),
            pa.field("messages", pa.list_(JSON_TYPE)),
            pa.field("tools", pa.list_(JSON_TYPE)),
            pa.field("metadata", JSON_TYPE),
            pa.field("sent_at", pa.string()),
            pa.field("num_user_messages", pa.int64()),
            pa.field("num_tool_calls", pa.int64()),
            pa.field("trace", JSON_TYPE),
            pa.field("file_path", pa.string()),
        ]
    )
)


def trace_of(dialogue: Dialogue) -> str:
    """The lines of a session: what is asked and said; turns in which nothing is are counted in the
    first message.

    ``timestamp`` is that of the turn, in milliseconds from the start of the video.
    """
    head = {
        "type": "session",
        "harness": _HARNESS,
        "id": dialogue.sample_id,
        "name": f"{dialogue.task}: {dialogue.video_id}",
    }
    lines = [head, *({"type": "message", "message": each} for each in _messages(dialogue))]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _messages(dialogue: Dialogue) -> list[dict[str, Any]]:
    turns = dialogue.turns
    counts = turns.counts()
    idle = ", ".join(f"{counts[state]} {state}" for state in STATES)
    about = f"A video of {dialogue.duration_s:g} s, {len(turns)} turns: {idle}."
    if dialogue.memory:
        about += f"\n{memory_text(dialogue.memory)}"
    found = [_message("system", about, 0.0)]
    for place in sorted(turns.asked.keys() | turns.said.keys()):
        start_s = turns.starts[place]
        asked, said = turns.asked.get(place), turns.said.get(place)
        if asked is not None and asked.text:
            found.append(_message("user", f"[{start_s:g} s] {asked.text}", start_s))
        if said is not None and said.text:
            found.append(_message("assistant", f"[{start_s:g} s] {said.text}", start_s))
    return found


def _message(role: str, content: str, start_s: float) -> dict[str, Any]:
    return {"role": role, "content": content, "timestamp": round(1000 * start_s)}


def _row(dialogue: Dialogue) -> dict[str, Any]:
    messages = _messages(dialogue)
    asked = [each["content"] for each in messages if each["role"] == "user"]
    about = {name: getattr(dialogue, name) for name in ("task", "video_id", "source", "licence")}
    return {
        "harness": _HARNESS,
        "session_id": dialogue.sample_id,
        "prompt": asked[0] if asked else None,
        "messages": [json.dumps(each, ensure_ascii=False) for each in messages],
        "tools": [],
        "metadata": json.dumps(about, ensure_ascii=False),
        "num_user_messages": len(asked),
        "num_tool_calls": 0,
        "trace": json.dumps(trace_of(dialogue), ensure_ascii=False),
    }


def _table(rows: Sequence[Dialogue]) -> pa.Table:
    stored = pa.Table.from_pylist([_row(each) for each in rows], schema=_stored(_SCHEMA))
    return stored.cast(_SCHEMA)


def _stored(schema: pa.Schema) -> pa.Schema:
    """The schema with JSON as the text that it is: Arrow makes no lists of JSON from objects."""
    text = {JSON_TYPE: pa.string(), pa.list_(JSON_TYPE): pa.list_(pa.string())}
    return pa.schema([field.with_type(text.get(field.type, field.type)) for field in schema])


TRACE_FORM: Final = Form[Dialogue](_SCHEMA, _table, lambda row: 300 * len(row.turns))
