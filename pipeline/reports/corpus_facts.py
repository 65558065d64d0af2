"""What the card of a corpus says of the run that made it, gathered from its config and parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.corpus.facts import (
    TENTHS,
    Agreement,
    Asked,
    HumanTiming,
    Intake,
    NodeFacts,
    PromptFacts,
    RunFacts,
    Setting,
    Teacher,
    Turned,
    Withdrawn,
    tenth,
)
from pipeline.errors import ConfigError
from pipeline.records import Dialogue, TaskMixture, VerifiedEvent
from pipeline.reports.node_summary import NodeSummary, tokens_an_hour
from pipeline.reports.public_config import public_config, without_leaks
from pipeline.reports.status import RunSummary
from pipeline.scoring.truth.described import score_human
from pipeline.scoring.truth.iou_stats import IouScore, OffsetScore
from pipeline.store.part_names import rejects_path
from pipeline.store.parts import read_table
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import Node
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.withdrawal import Exclusion

_NAMED = re.compile(r"`(\w+)`")
"""What the meaning of a reason names."""


def corpus_facts(config: RunConfig, plans: Sequence[NodePlan], summary: RunSummary) -> RunFacts:
    """All that the card says of the run. The same parts, the same facts: no clock has a say.

    Raises:
        StoreError: a part cannot be read.
    """
    counts = {node.node: node for node in summary.nodes}
    texts = {p.name: p.text for plan in plans for p in plan.node.prompts.values()}
    agreement = [_agreement(plan) for plan in plans if plan.node.stage.writes is VerifiedEvent]
    return RunFacts(
        intake=Intake(
            videos=summary.videos_in,
            annotated=summary.videos_out,
            rejected=summary.videos_rejected,
            absent=summary.videos_absent,
            unfinished=summary.videos_open,
            in_streams=summary.videos_in_streams,
            streams=summary.streams.made if summary.streams else 0,
            streams_annotated=summary.streams.annotated if summary.streams else 0,
        ),
        teachers=list(teachers(config, counts)),
        asked=_asked(summary.nodes),
        prompts=[
            PromptFacts(
                name=prompt.name,
                sha=prompt.sha,
                nodes=[p.node.name for p in plans if prompt.name in p.node.prompts],
            )
            for prompt in sorted(
                {p.name: p for plan in plans for p in plan.node.prompts.values()}.values(),
                key=lambda prompt: prompt.name,
            )
        ],
        policies=[setting for plan in plans for setting in _policies(plan.node)],
        nodes=[node_facts(plan, counts[plan.node.name]) for plan in plans],
        agreement=[each for each in agreement if each.events],
        timing=_timing(plans),
        withdrawn=[each for plan in plans for each in _withdrawn(plan)],
        config=public_config(config),
        texts=texts,
    )


def teachers(config: RunConfig, counts: Mapping[str, NodeSummary]) -> Iterator[Teacher]:
    """The models that nodes ask, by role, with what they were asked and what it cost."""
    for role, engine in config.engines.items():
        nodes = [name for name, node in config.nodes.items() if node.engine == role]
        if not nodes:
            continue
        asked = [counts[name] for name in nodes]
        tokens_in = sum(node.tokens_in for node in asked)
        cached = sum(node.tokens_cached for node in asked)
        tokens_out = sum(node.tokens_out for node in asked)
        prices = engine.prices
        cost = round(prices.cost(tokens_in, cached, tokens_out), 2) if prices else None
        settings = engine.identity()
        yield Teacher(
            role=role,
            kind=engine.kind,
            model=without_leaks(settings.pop("model")),
            revision=without_leaks(settings.pop("revision")),
            settings=without_leaks(settings),
            nodes=nodes,
            asks=sum(node.asks for node in asked),
            unanswered=sum(sum(node.reply_errors.values()) for node in asked),
            tokens_in=tokens_in,
            tokens_cached=cached,
            tokens_out=tokens_out,
            cost=cost,
            currency=prices.currency if prices else "",
        )


def _asked(nodes: Sequence[NodeSummary]) -> Asked:
    fresh, cached = tokens_an_hour(nodes)
    return Asked(
        fresh_an_hour=round(fresh),
        cached_an_hour=round(cached),
        filtered=sum(node.asks_filtered for node in nodes),
        reused=sum(node.asks_reused for node in nodes),
    )


def _policies(node: Node) -> Iterator[Setting]:
    if not issubclass(node.stage.writes, Dialogue | TaskMixture):
        return
    fields = type(node.config).model_fields
    for name, value in without_leaks(node.config.model_dump(mode="json")).items():
        if name not in Exclusion.model_fields:
            meaning = fields[name].description or ""
            yield Setting(node=node.name, name=name, value=value, meaning=meaning)


def node_facts(plan: NodePlan, counts: NodeSummary) -> NodeFacts:
    """How many videos and rows a node took and gave, and what it turned down, by its settings."""
    stage, settings = plan.node.stage, plan.node.config.model_dump(mode="json")
    meanings = {reason.name: reason.meaning for reason in stage.reasons}
    rows: Mapping[str, int] = counts.rejected | counts.absent
    rows_out = counts.rows_out
    if stage.writes is VerifiedEvent:  # it keeps what it turns down, with the reason
        found = Counter[str]()
        for part in plan.parts.values():
            found.update(map(str, read_table(part, ("reason",)).column("reason").to_pylist()))
        rows_out, rows = found.pop("", 0), found
    decisive = {name: _decisive(meaning, settings) for name, meaning in meanings.items()}
    rows = {name: 0 for name, named in decisive.items() if named} | dict(rows)
    return NodeFacts(
        node=plan.node.name,
        stage=stage.name,
        version=stage.version,
        videos_in=counts.videos_in,
        videos_out=counts.videos_out,
        rows_out=rows_out,
        turned_down=[
            Turned(
                reason=reason,
                rows=number,
                absence=reason in stage.absences,
                settings=without_leaks(decisive.get(reason, {})),
            )
            for reason, number in sorted(rows.items(), key=lambda item: (-item[1], item[0]))
        ],
    )


def _decisive(meaning: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the meaning of a reason names."""
    return {name: settings[name] for name in _NAMED.findall(meaning) if name in settings}


def _agreement(plan: NodePlan) -> Agreement:
    kept = not_found = events = 0
    tenths = [0] * TENTHS
    for part in plan.parts.values():
        for row in read_table(part, ("iou", "kept", "grounded_start_s")).to_pylist():
            events += 1
            kept += row["kept"]
            if row["grounded_start_s"] is None:
                not_found += 1
            else:
                tenths[tenth(row["iou"])] += 1
    return Agreement(
        node=plan.node.name, events=events, kept=kept, not_found=not_found, tenths=tenths
    )


def _timing(plans: Sequence[NodePlan]) -> list[HumanTiming]:
    try:
        report = score_human(plans)
    except ConfigError:  # people described none of these videos
        return []
    found = [
        _timed(f"found by themselves: {score.task}", score.recall, score.starts, score.ends)
        for score in report.found
        if score.source is None
    ]
    located = [
        _timed(f"located by {score.node}", score.captions, score.starts, score.ends)
        for score in report.grounded
        if score.source is None
    ]
    return [each for each in (*found, *located) if each.spans]


def _timed(what: str, ious: IouScore, starts: OffsetScore, ends: OffsetScore) -> HumanTiming:
    return HumanTiming(
        what=what,
        spans=ious.whole,
        mean_iou=ious.mean,
        at_0_5=ious.at_0_5,
        starts_s=starts.median_s,
        ends_s=ends.median_s,
    )


def _withdrawn(plan: NodePlan) -> Iterator[Withdrawn]:
    config = plan.node.config
    if not isinstance(config, Exclusion) or not config.exclude:
        return
    samples: Counter[str] = Counter()
    videos: dict[str, set[str]] = {}
    for part in plan.parts.values():
        columns = ("video_id", "reason", "detail")
        for row in read_table(rejects_path(part), columns).to_pylist():
            if row["reason"] == "withdrawn":
                samples[row["detail"]] += 1
                videos.setdefault(row["detail"], set()).add(row["video_id"])
    for reason in dict.fromkeys(each.reason for each in config.exclude):
        yield Withdrawn(reason=reason, videos=len(videos.get(reason, ())), samples=samples[reason])
