"""Where a sample comes from: the rows that it was made of, node by node, and every ask behind them.

Rows are joined by their ids, asks by the ``request_id`` of provenance. A prompt is no text that was
stored: the stage makes its asks anew (``AsksOf``), and the digest of each tells whether the replies
that are kept were given to this very ask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.corpus.layout import DATA
from pipeline.engines.base import Frame, Reply
from pipeline.errors import ConfigError
from pipeline.records import (
    Annotation,
    Dialogue,
    FramedSegment,
    Provenance,
    Record,
    Segment,
    TaskMixture,
    Video,
)
from pipeline.records.schema import from_table
from pipeline.store.location import Location
from pipeline.store.parts import StoreError, read_table
from pipeline.workflow.plan import NodePlan

_NO_STEP = (Segment, Video, TaskMixture)
"""Kinds of rows that tell nothing of one sample."""
IDS = ("annotation_id", "event_id", "sample_id")
"""Fields with the id of a row."""
_SHOWN_FRAMES = 8
_NEAR = 3


@dataclass(frozen=True)
class KeptReply:
    """One sample of an answer, and when it was given."""

    reply: Reply
    attempts: int
    last_at: str


@dataclass(frozen=True)
class MadeAsk:
    """An ask, made anew."""

    request_id: str
    system: str
    text: str
    frames: tuple[Frame, ...]
    replies: tuple[KeptReply, ...]
    """Those that are kept of this very ask; none where its answer is gone, or the ask is another
    than it was."""


AsksOf = Callable[[NodePlan, int, str], Sequence[MadeAsk]]
"""What the node of a plan asks about a video of a shard."""


@dataclass(frozen=True)
class Place:
    """A row of a file, whose path is below the root of the run."""

    file: str
    row: int


@dataclass(frozen=True)
class ShownAsk:
    """An ask, with the call that rows name."""

    call: Provenance
    ask: MadeAsk | None
    """None where the stage makes no such ask today."""


@dataclass(frozen=True)
class Step:
    """What a node gave to a sample."""

    node: str
    stage: str
    rows: Sequence[tuple[Place, Record]]
    asks: Sequence[ShownAsk] = ()


@dataclass(frozen=True)
class Explanation:
    """A sample with all that led to it, from its first rows on."""

    dialogue: Dialogue
    root: str
    """Of the run: what the files of places are below."""
    places: Sequence[Place]
    frames: Sequence[Frame]
    """Those of turns in which something is asked or said, the first few."""
    steps: Sequence[Step]
    settings: Mapping[str, Any]
    """Of the nodes that make dialogues, by their dotted key: how it was placed."""
    gone: Sequence[str] = field(default=())
    """What could not be found, a line each."""


@dataclass(frozen=True)
class _Found:
    plan: NodePlan
    shard: int
    place: Place
    dialogue: Dialogue


def explain_sample(
    plans: Sequence[NodePlan], name: str, root: Location, asks_of: AsksOf
) -> Explanation:
    """The sample of that id, or whose id alone begins so.

    Raises:
        ConfigError: there is none, or there are several; the message names near ones.
    """
    found = _find(plans, name)
    above = {plan.node.name: plan for plan in plans}
    dialogue = found.dialogue
    gone = list[str]()
    rows = _Rows(dialogue, found.shard)
    own = rows.take(list(_behind(above, found, rows)))
    steps = [
        _with_asks(Step(name, plan.node.stage.name, own[name]), plan, found.shard, asks_of, gone)
        for name, plan in above.items()
        if own.get(name)
    ]
    shown = {each.call.request_id for step in steps for each in step.asks}
    gone += [
        f"the ask {call.request_id} of {call.stage}, which its provenance names"
        for call in dialogue.provenance
        if call.request_id not in shown
    ]
    return Explanation(
        dialogue=dialogue,
        root=str(root),
        places=[found.place, *_in_corpus(root, dialogue)],
        frames=_frames(plans, found),
        steps=steps,
        settings=_settings(above, found),
        gone=gone,
    )


def _find(plans: Sequence[NodePlan], name: str) -> _Found:
    """Nodes nearest to the corpus come first: the sample as it was learned from."""
    seen: dict[str, _Found] = {}
    ids: list[str] = []
    for plan in reversed([p for p in plans if p.node.stage.writes is Dialogue]):
        for shard, part in sorted(plan.parts.items()):
            own: list[Any] = read_table(part, ["sample_id"]).column(0).to_pylist()
            ids += own
            for row, sample_id in enumerate(own):
                if sample_id.startswith(name) and sample_id not in seen:
                    place = _place(part, row)
                    seen[sample_id] = _Found(plan, shard, place, _row(Dialogue, part, row))
    if name in seen:
        return seen[name]
    if len(seen) == 1:
        return next(iter(seen.values()))
    if seen:
        some = ", ".join(sorted(seen)[:_NEAR])
        raise ConfigError(f"{len(seen)} samples begin with {name!r}, such as {some}: give more")
    if not ids:
        raise ConfigError("the run has no dialogues yet that were made with these settings")
    near = get_close_matches(name, ids, n=_NEAR, cutoff=0.4) or sorted(set(ids))[:_NEAR]
    raise ConfigError(f"there is no sample {name!r}; near ones are {', '.join(near)}")


def _row(kind: type[Dialogue], part: Location, row: int) -> Dialogue:
    return from_table(kind, read_table(part, kind.model_fields).slice(row, 1))[0]


def _behind(above: Mapping[str, NodePlan], found: _Found, rows: _Rows) -> Iterator[NodePlan]:
    """The nodes that made a sample, nearest first: those of dialogues, then the ones that made its
    annotations, and what these read."""
    reached, at = set[str](), [found.plan.node.name]
    while at:
        name = at.pop()
        reached.add(name)
        node = above[name].node
        makes_dialogues = node.stage.writes is Dialogue
        for other in node.after:
            plan = above[other.name]
            if makes_dialogues and plan.node.stage.writes is Annotation and not rows.has(plan):
                continue
            if other.name not in reached:
                at.append(other.name)
    return (above[name] for name in reversed([*above]) if name in reached)


class _Rows:
    """The rows behind a sample, by node: those with its ids, those that they name, and so on.

    Ids are of one row in all videos, for a negative may be made of another video's event. A row
    without an id is known by its video and its call.
    """

    def __init__(self, dialogue: Dialogue, shard: int) -> None:
        self._video, self._shard = dialogue.video_id, shard
        self._annotations = frozenset(dialogue.annotation_ids)
        self._wanted = {dialogue.sample_id, *dialogue.annotation_ids, *dialogue.parent_ids}
        self._calls = {call.request_id for call in dialogue.provenance}
        self._asked = set[str]()
        """Texts of questions: a candidate became the negative that asks in its words."""
        self._tables: dict[str, pa.Table] = {}

    def has(self, plan: NodePlan) -> bool:
        """Whether a node made an annotation of the sample."""
        table = self._table(plan)
        if table is None:
            return False
        return not self._annotations.isdisjoint(table.column("annotation_id").to_pylist())

    def take(self, plans: Sequence[NodePlan]) -> Mapping[str, Sequence[tuple[Place, Record]]]:
        """Those of each node."""
        while True:
            known = len(self._wanted) + len(self._asked)
            found = {plan.node.name: list(self._of(plan)) for plan in plans}
            if len(self._wanted) + len(self._asked) == known:
                return found

    def _of(self, plan: NodePlan) -> Iterator[tuple[Place, Record]]:
        table = self._table(plan)
        if table is None:
            return
        kind, part = plan.node.stage.writes, plan.parts[self._shard]
        for number in sorted({*self._places(table)}):
            (row,) = from_table(kind, table.slice(number, 1))
            calls = {call.request_id for call in calls_of(row)}
            if not any(name in table.column_names for name in IDS) and calls.isdisjoint(
                self._calls | self._wanted
            ):
                continue
            self._wanted |= {getattr(row, name) for name in IDS if hasattr(row, name)}
            self._wanted |= {*getattr(row, "parent_ids", ()), getattr(row, "parent_id", "")}
            self._wanted.discard("")
            if isinstance(row, Annotation):
                self._asked |= {question.text for question in row.questions}
            yield _place(part, number), row

    def _places(self, table: pa.Table) -> Iterator[int]:
        """The rows that may be among them."""
        wanted = pa.array(sorted(self._wanted), pa.string())
        ids = [name for name in IDS if name in table.column_names]
        for name in ids:
            yield from _where(pc.is_in(table.column(name), value_set=wanted))
        if {"parent_id", "caption"} <= {*table.column_names}:
            asked = pa.array(sorted(self._asked), pa.string())
            named = pc.is_in(table.column("parent_id"), value_set=wanted)
            yield from _where(pc.and_(named, pc.is_in(table.column("caption"), value_set=asked)))
        if not ids:
            yield from _where(pc.equal(table.column("video_id"), pa.scalar(self._video)))

    def _table(self, plan: NodePlan) -> pa.Table | None:
        kind, part = plan.node.stage.writes, plan.parts.get(self._shard)
        if part is None or issubclass(kind, _NO_STEP) or not plan.node.stage.by_shard:
            return None
        if plan.node.name not in self._tables:
            self._tables[plan.node.name] = read_table(part, kind.model_fields)
        return self._tables[plan.node.name]


def _where(mask: Any) -> list[Any]:
    found: list[Any] = pc.indices_nonzero(mask).to_pylist()
    return found


def calls_of(row: Record) -> Iterator[Provenance]:
    """The model calls that a row names."""
    for _, value in row:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Provenance):
                yield each


def _with_asks(step: Step, plan: NodePlan, shard: int, asks_of: AsksOf, gone: list[str]) -> Step:
    """The step with the asks of its node that its rows name; each once."""
    own = {
        (getattr(row, "video_id", ""), call.request_id): call
        for _, row in step.rows
        for call in calls_of(row)
        if call.stage == step.stage
    }
    if plan.node.engine is None or not own:
        return step
    made: dict[tuple[str, str], MadeAsk] = {}
    for video_id in dict.fromkeys(video_id for video_id, _ in own):
        try:
            asks = asks_of(plan, shard, video_id)
            made |= {(video_id, ask.request_id): ask for ask in asks}
        except StoreError as error:
            gone.append(str(error))
    return replace(step, asks=[ShownAsk(call, made.get(key)) for key, call in own.items()])


def _in_corpus(root: Location, dialogue: Dialogue) -> Iterator[Place]:
    """Where the installed corpus has it; nowhere, where it was not drawn or is not installed."""
    folder = root / f"corpus/{DATA}/{dialogue.task}"
    for name in sorted(folder.sizes()):
        if name.startswith(f"{dialogue.split}-"):
            ids: list[Any] = read_table(folder / name, ["sample_id"]).column(0).to_pylist()
            if dialogue.sample_id in ids:
                place = f"corpus/{DATA}/{dialogue.task}/{name}"
                yield Place(place, ids.index(dialogue.sample_id))


def _place(part: Location, row: int) -> Place:
    folder = part.parent
    return Place(f"parts/{folder.parent.name}/{folder.name}/{part.name}", row)


def _frames(plans: Sequence[NodePlan], found: _Found) -> Sequence[Frame]:
    turns = found.dialogue.turns
    wanted = {turns.first + at for at in sorted({*turns.asked, *turns.said})[:_SHOWN_FRAMES]}
    for plan in plans:
        part = plan.parts.get(found.shard)
        if part is None or not issubclass(plan.node.stage.writes, FramedSegment):
            continue
        table = read_table(part, FramedSegment.model_fields)
        of_video: Any = pc.equal(table.column("video_id"), pa.scalar(found.dialogue.video_id))
        rows = from_table(FramedSegment, table.filter(of_video))
        return [Frame(row.frame_s, row.jpeg) for row in rows if row.index in wanted]
    return ()


def _settings(above: Mapping[str, NodePlan], found: _Found) -> Mapping[str, Any]:
    """How dialogues are placed and drawn, as far as it is not as each stage has it by itself."""
    task, settings = found.dialogue.task, dict[str, Any]()
    for name, plan in above.items():
        if plan.node.stage.writes is not Dialogue:
            continue
        for key, value in plan.node.config.model_dump(mode="json").items():
            if isinstance(value, dict) and key in ("asked", "due", "lead_s"):
                if task in value:
                    settings[f"nodes.{name}.config.{key}.{task}"] = value[task]
            elif key in ("collision", "mixed", "window", "weights"):
                settings[f"nodes.{name}.config.{key}"] = value
    return settings


def as_json(explanation: Explanation) -> dict[str, Any]:
    """As JSON data. A picture is its time, size and digest."""
    return {
        "sample": explanation.dialogue.model_dump(mode="json"),
        "root": explanation.root,
        "places": [vars(place) for place in explanation.places],
        "frames": [_frame(frame) for frame in explanation.frames],
        "settings": dict(explanation.settings),
        "steps": [
            {
                "node": step.node,
                "stage": step.stage,
                "rows": [
                    {
                        **vars(place),
                        "kind": type(row).__name__,
                        "content": row.model_dump(mode="json"),
                    }
                    for place, row in step.rows
                ],
                "asks": [_ask(each) for each in step.asks],
            }
            for step in explanation.steps
        ],
        "gone": list(explanation.gone),
    }


def _ask(shown: ShownAsk) -> dict[str, Any]:
    found: dict[str, Any] = {"call": shown.call.model_dump(mode="json"), "is_made": bool(shown.ask)}
    if shown.ask is not None:
        found |= {
            "system": shown.ask.system,
            "text": shown.ask.text,
            "frames": [_frame(frame) for frame in shown.ask.frames],
            "replies": [
                {**vars(kept.reply), "attempts": kept.attempts, "last_at": kept.last_at}
                for kept in shown.ask.replies
            ],
        }
    return found


def _frame(frame: Frame) -> dict[str, Any]:
    digest = hashlib.sha256(frame.jpeg).hexdigest()
    return {"time_s": frame.time_s, "size_bytes": len(frame.jpeg), "sha256": digest}
