"""An explanation for people: lines of text, and pictures between them where there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.corpus.preview import plain_preview
from pipeline.engines.base import Frame
from pipeline.records import Check, Dialogue, PlacedResponse, Provenance, Record
from pipeline.reports.explain import IDS, Explanation, KeptReply, Place, ShownAsk, Step
from pipeline.store.files.terminal import escaped
from pipeline.store.files.text_table import TEXT_WIDTH, wrapped

_INDENT = 4
_TIMES_SHOWN = 6
_NO_FACTS = frozenset(
    {*IDS, "video_id", "parent_ids", "parent_id", "family", "provenance", "calls", "turns"}
)
"""Fields of rows that are links between them, or stand above."""
_WHY: Mapping[str, str] = {
    "merged": "joined with what is due in the same turn, as `collision` says",
    "shifted": "moved on while it is valid, for its turn was taken, as `collision` says",
    "split": "put into a dialogue of its own, for its turn was taken, as `collision` says",
    "clamped": "moved to the last turn: it was due behind the video",
    "postponed": "said in the turn of its question, which was asked when it was all over",
    "repeated": "not said again: another response has said the same",
}
"""What the flags of a response mean."""

Shown = str | Sequence[Frame]
"""A line, or frames to show below each other's side."""


def lines_of(explanation: Explanation) -> Iterator[Shown]:
    """All of it. Texts from outside are escaped."""
    dialogue = explanation.dialogue
    yield from plain_preview(dialogue, TEXT_WIDTH).split("\n")
    yield from _frames(explanation.frames)
    yield from ("", "file", f"    {escaped(dialogue.uri)}, sha256 {dialogue.sha256}")
    yield from ("", f"lies in {escaped(explanation.root)}")
    own = [s for s in explanation.steps if any(isinstance(row, Dialogue) for _, row in s.rows)]
    places = [*(place for step in own for place, _ in step.rows), *explanation.places]
    yield from (f"    {_place(place)}" for place in dict.fromkeys(places))
    yield from ("", "placed")
    yield from _placed(explanation)
    if not dialogue.provenance:
        who = ", ".join(dialogue.origins) or "nobody that it names"
        yield from ("", escaped(f"no model was asked: a dataset says it, written by {who}"))
    shown = _Shown()
    for step in explanation.steps:
        if step not in own:
            yield from _step(step, shown)
    if explanation.gone:
        yield from ("", "gone", *(f"    {escaped(line)}" for line in explanation.gone))


@dataclass
class _Shown:
    """What stands above already."""

    system: dict[str, str] = field(default_factory=dict)
    """By node."""
    facts: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Of rows, by their id."""


def _placed(explanation: Explanation) -> Iterator[str]:
    for question in explanation.dialogue.questions:
        asked = f"question {question.qid} asked at {question.asked_s:g} s by {question.asked_by}"
        yield f"    {escaped(asked)}"
    for response in explanation.dialogue.responses:
        yield f"    {escaped(_response(response))}"
        for flag in response.flags:
            yield wrapped(f"{flag}: {_WHY.get(flag, 'see the laws of a dialogue')}", _INDENT * 2)
    for key, value in explanation.settings.items():
        if _says(value):
            yield f"    {escaped(f'{key}: {_plain(value)}')}"


def _response(response: PlacedResponse) -> str:
    due_s = response.respond_s if response.due_s is None else response.due_s
    return (
        f"response {response.rid} in turn {response.turn}, due at {due_s:g} s by {response.due_by};"
        f" its evidence is complete at {response.respond_s:g} s"
    )


def _step(step: Step, above: _Shown) -> Iterator[Shown]:
    called = step.node if step.node == step.stage else f"{step.node} ({step.stage})"
    yield ""
    yield f"{called}"
    for number, shown in enumerate(step.asks, 1):
        yield from _ask(shown, number, len(step.asks), step.node, above.system)
    for place, row in step.rows:
        yield wrapped(f"{type(row).__name__}: {escaped(_said_of(row, above))}", _INDENT, _INDENT)
        yield f"        {_place(place)}"


def _said_of(row: Record, above: _Shown) -> str:
    """What a row says; of one that a node above wrote, what is new of it."""
    facts = _facts(row)
    name = next((getattr(row, each) for each in IDS if getattr(row, each, "")), "")
    before = above.facts.get(name, {}) if name else {}
    if name:
        above.facts[name] = facts
    fresh = {key: value for key, value in facts.items() if before.get(key) != value}
    said = "; ".join(f"{key} {value}" for key, value in fresh.items()) or "as above"
    return f"{name}: {said}" if name else said


def _ask(
    shown: ShownAsk, number: int, of: int, node: str, system: dict[str, str]
) -> Iterator[Shown]:
    yield f"    ask {number} of {of}, {escaped(_call(shown.call))}"
    if shown.ask is None:
        yield wrapped(
            "gone: its stage asks nothing of this id today; the prompt was not stored", _INDENT * 2
        )
        return
    ask = shown.ask
    if ask.frames:
        yield f"        frames  {len(ask.frames)}, at {_times(ask.frames)}"
        yield from _frames(ask.frames)
    if ask.system and system.get(node) != ask.system:
        system[node] = ask.system
        yield from _block("system", ask.system)
    elif ask.system:
        yield "        system  as above"
    yield from _block("prompt", ask.text)
    for kept in ask.replies:
        yield from _reply(kept)
    if not ask.replies:
        yield wrapped(
            "gone: no reply is kept to this very ask. Either the file of replies is gone, or the"
            " frames are others than when it was asked",
            _INDENT * 2,
        )


def _reply(kept: KeptReply) -> Iterator[str]:
    reply = kept.reply
    yield from _block("reply", reply.text if reply.text is not None else f"error {reply.error}")
    cached = f", {reply.tokens_cached} of them cached" if reply.tokens_cached else ""
    tried = f", {kept.attempts} times" if kept.attempts > 1 else ""
    measured = f"{reply.tokens_in} tokens in{cached}, {reply.tokens_out} out"
    yield f"        {measured}, {reply.latency_s:.2f} s, asked {kept.last_at}{tried}"


def _block(name: str, text: str) -> Iterator[str]:
    first, *rest = escaped(text, keep="\n").split("\n")
    yield f"        {name:<8}{first}"
    yield from (f"{'':16}{line}" if line else "" for line in rest)


def _call(call: Provenance) -> str:
    sampling = f"temperature {call.temperature:g}, seed {call.seed}"
    return f"{call.request_id}: {call.writer} by prompts/{call.prompt}.md, {sampling}"


def _facts(row: Record) -> Mapping[str, str]:
    """The fields of a row that say something, as text."""
    return {
        name: _plain(value)
        for name, value in row.model_dump(mode="json").items()
        if name not in _NO_FACTS and _says(value) and not _is_call(value)
    }


def _says(value: Any) -> bool:
    return value is not False and value not in (None, "", [], {})


def _is_call(value: Any) -> bool:
    return isinstance(value, dict) and "request_id" in value


def _plain(value: Any) -> str:
    """A value without the quotes and brackets of data."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict) and value.keys() == Check.model_fields.keys():
        return _checked(Check.model_validate(value))
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if _says(each)}
        return ", ".join(f"{name} {_plain(each)}" for name, each in kept.items())
    if isinstance(value, list):
        return " | ".join(map(_plain, value))
    return str(value)


def _checked(check: Check) -> str:
    said = f"{check.name} {'passed' if check.passed else 'failed'} {check.score:.3g}"
    return said + f" of {check.rid}" * bool(check.rid) + f" by {check.model}" * bool(check.model)


def _times(frames: Sequence[Frame]) -> str:
    times = [f"{frame.time_s:.2f}".rstrip("0").rstrip(".") for frame in frames]
    if len(times) > _TIMES_SHOWN:
        half = _TIMES_SHOWN // 2
        times = [*times[:half], "…", *times[-half:]]
    return f"{' '.join(times)} s"


def _frames(frames: Sequence[Frame]) -> Iterator[Shown]:
    if frames:
        yield frames


def _place(place: Place) -> str:
    return escaped(f"{place.file}, row {place.row}")
