"""The graph of nodes of a run, built from its config and checked before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pipeline.engines.answer import answer_schema
from pipeline.engines.base import EngineConfig
from pipeline.errors import ConfigError, did_you_mean, explain
from pipeline.records.digest import FORMAT, digest
from pipeline.records.schema import schema_of
from pipeline.workflow.config import Execution, Limits, NodeSection, RunConfig
from pipeline.workflow.mixture import Mixture
from pipeline.workflow.prompt import Prompt, PromptError, load_prompts
from pipeline.workflow.stage import Stage, StageConfig, about_dataset, load_stage
from pipeline.workflow.withdrawal import Exclusion

LANGUAGE = "language"
"""The setting of stages that the run has for all of them."""
STAGES = Path(__file__).resolve().parents[2] / "stages"


@dataclass(frozen=True)
class Node:
    """A stage in the graph, with its settings resolved."""

    name: str
    stage: Stage[Any]
    config: StageConfig
    after: tuple[Node, ...]
    engine: EngineConfig | None
    prompts: Mapping[str, Prompt]
    execution: Execution
    limits: Limits

    @cached_property
    def bases(self) -> frozenset[str]:
        """The nodes that brought forth its videos: the one that reads the manifest, nodes that make
        streams, or both; none where all that it reads is about the dataset."""
        if self.stage.scope in ("source", "streams"):
            return frozenset([self.name])
        of_videos = [other for other in self.after if not about_dataset(other.stage.writes)]
        return frozenset().union(*(other.bases for other in of_videos))

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """Everything but what it reads that can change this node's output, as plain data.

        Not in it: transport, executor, workers, resources, limits, and the locations of files.
        """
        return {
            "format": FORMAT,
            "stage": self.stage.name,
            "version": self.stage.version,
            "config": self.config.model_dump(mode="json"),
            "prompt": {name: prompt.text for name, prompt in self.prompts.items()},
            # As text, for its fields have an order: a model writes what it saw before its verdict.
            "answer": self.stage.answer and json.dumps(answer_schema(self.stage.answer)),
            "engine": self.engine and self.engine.identity(),
            "writes": schema_of(self.stage.writes).to_string(truncate_metadata=False),
        }

    @cached_property
    def recipe_digest(self) -> str:
        """Digest of the recipe."""
        return digest(self.recipe)


def build_graph(config: RunConfig) -> Sequence[Node]:
    """The nodes of a run, each after the nodes it reads, otherwise in the order of the config.

    Raises:
        ConfigError: a cycle, an unknown name, a wrong key, or inputs that a stage does not read.
    """
    for name, section in config.nodes.items():
        for other in section.after:
            if other not in config.nodes:
                hint = did_you_mean(other, config.nodes)
                raise ConfigError(f"nodes.{name}.after: there is no node {other!r}{hint}")
    order = TopologicalSorter({k: v.after for k, v in config.nodes.items()})
    done: dict[str, Node] = {}
    try:
        order.prepare()
    except CycleError as error:
        raise ConfigError(f"nodes: these go in a circle: {' -> '.join(error.args[1])}") from None
    place = {name: i for i, name in enumerate(config.nodes)}
    ready: list[str] = []
    while order.is_active():
        ready = sorted([*ready, *order.get_ready()], key=place.__getitem__)
        name = ready.pop(0)
        done[name] = _node(name, config.nodes[name], config, done)
        order.done(name)
    _check_sources(list(done.values()))
    _check_exclusion(config, list(done.values()))
    _check_mixtures(list(done.values()))
    return list(done.values())


def tasks_lacking(nodes: Sequence[Node]) -> dict[str, list[str]]:
    """The tasks with a share in a mixture that no node above it can make, by the node of the
    mixture. Where a stage above does not say what it makes, nothing is lacking."""
    made: dict[str, frozenset[str] | None] = {}
    found: dict[str, list[str]] = {}
    for node in nodes:
        tasks = node.stage.tasks_made(node.config, (made[other.name] for other in node.after))
        made[node.name] = tasks
        wanted = node.config.shares.keys() if isinstance(node.config, Mixture) else set[str]()
        if tasks is not None and (lacking := sorted(wanted - tasks)):
            found[node.name] = lacking
    return found


def refusal_of(nodes: Sequence[Node]) -> Callable[[Mapping[str, Any]], str] | None:
    """Why the node that reads the manifest turns a row down whatever its file is, if it says so."""
    node = next(node for node in nodes if node.stage.scope == "source")
    judge = node.stage.refusal
    return None if judge is None else lambda row: judge(row, node.config)


def stage_names() -> list[str]:
    """Names of all stages, sorted."""
    return sorted(p.stem for p in STAGES.glob("*.py") if not p.stem.startswith("_"))


def find_stage(key: str, name: str) -> Stage[Any]:
    """The stage of that name.

    Raises:
        ConfigError: there is none; the message begins with ``key`` and names a close one.
    """
    try:
        if name.isidentifier() and not name.startswith("_"):
            return load_stage(name)
    except ModuleNotFoundError as error:
        if error.name != f"stages.{name}":
            raise
    hint = did_you_mean(name, stage_names())
    raise ConfigError(f"{key}: there is no stage {name!r}{hint}")


def _node(name: str, section: NodeSection, config: RunConfig, done: Mapping[str, Node]) -> Node:
    where = f"nodes.{name}"
    stage = find_stage(f"{where}.stage", section.stage)
    values = dict(section.config)
    for _, shared in config:
        # A section of the run has defaults for the stages whose config extends a model of it.
        if isinstance(shared, BaseModel):
            values = _shared(shared, stage.config) | values
    if LANGUAGE in stage.config.model_fields and values.get(LANGUAGE) is None:
        values[LANGUAGE] = config.language
    try:
        settings = stage.config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, stage.config, f"{where}.config")) from None
    # Sorted, so that the order in the config changes neither rows nor identity.
    after = tuple(done[other] for other in sorted(set(section.after)))
    _check_reads(where, stage, after)
    prompts = _prompts(f"{where}.config", stage, settings)
    if problems := list(stage.config_problems(settings, prompts)):
        raise ConfigError("\n".join(f"{where}.config.{problem}" for problem in problems))
    engine = _engine(where, stage, section, config)
    execution, limits = section.execution, section.limits
    return Node(name, stage, settings, after, engine, prompts, execution, limits)


def _shared(section: BaseModel, config: type[StageConfig]) -> dict[str, Any]:
    """The fields of a section that are of a model which it and the config of a stage extend."""
    models = (b for b in config.__bases__ if issubclass(b, BaseModel) and isinstance(section, b))
    names = {name for model in models for name in model.model_fields}
    return section.model_dump(include=names)


def _prompts(where: str, stage: Stage[Any], settings: StageConfig) -> dict[str, Prompt]:
    """The prompts of a node, checked with what the stage fills them with."""
    prompts: dict[str, Prompt] = {}
    for name in settings.prompts():
        key = next((key for key, value in settings if value == name), "prompt")
        try:
            loaded = load_prompts(name)
        except PromptError as error:
            raise ConfigError(f"{where}.{key}: {error}") from None
        if problems := list(stage.prompt_problems(loaded)):
            raise ConfigError("\n".join(f"{where}.{key}: {problem}" for problem in problems))
        prompts |= loaded
    return prompts


def _engine(
    where: str, stage: Stage[Any], section: NodeSection, config: RunConfig
) -> EngineConfig | None:
    if stage.answer is None:
        if section.engine is not None:
            raise ConfigError(f"{where}.engine: stage {stage.name!r} asks no model")
        return None
    if section.engine is None:
        raise ConfigError(f"{where}.engine: stage {stage.name!r} asks a model: name its role")
    if section.engine not in config.engines:
        known = ", ".join(sorted(config.engines)) or "none"
        raise ConfigError(
            f"{where}.engine: role {section.engine!r} has no entry in engines; known: {known}"
        )
    engine = config.engines[section.engine]
    if stage.wants not in engine.gives:
        raise ConfigError(
            f"{where}.engine: stage {stage.name!r} asks for {stage.wants}, and the engine of role"
            f" {section.engine!r} gives {' and '.join(sorted(engine.gives))}: see its key answers"
        )
    return engine


def _check_reads(where: str, stage: Stage[Any], after: Sequence[Node]) -> None:
    """Each kind that is read must be written by a node of ``after``, and each node be read."""
    names = ", ".join(kind.__name__ for kind in stage.reads) or "the manifest only"
    for kind in stage.reads:
        if not any(issubclass(node.stage.writes, kind) for node in after):
            inputs = ", ".join(f"{n.name} ({n.stage.writes.__name__})" for n in after) or "nothing"
            raise ConfigError(
                f"{where}.after: stage {stage.name!r} reads {names}, but {kind.__name__} comes from"
                f" none of: {inputs}"
            )
    for node in after:
        if not any(issubclass(node.stage.writes, kind) for kind in stage.reads):
            raise ConfigError(
                f"{where}.after: {node.name!r} writes {node.stage.writes.__name__}, which stage"
                f" {stage.name!r} does not read; it reads {names}"
            )


def _check_exclusion(config: RunConfig, nodes: Sequence[Node]) -> None:
    """What is to be withdrawn must not stay because nobody looks."""
    if config.corpus.exclude and not any(isinstance(node.config, Exclusion) for node in nodes):
        raise ConfigError(
            "corpus.exclude: no node of this run takes dialogues out of the corpus: put one of the"
            " stage apply_mixture above the one that writes it"
        )


def _check_mixtures(nodes: Sequence[Node]) -> None:
    failing = {
        n.name for n in nodes if isinstance(n.config, Mixture) and n.config.lacking == "fail"
    }
    for name, tasks in tasks_lacking(nodes).items():
        if name in failing:
            text = f"no node makes {', '.join(tasks)}: put one in, or set lacking: rescale"
            raise ConfigError(f"nodes.{name}.config.shares: {text}")


def _check_sources(nodes: Sequence[Node]) -> None:
    sources = [node.name for node in nodes if node.stage.scope == "source"]
    if len(sources) != 1:
        raise ConfigError(
            "nodes: exactly one node must read the manifest (stage: ingest), not"
            f" {', '.join(sources) or 'none'}"
        )
    for node in nodes:
        for other in node.after:
            joined = not other.stage.by_shard and not about_dataset(other.stage.writes)
            if joined and node.stage.scope not in ("dataset", "streams"):
                raise ConfigError(
                    f"nodes.{node.name}.after: {other.name!r} works on several shards at once, so"
                    " only a stage that works on all can read it"
                )
        _check_bases(node, sources[0])


def _check_bases(node: Node, source: str) -> None:
    """Streams are made of videos of the manifest, and a node that reads both has all that it reads
    of both."""
    above = [other for other in node.after if not about_dataset(other.stage.writes)]
    bases = sorted({base for other in above for base in other.bases})
    if node.stage.scope == "streams":
        if bases != [source]:
            raise ConfigError(
                f"nodes.{node.name}.after: not supported: streams of streams; it is to read rows of"
                f" the videos of {source} alone"
            )
        return
    for kind in (kind for kind in node.stage.reads if not about_dataset(kind)):
        made = {b for o in above if issubclass(o.stage.writes, kind) for b in o.bases}
        if lacking := [base for base in bases if base not in made]:
            raise ConfigError(
                f"nodes.{node.name}.after: it reads videos of {' and '.join(bases)}, but no"
                f" {kind.__name__} of those of {lacking[0]}: name a node that makes it of them"
            )
