"""What a whole run looks like: its yields, rejects, shares, agreement, timing, tokens and pace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.dialogue.state_counts import DURATIONS, PAPER_RATIO, PAPER_SHARES, PAPER_VIDEOS
from pipeline.errors import ConfigError
from pipeline.records import VerifiedEvent
from pipeline.reports.corpus_facts import teachers
from pipeline.reports.kept_at import kept_at
from pipeline.reports.node_summary import NodeSummary
from pipeline.reports.status import RunSummary
from pipeline.scoring.truth.described import score_human
from pipeline.scoring.truth.iou_stats import OffsetScore
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.store.run_log import read_log
from pipeline.workflow.config import RunConfig
from pipeline.workflow.plan import NodePlan

THRESHOLDS = tuple(step / 100 for step in range(101))
"""Those that the slider of the page has."""
_BARS = 20
"""Of the histogram of IoUs; the last one includes 1."""
_POINTS = 200
"""At most so many of a curve over time."""

Shown = dict[str, Any]


def overview(
    settings: RunConfig, plans: Sequence[NodePlan], summary: RunSummary, root: Location
) -> Shown:
    """All of it but what needs the dialogues, which ``of_samples`` adds.

    Raises:
        StoreError: a part cannot be read.
    """
    counts = {node.node: node for node in summary.nodes}
    return {
        "name": settings.run.name,
        "nodes": [_node(plan, counts[plan.node.name]) for plan in plans],
        "meanings": _meanings(plans),
        "videos": {
            "in": summary.videos_in,
            "out": summary.videos_out,
            "open": summary.videos_open,
            "rejected": summary.videos_rejected,
            "absent": summary.videos_absent,
        },
        "placed": summary.placed,
        "agreement": [_agreement(plan) for plan in _verifying(plans)],
        "offsets": list(_offsets(plans)),
        "teachers": [each.model_dump(mode="json") for each in teachers(settings, counts)],
        "pace": pace(read_log(root)),
    }


def of_samples(
    samples: Mapping[str, int],
    negatives: Mapping[str, int],
    states: Mapping[str, int],
    durations: Mapping[str, int],
) -> Shown:
    """Counts of dialogues by task, of the negatives among them, of turns by state (without the
    negatives), and of videos by bin of length; each beside the paper's."""
    tasks = [*PAPER_SHARES, *sorted(samples.keys() - PAPER_SHARES.keys())]
    return {
        "tasks": [
            {
                "task": task,
                "samples": samples.get(task, 0),
                "negatives": negatives.get(task, 0),
                "paper": PAPER_SHARES.get(task),
            }
            for task in tasks
        ],
        "states": [
            {"state": state, "turns": states.get(state, 0), "paper": share}
            for state, share in PAPER_RATIO.items()
        ],
        "durations": [
            {"bin": name, "videos": durations.get(name, 0), "paper": PAPER_VIDEOS[name]}
            for name in DURATIONS
        ],
    }


def _node(plan: NodePlan, counts: NodeSummary) -> Shown:
    shown = counts.model_dump(mode="json")
    policies = plan.node.stage.policies
    return shown | {"after": [n.name for n in plan.node.after], "policies": sorted(policies)}


def _meanings(plans: Sequence[NodePlan]) -> dict[str, str]:
    return {r.name: r.meaning for plan in plans for r in plan.node.stage.reasons}


def _verifying(plans: Sequence[NodePlan]) -> Iterator[NodePlan]:
    return (p for p in plans if p.node.stage.writes is VerifiedEvent and p.parts)


def _agreement(plan: NodePlan) -> Shown:
    config: Any = plan.node.config
    columns = ("video_id", "family", "iou", "grounded_start_s")
    rows = [row for made in plan.done() for row in read_table(made.part, columns).to_pylist()]
    kept = kept_at(rows, config.policy)
    found = [row["iou"] for row in rows if row["grounded_start_s"] is not None]
    bars = Counter(min(_BARS - 1, int(iou * _BARS)) for iou in found)
    return {
        "node": plan.node.name,
        "policy": config.policy,
        "min_iou": config.min_iou,
        "events": len(rows),
        "not_found": len(rows) - len(found),
        "bars": [bars[bar] for bar in range(_BARS)],
        "kept": [kept(threshold) for threshold in THRESHOLDS],
    }


def _offsets(plans: Sequence[NodePlan]) -> Iterator[Shown]:
    """By how much models are late, where people described the videos."""
    try:
        report = score_human(plans)
    except ConfigError:  # nobody described any of them
        return
    for score in report.found:
        if score.source is None and score.starts.times:
            yield _timed(f"found, {score.task}", score.recall.mean, score.starts, score.ends)
    for located in report.grounded:
        if located.source is None and located.starts.times:
            yield _timed(located.node, located.captions.mean, located.starts, located.ends)


def _timed(what: str, iou: float | None, starts: OffsetScore, ends: OffsetScore) -> Shown:
    return {
        "what": what,
        "mean_iou": iou,
        "starts": starts.model_dump(mode="json"),
        "ends": ends.model_dump(mode="json"),
    }


def pace(entries: Iterable[Mapping[str, Any]]) -> Shown:
    """How shards, asks and tokens of answers added up over time, from the log of the runs.

    ``at_s`` counts seconds of work from the first line on: of a pause between two runs, none.
    """
    done = (each for each in entries if not each["blocked"] and each["error"] is None)
    rows = sorted(
        ((datetime.fromisoformat(each["at"]).timestamp(), each) for each in done),
        key=lambda timed: timed[0],
    )
    at_s: list[float] = []
    sums: dict[str, list[int]] = {"shards": [], "rows": [], "asks": [], "tokens_out": []}
    elapsed_s, before_s = 0.0, None
    totals: Counter[str] = Counter()
    for time_s, entry in rows:
        step_s = 0.0 if before_s is None else time_s - before_s
        # A shard that took as long was under way.
        elapsed_s += min(step_s, max(entry["seconds"], 1.0))
        before_s = time_s
        counts = entry["counts"]
        totals.update(shards=1, rows=counts.get("rows_out", 0), asks=counts.get("asks", 0))
        totals.update(tokens_out=counts.get("tokens_out", 0))
        if at_s and at_s[-1] == elapsed_s:
            for name, values in sums.items():
                values[-1] = totals[name]
            continue
        at_s.append(elapsed_s)
        for name, values in sums.items():
            values.append(totals[name])
    keep = _even(len(at_s))
    return {
        "at_s": [round(at_s[place], 3) for place in keep],
        **{name: [values[place] for place in keep] for name, values in sums.items()},
    }


def _even(number: int) -> Sequence[int]:
    if number <= _POINTS:
        return range(number)
    return [round(at * (number - 1) / (_POINTS - 1)) for at in range(_POINTS)]
