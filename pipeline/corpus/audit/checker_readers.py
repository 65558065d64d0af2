"""Reads rows of every format for the checker, each by code of its own.

None of it is shared with the formats (``pipeline.corpus.formats``): a fault in what they write, or
in how they read it, shows here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pipeline.corpus.audit.checker import WrittenTurn
from pipeline.records import State

Clock = Literal["turns", "words", "seconds", "none"]
"""What tells when something is said: turns; the times of words, which begin with the turn; whole
seconds, of which each holds one response; or nothing."""

_STATES: Mapping[str, State] = {
    "</Silence>": "silence",
    "</Standby>": "standby",
    "</Response>": "response",
    "<Silence>": "silence",
    "<Standby>": "standby",
    "<Response>": "response",
    "</silence>": "silence",
    "</response>": "response",
}
_SPAN = ("kind", "start_s", "end_s")
_TIMES = (*_SPAN, "respond_s", "valid_until_s")


class WrittenQuestion(NamedTuple):
    """A question that a file lists by itself."""

    text: str
    asked_s: float
    second: int | None = None
    """By a clock of seconds, the one in which it is asked."""


class WrittenResponse(NamedTuple):
    """A response that a file lists by itself."""

    text: str
    question: str
    """The text of the question that it answers."""
    facts: tuple[object, ...]
    """The values that the file has of ``Written.facts``, in that order."""
    said_s: float = 0.0
    """When it is said, by the clock; so too the next."""
    waits_s: float = 0.0
    """When its standby begins; ``said_s`` where it has none."""


@dataclass(frozen=True)
class Written:
    """What the rows of a dialogue say of it, as far as their format holds it."""

    clock: Clock
    turns: Sequence[WrittenTurn] = ()
    """Of a clock of turns; all others list questions and responses."""
    questions: Sequence[WrittenQuestion] = ()
    responses: Sequence[WrittenResponse] = ()
    facts: tuple[str, ...] = ()
    """The names of the values of a ``Response`` that the file has."""


def read_turns(pairs: Iterable[tuple[str, str]], placeholder: str) -> Written:
    """The turns of a chat: messages of user and assistant, pair by pair.

    Raises:
        ValueError: a message is not of such a chat.
    """
    turns = []
    for user, assistant in pairs:
        question, label, shown = f"\n{user}".rsplit("\n", 2)
        if shown != placeholder:
            raise ValueError(f"{shown!r} stands where {placeholder!r} should")
        token, _, text = assistant.partition(">")
        state = _STATES.get(f"{token}>")
        if state is None:
            raise ValueError(f"{token!r} is no state")
        start_s = float(label[1:].partition("s-")[0])
        turns.append(WrittenTurn(start_s, state, question[1:], text[1:]))
    return Written("turns", turns)


def _without(head: str, text: str) -> str:
    """A message without what stands before its question."""
    if head and not text.startswith(f"{head}\n"):
        raise ValueError(f"the first message does not begin with {head[:40]!r}")
    return text.removeprefix(f"{head}\n") if head else text


def _chat(rows: Sequence[Any], placeholder: str) -> Written:
    (row,) = rows
    texts = [message["content"] for message in row["messages"] if message["role"] != "system"]
    texts[0] = _without(row.get("memory", ""), texts[0])
    return read_turns(zip(texts[::2], texts[1::2], strict=True), placeholder)


def _stream(rows: Sequence[Any]) -> Written:
    return _chat(rows, "<stream>")


def _messages(rows: Sequence[Any]) -> Written:
    return _chat(rows, "<image>")


def _qwen_vl(rows: Sequence[Any]) -> Written:
    (row,) = rows
    texts = [message["value"] for message in row["conversations"]]
    texts[0] = _without(row["system"], texts[0])
    texts[0] = _without(row.get("memory", ""), texts[0])
    return read_turns(zip(texts[::2], texts[1::2], strict=True), "<image>")


def _livecc(rows: Sequence[Any]) -> Written:
    ((user, assistant),) = rows
    video, query = user["content"]
    (answer,) = assistant["content"]
    words = answer["text_stream"]
    responses = []
    for first, many, *facts in answer["responses"]:
        text = " ".join(word for _, _, word in words[first : first + many])
        said_s = words[first][0] - video["video_start"]
        responses.append(WrittenResponse(text, query["text"], tuple(facts), said_s))
    asked = WrittenQuestion(query["text"], query["asked_s"])
    return Written("words", questions=[asked], responses=responses, facts=_SPAN)


def _activation(rows: Sequence[Any]) -> Written:
    return Written(
        "none",
        questions=[WrittenQuestion(row["query"], row["asked_s"]) for row in rows],
        responses=[
            WrittenResponse(
                each["description"], row["query"], (each["kind"], each["start"], each["end"])
            )
            for row in rows
            for each in row["segments"]
        ],
        facts=_SPAN,
    )


def _stride(rows: Sequence[Any]) -> Written:
    return Written(
        "none",
        questions=[WrittenQuestion(row["query"], row["start_time"]) for row in rows],
        responses=[
            WrittenResponse(
                each["description"],
                row["query"],
                (each["kind"], each["start_time"], each["end_time"]),
            )
            for row in rows
            for each in row["segment"]
        ],
        facts=_SPAN,
    )


def _raw(rows: Sequence[Any]) -> Written:
    (row,) = rows
    if row["origin"] != 1:
        raise ValueError(f"times count from {row['origin']}")
    texts = {each["qid"]: each["content"] for each in row["question"]}
    responses = []
    for each in row["response"]:
        waits = each["st_time"] is not None
        second = each["end_time"] if waits else each["time"] - 1
        own = *(each[name] for name in _TIMES), tuple(map(tuple, each["evidence"]))
        begins = each["st_time"] - 1 if waits else second
        question = texts[each["qid"]]
        responses.append(WrittenResponse(each["content"], question, own, second, begins))
    asked = [
        WrittenQuestion(each["content"], each["time_s"], each["time"] - 1)
        for each in row["question"]
    ]
    facts = (*_TIMES, "evidence")
    return Written("seconds", questions=asked, responses=responses, facts=facts)


READERS: Mapping[str, Callable[[Sequence[Any]], Written]] = MappingProxyType(
    {
        "raw": _raw,
        "stream": _stream,
        "messages": _messages,
        "qwen_vl": _qwen_vl,
        "livecc": _livecc,
        "activation": _activation,
        "stride": _stride,
    }
)
"""Of each format, what reads the rows of one dialogue, as JSON. A row that is not of the format
raises KeyError, TypeError or ValueError."""
