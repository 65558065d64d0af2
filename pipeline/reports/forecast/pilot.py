"""The pilot: rows of a manifest that a run has been through, and what each of them gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml
from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.workflow.config import SourceSection
from pipeline.workflow.graph import Node, refusal_of
from pipeline.workflow.mixture import Mixture
from pipeline.workflow.outputs import last_dialogues
from pipeline.workflow.plan import NodePlan, make_plan
from pipeline.workflow.raw_rows import RawRow
from pipeline.workflow.source import read_source


class Kind(NamedTuple):
    """Samples of a task, or its negatives."""

    task: str
    is_negative: bool


@dataclass(frozen=True)
class Pilot:
    """What was seen of the rows whose dialogues are made."""

    planned: int
    """Rows of the manifest that the run was to go through."""
    admitted: int
    """Of the rows that are done, those that became videos."""
    yields: Sequence[Mapping[Kind, int]]
    """Samples that each row gave, of those that are done; nothing of most that were turned down."""
    sources: Counter[str] = field(default_factory=Counter)
    """Rows by their source."""

    def counts(self, kind: Kind) -> list[int]:
        """How many samples of a kind each row gave."""
        return [given.get(kind, 0) for given in self.yields]

    @property
    def kinds(self) -> list[Kind]:
        """All that occur, in order."""
        return sorted({kind for given in self.yields for kind in given})


def mixture_of(nodes: Sequence[Node]) -> Mixture:
    """What the run wants of its samples; all where no node says."""
    for node in nodes:
        if isinstance(node.config, Mixture):
            return node.config
    return Mixture()


def dialogue_plans(plans: Sequence[NodePlan]) -> Sequence[NodePlan]:
    """The nodes that make the samples among which a mixture chooses."""
    above = {o.name for p in plans if isinstance(p.node.config, Mixture) for o in p.node.after}
    return [plan for plan in plans if plan.node.name in above] or last_dialogues(plans)


def pilot_plans(
    nodes: Sequence[Node], root: Location, limit: int | None
) -> tuple[SourceSection, Sequence[NodePlan]]:
    """The source of a pilot that has another root, and the plan of these nodes over it; of several
    sources that there were, of the one of which most is made.

    Raises:
        ConfigError: no run has left its settings there.
    """
    found = [
        (section, make_plan(nodes, read_source(section, limit, refusal_of(nodes)), size, root))
        for section, size in _saved(root)
    ]
    if not found:
        raise ConfigError(f"--pilot: no run has left its settings in {root}")
    return max(found, key=lambda each: sum(len(plan.parts) for plan in dialogue_plans(each[1])))


def _saved(root: Location) -> Iterator[tuple[SourceSection, int]]:
    seen: list[object] = []
    for name in (root / "settings").folders():
        saved = yaml.safe_load((root / f"settings/{name}/config.yaml").read_bytes())
        one = saved.get("source"), saved.get("run", {}).get("videos_per_shard")
        if one in seen:
            continue
        seen.append(one)
        try:
            yield SourceSection.model_validate(one[0]), int(one[1])
        except ValidationError:
            continue  # of an earlier version


def read_pilot(plans: Sequence[NodePlan]) -> Pilot:
    """What the parts of a run say of its rows. Holds a few numbers a row.

    Raises:
        ConfigError: no dialogues are made; or nodes make streams, which are no rows of a manifest
            that a pilot could be a sample of.
        StoreError: a part cannot be read.
    """
    if streams := [p.node.name for p in plans if p.node.stage.scope == "streams"]:
        raise ConfigError(
            f"nodes.{streams[0]}: not supported: a forecast of streams: what one gives depends on"
            " all clips that it could be made of, so a pilot of some says nothing of the whole"
        )
    source = next(plan for plan in plans if plan.manifest is not None)
    assert source.manifest is not None
    makers = dialogue_plans(plans)
    done = [
        shard
        for shard in range(len(source.tasks))
        if makers and all(shard in plan.parts for plan in (source, *makers))
    ]
    if not done:
        names = ", ".join(plan.node.name for plan in makers) or "a node of dialogues"
        raise ConfigError(
            f"no shard has dialogues of this config yet ({names}): run a pilot, such as"
            " `run --limit 100`, and give --limit here as there"
        )
    sources: Counter[str] = Counter()
    there = set(done)
    for shard, rows in enumerate(source.manifest.source.shards(source.manifest.videos_per_shard)):
        if shard in there:
            sources.update(map(source_of, rows))
    yields: list[Mapping[Kind, int]] = []
    admitted = 0
    for shard in done:
        given: dict[str, Counter[Kind]] = {}
        for plan in makers:
            table = read_table(plan.parts[shard], ("video_id", "task", "is_negative"))
            for row in table.to_pylist():
                kind = Kind(row["task"], row["is_negative"])
                given.setdefault(row["video_id"], Counter())[kind] += 1
        admitted += read_table(source.parts[shard], ("video_id",)).num_rows
        yields += [*given.values(), *[{}] * (source.manifest_rows[shard] - len(given))]
    return Pilot(sum(source.manifest_rows), admitted, yields, sources)


def source_of(row: RawRow) -> str:
    """The dataset that a row says it is of; empty where it says none."""
    named = row.get("source")
    return named if isinstance(named, str) else ""
