"""What the page shows of one shard of a run: its samples in chunks, and their counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.dialogue.state_counts import duration_bin
from pipeline.records import Dialogue
from pipeline.records.digest import digest
from pipeline.reports.viewer.frames import framed
from pipeline.reports.viewer.refused import events_in, refused_in
from pipeline.reports.viewer.samples import by_video, index_row, shown_sample
from pipeline.store.location import Location
from pipeline.store.part_names import rows_digest_of
from pipeline.workflow.outputs import last_dialogues, rows_of
from pipeline.workflow.plan import NodePlan

CHUNK_SAMPLES = 64
"""A chunk ends with the video in which it reaches so many."""

Shown = dict[str, Any]


@dataclass(frozen=True)
class FramesOf:
    """Where the frames of a video lie, and the video itself."""

    part: Location
    video_id: str
    uri: str


@dataclass(frozen=True)
class Chunk:
    """Consecutive samples of a shard, all of each video, as the page loads them at once.

    ``pictured`` has, for each sample, the name of the frames of its video and the turn that its
    small picture shows.
    """

    name: str
    rows: Sequence[Shown]
    shown: Shown
    frames: dict[str, FramesOf]
    pictured: Sequence[tuple[str, int]]


@dataclass
class Counts:
    """Of dialogues; those of shards add up."""

    samples: Counter[str]
    negatives: Counter[str]
    states: Counter[str]
    durations: Counter[str]

    @classmethod
    def none(cls) -> Counts:
        """Before the first dialogue."""
        return cls(Counter(), Counter(), Counter(), Counter())

    def add(self, dialogues: Sequence[Dialogue]) -> None:
        """Count the dialogues of one video."""
        if dialogues:
            self.durations[duration_bin(dialogues[0].duration_s)] += 1
        for dialogue in dialogues:
            self.samples[dialogue.task] += 1
            self.negatives[dialogue.task] += dialogue.is_negative
            if not dialogue.is_negative:
                self.states.update({str(k): n for k, n in dialogue.turns.counts().items()})

    def update(self, other: Counts) -> None:
        """Add those of other videos."""
        self.samples.update(other.samples)
        self.negatives.update(other.negatives)
        self.states.update(other.states)
        self.durations.update(other.durations)


def shown_nodes(plans: Sequence[NodePlan]) -> Sequence[NodePlan]:
    """The nodes whose dialogues are shown: the last ones if they have any, else those above."""
    made = {p.node.name: p for p in plans if p.node.stage.writes is Dialogue}
    chosen = last_dialogues(plans)
    while chosen and not any(plan.parts for plan in chosen):
        above = dict.fromkeys(other.name for plan in chosen for other in plan.node.after)
        chosen = [made[name] for name in above if name in made]
    return chosen


def shard_name(plans: Sequence[NodePlan], shard: int) -> str:
    """A name for what the page shows of a shard: other parts, another name."""
    made = [p for p in plans if p.node.stage.by_shard and shard in p.parts]
    parts = [[p.node.name, p.parts[shard].name] for p in made]
    return f"{shard:05d}-{digest([[p.node.name for p in shown_nodes(plans)], parts], 12)}"


def chunks_of(plans: Sequence[NodePlan], shard: int, name: str, counts: Counts) -> Iterator[Chunk]:
    """The chunks of a shard, whose dialogues are added to ``counts``; one is held at a time.

    Raises:
        StoreError: a part cannot be read.
    """
    parts = [plan.parts[shard] for plan in shown_nodes(plans) if shard in plan.parts]
    dialogues = [dialogue for part in parts for dialogue in rows_of(Dialogue, part)]
    if not dialogues:
        return
    if len(parts) > 1:  # each has the order of the manifest
        places = {d.video_id: place for place, d in reversed(list(enumerate(dialogues)))}
        dialogues.sort(key=lambda dialogue: places[dialogue.video_id])
    beside = _Beside(plans, shard)
    held: list[tuple[str, list[Dialogue]]] = []
    number = 0
    for video_id, found in by_video(dialogues):
        counts.add(found)
        held.append((video_id, found))
        if sum(len(each) for _, each in held) >= CHUNK_SAMPLES:
            yield _chunk(f"{name}-{number:03d}", held, beside)
            held, number = [], number + 1
    if held:
        yield _chunk(f"{name}-{number:03d}", held, beside)


class _Beside:
    """What is known of the videos of a shard beside their dialogues."""

    def __init__(self, plans: Sequence[NodePlan], shard: int) -> None:
        self.refused: dict[str, list[Shown]] = defaultdict(list)
        self.events: dict[str, list[Shown]] = defaultdict(list)
        for video_id, shown in refused_in(plans, shard):
            self.refused[video_id].append(shown)
        for video_id, shown in events_in(plans, shard):
            self.events[video_id].append(shown)
        plan = framed(plans)
        self.frames = plan.parts.get(shard) if plan else None


def _chunk(name: str, videos: Sequence[tuple[str, list[Dialogue]]], beside: _Beside) -> Chunk:
    shown: Shown = {"videos": []}
    frames: dict[str, FramesOf] = {}
    pictured: list[tuple[str, int]] = []
    for place, (video_id, dialogues) in enumerate(videos):
        framed_as = ""
        if beside.frames is not None:
            framed_as = f"{name}-{rows_digest_of(beside.frames)[:8]}-{place:02d}"
            frames[framed_as] = FramesOf(beside.frames, video_id, dialogues[0].uri)
        shown["videos"].append(
            {
                "video": video_id,
                "frames": framed_as,
                "refused": beside.refused[video_id],
                "events": beside.events[video_id],
                "samples": [shown_sample(dialogue) for dialogue in dialogues],
            }
        )
        pictured += [(framed_as, _telling_turn(dialogue)) for dialogue in dialogues]
    rows = [index_row(dialogue) for _, dialogues in videos for dialogue in dialogues]
    return Chunk(name, rows, shown, frames, pictured)


def _telling_turn(dialogue: Dialogue) -> int:
    """The turn of the first response; of the middle where nothing is said."""
    said = [response.turn for response in dialogue.responses]
    turns = dialogue.turns
    return said[0] if said else turns.first + len(turns) // 2
