"""Reads the rows that a run has made from its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from pipeline.corpus.layout import VideoSample
from pipeline.errors import ConfigError
from pipeline.records import Annotation, Dialogue, FramedSegment, Record
from pipeline.records.schema import from_table
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.store.video_rows import read_videos
from pipeline.workflow.plan import NodePart, NodePlan

R = TypeVar("R", bound=Record)


def last_dialogues(plans: Sequence[NodePlan]) -> Sequence[NodePlan]:
    """The nodes whose dialogues no other node turns into dialogues."""
    made = [plan for plan in plans if plan.node.stage.writes is Dialogue]
    read = {other.name for plan in made for other in plan.node.after}
    return [plan for plan in made if plan.node.name not in read]


def final_annotations(plans: Sequence[NodePlan]) -> Sequence[NodePlan]:
    """The nodes whose annotations a dialogue node reads."""
    made = [plan for plan in plans if plan.node.stage.writes is Dialogue]
    read = {other.name for plan in made for other in plan.node.after}
    return [p for p in plans if p.node.name in read and p.node.stage.writes is Annotation]


def read_dialogues(plans: Sequence[NodePlan]) -> Iterator[Dialogue]:
    """Every dialogue that goes into the corpus, node after node and shard after shard."""
    return _read(Dialogue, last_dialogues(plans))


def read_annotations(plans: Sequence[NodePlan]) -> Iterator[Annotation]:
    """Every annotation that dialogues are made from, node after node and shard after shard."""
    return _read(Annotation, final_annotations(plans))


def _read(kind: type[R], plans: Iterable[NodePlan]) -> Iterator[R]:
    for made in done_parts(plans):
        yield from rows_of(kind, made.part)


def done_parts(plans: Iterable[NodePlan]) -> Iterator[NodePart]:
    """The parts that exist, node after node and shard after shard."""
    return (part for plan in plans for part in plan.done())


def rows_of(kind: type[R], file: Location) -> Sequence[R]:
    """The rows of one file of a part."""
    return from_table(kind, read_table(file, kind.model_fields))


def found_by_models(annotation: Annotation) -> bool:
    """Whether models made an annotation without any dataset's annotations.

    One taken from a dataset has no provenance; one that a model made of it has ``origins``.
    """
    return bool(annotation.provenance) and not annotation.origins


def dialogue_parts(plans: Sequence[NodePlan]) -> Sequence[Location]:
    """The parts with the dialogues of a run.

    Raises:
        ConfigError: some do not exist yet.
    """
    chosen = last_dialogues(plans)
    missing = sum(len(plan.shards) - len(plan.parts) for plan in chosen)
    if missing or not chosen:
        raise ConfigError(f"the run is not finished: {missing} shards of dialogues are to be made")
    return [made.part for made in done_parts(chosen)]


def existing_dialogues(plans: Sequence[NodePlan]) -> Sequence[Location]:
    """The parts with dialogues that exist now: of the last nodes if they have any, else of those
    that these read, and so on.

    Raises:
        ConfigError: there are none.
    """
    made = {plan.node.name: plan for plan in plans if plan.node.stage.writes is Dialogue}
    chosen = last_dialogues(plans)
    while chosen:
        if found := [made.part for made in done_parts(chosen)]:
            return found
        above = dict.fromkeys(other.name for plan in chosen for other in plan.node.after)
        chosen = [made[name] for name in above if name in made]
    missing = ", ".join(f"{name} of {len(plan.shards)} shards" for name, plan in made.items())
    raise ConfigError(f"the run has no dialogues yet: to be made are {missing or 'none'}")


def run_samples(plans: Sequence[NodePlan], *, frames: bool) -> Iterator[VideoSample]:
    """The videos of a run that have dialogues, shard after shard; one is held at a time.

    Raises:
        ConfigError: with ``frames``, some do not exist yet.
    """
    kinds: list[type[Record]] = [Dialogue, FramedSegment] if frames else [Dialogue]
    chosen = [*last_dialogues(plans)]
    if frames:
        chosen += [p for p in plans if issubclass(p.node.stage.writes, FramedSegment)]
    for plan in chosen:
        if plan.missing:
            raise ConfigError(f"the run is not finished: {plan.node.name} is to be made")
    for shard in sorted({shard for plan in chosen for shard in plan.parts}):
        parts: dict[type[Record], list[Location]] = {
            kind: [
                plan.parts[shard]
                for plan in chosen
                if issubclass(plan.node.stage.writes, kind) and shard in plan.parts
            ]
            for kind in kinds
        }
        for rows in read_videos(kinds, parts):
            yield VideoSample(rows[Dialogue], rows[FramedSegment] if frames else ())
