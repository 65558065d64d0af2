"""Which tasks a node has, the numbers of their shards, and what each of them reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pipeline.errors import ConfigError
from pipeline.store.location import Location
from pipeline.store.part_names import recipe_folder
from pipeline.workflow.graph import Node
from pipeline.workflow.stage import about_dataset
from pipeline.workflow.task import Key, PlannedTask

Shards = tuple[range, ...]
"""The numbers of shards, one range for each node in ``Node.bases``, in order."""
STREAMS_FROM = 1_000_000
"""The shards of the manifest have lower numbers; those of the ``n``th node that makes streams begin
at ``n`` times this. So no shard changes its number where the manifest grows."""


def all_tasks(
    nodes: Sequence[Node],
    shards: Sequence[tuple[int, str]],
    media_root: Location,
    root: Location,
) -> Iterator[tuple[Node, Location, Sequence[PlannedTask]]]:
    """Each node, in the order of ``nodes``, with the folder of its recipe and its tasks.

    ``shards`` are those of the manifest: the number of its rows, and its identity.

    Raises:
        ConfigError: there are so many that shards of streams would have their numbers.
    """
    rows = sum(n_rows for n_rows, _ in shards)
    made: dict[str, Shards] = {}
    first = 0
    for node in nodes:
        folder = recipe_folder(root, node.name, node.recipe_digest)
        about = {}
        if node.stage.scope == "streams":
            first += STREAMS_FROM
            about = {"n_made": node.stage.shards_made(node.config, rows)}
            if max(len(shards), about["n_made"]) > STREAMS_FROM:
                raise ConfigError(
                    f"run.videos_per_shard: not supported: streams of more than {STREAMS_FROM:,}"
                    " shards; put more videos into one"
                )
        numbered = _tasks(node, shards, made, first if about else 0)
        tasks = [_task(node, media_root, folder, each | about) for each in numbered]
        made[node.name] = _made(node, tasks, made)
        yield node, folder, tasks


def _tasks(
    node: Node, shards: Sequence[tuple[int, str]], made: Mapping[str, Shards], first: int
) -> Iterator[dict[str, Any]]:
    """What differs between the tasks of a node: number, what is read, how many parts are made.

    ``first``: the number of the first new shard of a node that makes streams.
    """
    if node.stage.scope == "source":
        for i, (_, identity) in enumerate(shards):
            yield {"shard": i, "manifest": identity}
        return
    read = _read(node, made) or (range(len(shards)),)
    size = node.stage.shards_of_task(node.config)
    if size is None:
        groups = [(first, sorted({*chain(*read)}))]
    elif node.stage.scope == "shard":
        groups = [(i, [i]) for i in chain(*read)]
    else:
        # A group ends with its range, so that it stays as it is where another range grows.
        cut = [each[i : i + size] for each in read for i in range(0, len(each), size)]
        groups = [(number, list(group)) for number, group in enumerate(cut)]
    for number, group in groups:
        needs = (_needs(node, i, made, first=i == group[0]) for i in group)
        yield {"shard": number, "needs": tuple(filter(None, needs))}


def _read(node: Node, made: Mapping[str, Shards]) -> Shards:
    """The shards whose rows a node reads; none where all that it reads is about the dataset."""
    above = (other for other in node.after if not about_dataset(other.stage.writes))
    return tuple(sorted({each for other in above for each in made[other.name]}, key=min))


def _made(node: Node, tasks: Sequence[PlannedTask], made: Mapping[str, Shards]) -> Shards:
    """The shards whose rows a node writes."""
    if node.stage.scope == "streams":
        return (tasks[0].made,)
    return _read(node, made) if node.stage.scope == "shard" else (range(len(tasks)),)


def _needs(
    node: Node, shard: int, made: Mapping[str, Shards], *, first: bool
) -> tuple[tuple[str, Key], ...]:
    """What a task reads of a shard; parts about the whole dataset come with the first of its
    shards."""
    return tuple(
        (kind.__name__, (other.name, i))
        for kind in node.stage.reads
        for other in node.after
        if issubclass(other.stage.writes, kind) and (first or not about_dataset(kind))
        for i in (chain(*made[other.name]) if about_dataset(kind) else (shard,))
        if any(i in each for each in made[other.name])
    )


def _task(
    node: Node, media_root: Location, folder: Location, own: Mapping[str, Any]
) -> PlannedTask:
    return PlannedTask(
        node=node.name,
        stage=node.stage.name,
        config=node.recipe["config"],
        media_root=media_root,
        engine=node.engine,
        prompts=node.prompts,
        cpus=node.execution.cpus,
        gpus=node.execution.gpus,
        memory_gib=node.execution.memory_gib,
        label_selector=node.execution.label_selector,
        folder=folder,
        **own,
    )
