"""Compare what a run says with the spans that people described in its videos.

Two comparisons: of the spans that models found by themselves, and of those that they gave to the
very captions of the people, which is the usual measure of temporal grounding. Parts are read shard
by shard, so memory does not grow with the run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.records import Annotation, GroundedEvent, SourceAnnotation, Video
from pipeline.reports.scoring.human_report import FoundScore, GroundedScore, HumanReport
from pipeline.reports.scoring.iou_stats import IouTally, PairTally
from pipeline.reports.scoring.span_matching import Fit, Span, fit, iou
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.workflow.outputs import done_tasks, final_annotations, found_by_models, rows_of
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import ShardTask

HUMAN = "human"
TASKS = ("event_caption", "action_caption", "event_grounding")
"""The tasks whose responses are spans."""
ANY_TASK = "any"
TOLERANCE_S = 1.0
"""The stages that take spans over have it by default: what leaves its video by more is refused."""

By = tuple[str | None, str]
"""A source, null for all of them, and a task or a node."""


@dataclass
class _Found:
    recall: IouTally = field(default_factory=IouTally)
    precision: IouTally = field(default_factory=IouTally)
    pairs: PairTally = field(default_factory=PairTally)

    def add(self, together: Fit) -> None:
        """Count one video: its human spans, and those that were found."""
        self.recall.add(together.first)
        self.precision.add(together.second)
        for true, found in together.pairs:
            self.pairs.add(true, found)


@dataclass
class _Grounded:
    captions: IouTally = field(default_factory=IouTally)
    pairs: PairTally = field(default_factory=PairTally)

    def add(self, spans: Sequence[Span], located: Span | None) -> None:
        """Count one caption with the spans that it was written for."""
        if located is None:
            self.captions.add([0.0])
            return
        # Of spans that it does not overlap, the nearest.
        fits = [(iou(located, span), -abs(located[0] - span[0]), span) for span in spans]
        overlap, _, true = max(fits)
        self.captions.add([overlap])
        self.pairs.add(true, located)


def human_span(entry: SourceAnnotation, duration_s: float) -> Span | None:
    """The span that a person described, clipped to the video.

    None where there is none: it is empty, or leaves the video by more than ``TOLERANCE_S`` and than
    what the people told apart.
    """
    if entry.start_s is None or entry.end_s is None:
        return None
    if entry.end_s > duration_s + max(TOLERANCE_S, entry.resolution_s):
        return None
    end_s = min(entry.end_s, duration_s)
    return (entry.start_s, end_s) if entry.start_s < end_s else None


def score_human(plans: Sequence[NodePlan]) -> HumanReport:
    """The report on what the parts of a run hold now.

    Raises:
        StoreError: a part cannot be read.
    """
    seen: Counter[str] = Counter()
    found: dict[By, _Found] = defaultdict(_Found)
    grounded: dict[By, _Grounded] = defaultdict(_Grounded)
    # A node that never ran is none that the others must be waited for with.
    annotating = [_by_shard(p) for p in final_annotations(plans) if any(done_tasks([p]))]
    grounding = {
        plan.node.name: _by_shard(plan) for plan in plans if plan.node.stage.writes is GroundedEvent
    }
    for task in done_tasks(plan for plan in plans if plan.node.stage.writes is Video):
        videos = rows_of(Video, task.part)
        human = {video.video_id: _human_spans(video, seen) for video in videos}
        told = {video.video_id: video for video in videos if human[video.video_id]}
        parts = [tasks[task.shard].part for tasks in annotating]
        if all(part.exists() for part in parts):
            said = _said(parts)
            for video_id, video in told.items():
                _count_found(found, video, human[video_id], said[video_id])
        else:
            seen["open"] += len(told)
        sources = {video.video_id: video.source for video in videos}
        for node, tasks in grounding.items():
            if tasks[task.shard].part.exists():
                rows = rows_of(GroundedEvent, tasks[task.shard].part)
                _count_grounded(grounded, node, rows, sources)
        seen.update(videos=len(videos), told=len(told))
        seen["spans"] += sum(map(len, human.values()))
    return HumanReport(
        videos=seen["videos"],
        videos_told=seen["told"],
        videos_open=seen["open"],
        spans=seen["spans"],
        spans_impossible=seen["impossible"],
        found=_found_scores(found),
        grounded=_grounded_scores(grounded),
    )


def _by_shard(plan: NodePlan) -> Mapping[int, ShardTask]:
    return {task.shard: task for task in plan.tasks}


def _human_spans(video: Video, seen: Counter[str]) -> Sequence[Span]:
    """Each once, in order; those that cannot be are counted."""
    spans: set[Span] = set()
    for entry in video.annotations:
        described = entry.kind in ("event", "step") and entry.origin == HUMAN
        if described and (entry.start_s, entry.end_s) != (None, None):
            span = human_span(entry, video.duration_s)
            spans.update([span] if span else [])
            seen["impossible"] += span is None
    return sorted(spans)


def _said(parts: Iterable[Location]) -> Mapping[str, Mapping[str, Sequence[Span]]]:
    """By video and task, the spans that models found by themselves."""
    said: dict[str, dict[str, list[Span]]] = defaultdict(lambda: {task: [] for task in TASKS})
    for part in parts:
        # Most nodes write one task: those with other tasks need not be read.
        if not set(TASKS) & set(read_table(part, ["task"]).column("task").to_pylist()):
            continue
        for row in rows_of(Annotation, part):
            if row.task in TASKS and found_by_models(row):
                said[row.video_id][row.task] += ((r.start_s, r.end_s) for r in row.responses)
    return said


def _count_found(
    found: Mapping[By, _Found],
    video: Video,
    human: Sequence[Span],
    said: Mapping[str, Sequence[Span]],
) -> None:
    together = {span for spans in said.values() for span in spans}
    for task, spans in (*said.items(), (ANY_TASK, together)):
        fitting = fit(human, spans)
        for source in (None, video.source):
            found[source, task].add(fitting)


def _count_grounded(
    grounded: Mapping[By, _Grounded],
    node: str,
    rows: Sequence[GroundedEvent],
    sources: Mapping[str, str],
) -> None:
    captions: dict[tuple[str, str], list[GroundedEvent]] = defaultdict(list)
    for row in rows:
        if row.origin == HUMAN:
            captions[row.video_id, row.caption].append(row)
    for (video_id, _), events in captions.items():
        start_s, end_s = events[0].grounded_start_s, events[0].grounded_end_s
        located = None if start_s is None or end_s is None else (start_s, end_s)
        spans = [(event.start_s, event.end_s) for event in events]
        for source in (None, sources[video_id]):
            grounded[source, node].add(spans, located)


def _found_scores(found: Mapping[By, _Found]) -> list[FoundScore]:
    said = {task for (_, task), tally in found.items() if tally.precision.whole}
    scores = []
    for source, task in _several(found, (*TASKS, ANY_TASK)):
        tally = found[source, task] if task in said else _Found()
        scores.append(
            FoundScore(
                source=source,
                task=task,
                recall=tally.recall.score(),
                precision=tally.precision.score(),
                starts=tally.pairs.starts.score(),
                ends=tally.pairs.ends.score(),
            )
        )
    return scores


def _grounded_scores(grounded: Mapping[By, _Grounded]) -> list[GroundedScore]:
    nodes = dict.fromkeys(node for _, node in grounded)
    return [
        GroundedScore(
            source=source,
            node=node,
            captions=grounded[source, node].captions.score(),
            starts=grounded[source, node].pairs.starts.score(),
            ends=grounded[source, node].pairs.ends.score(),
        )
        for source, node in _several(grounded, nodes)
    ]


def _several(tallies: Mapping[By, object], names: Iterable[str]) -> list[By]:
    """What there is, by name; each source by itself only where there are several."""
    sources = sorted({source for source, _ in tallies if source is not None})
    apart = sources if len(sources) > 1 else []
    return [(s, name) for name in names for s in (None, *apart) if (s, name) in tallies]
