"""Compares a run with the spans that people described in its videos.

Two comparisons: spans that models found by themselves, and spans that they located for the human
captions, which is the usual measure of temporal grounding. Parts are read shard by shard, so memory
does not grow with the run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import ConfigError
from pipeline.records import Annotation, GroundedEvent, SourceAnnotation, Video
from pipeline.records.spans import TimeSpan, iou
from pipeline.scoring.matching import Fit, fit
from pipeline.scoring.truth.described_report import FoundScore, GroundedScore, HumanReport
from pipeline.scoring.truth.iou_stats import IouTally, PairTally
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.workflow.outputs import done_parts, final_annotations, found_by_models, rows_of
from pipeline.workflow.plan import NodePlan

HUMAN = "human"
TASKS = ("event_caption", "action_caption", "event_grounding")
"""The tasks whose responses are spans."""
ANY_TASK = "any"
TOLERANCE_S = 1.0
"""The default of the stages that read source annotations; spans that leave their video by more are
rejected."""

By = tuple[str | None, str]
"""A source, None for all of them, and a task or a node."""


@dataclass
class _Found:
    recall: IouTally = field(default_factory=IouTally)
    precision: IouTally = field(default_factory=IouTally)
    pairs: PairTally = field(default_factory=PairTally)

    def add(self, video: Fit) -> None:
        """Add a video: the fit of its human spans (first) and predicted spans (second)."""
        self.recall.add(video.first)
        self.precision.add(video.second)
        for true, predicted in video.pairs:
            self.pairs.add(true, predicted)


@dataclass
class _Grounded:
    captions: IouTally = field(default_factory=IouTally)
    pairs: PairTally = field(default_factory=PairTally)

    def add(self, spans: Sequence[TimeSpan], located: TimeSpan | None) -> None:
        """Add a caption: the spans annotated for it, and the predicted one if it was found."""
        if located is None:
            self.captions.add([0.0])
            return
        # Of spans without overlap, the nearest.
        fits = [(iou(located, span), -abs(located[0] - span[0]), span) for span in spans]
        overlap, _, true = max(fits)
        self.captions.add([overlap])
        self.pairs.add(true, located)


def human_span(entry: SourceAnnotation, duration_s: float) -> TimeSpan | None:
    """The span of a human annotation, clipped to the video.

    None if it is empty, or leaves the video by more than ``TOLERANCE_S`` and the resolution of its
    times.
    """
    if entry.start_s is None or entry.end_s is None:
        return None
    if entry.end_s > duration_s + max(TOLERANCE_S, entry.resolution_s):
        return None
    end_s = min(entry.end_s, duration_s)
    return (entry.start_s, end_s) if entry.start_s < end_s else None


def score_human(plans: Sequence[NodePlan]) -> HumanReport:
    """The report on the parts that exist now.

    Raises:
        ConfigError: no video has been admitted, or none has a human span.
        StoreError: a part cannot be read.
    """
    report = _report(plans)
    if not report.videos:
        raise ConfigError("no video of this run has been admitted yet: run it first")
    if not report.spans:
        impossible = f" ({report.spans_impossible} are impossible)" * bool(report.spans_impossible)
        raise ConfigError(
            f"no video of this run has a human span{impossible}; that is an annotation in"
            " the manifest of the kind event or step, with start_s, end_s and the origin human;"
            " for the scripted scenes there is --truth FOLDER"
        )
    return report


def _report(plans: Sequence[NodePlan]) -> HumanReport:
    counts: Counter[str] = Counter()
    found: dict[By, _Found] = defaultdict(_Found)
    grounded: dict[By, _Grounded] = defaultdict(_Grounded)
    final = final_annotations(plans)
    grounding = {p.node.name: p.parts for p in plans if p.node.stage.writes is GroundedEvent}
    # Videos that are annotated as clips of streams alone are none to be compared.
    bases = {base for plan in final for base in plan.node.bases}
    admitting = [p for p in plans if p.node.stage.writes is Video]
    for made in done_parts(p for p in admitting if not final or p.node.name in bases):
        # A node that never ran does not hold up the shards of the others.
        annotating = [p.parts for p in final if p.parts and made.node in p.node.bases]
        videos = rows_of(Video, made.part)
        human = {video.video_id: _human_spans(video, counts) for video in videos}
        annotated = {video.video_id: video for video in videos if human[video.video_id]}
        if annotated and all(made.shard in parts for parts in annotating):
            predicted = _predicted([parts[made.shard] for parts in annotating])
            for video_id, video in annotated.items():
                _add_found(found, video, human[video_id], predicted[video_id])
        else:
            counts["open"] += len(annotated)
        sources = {video.video_id: video.source for video in videos}
        for node, parts in grounding.items():
            if made.shard in parts and _has(parts[made.shard], "origin", (HUMAN,)):
                rows = rows_of(GroundedEvent, parts[made.shard])
                _add_grounded(grounded, node, rows, sources)
        counts.update(videos=len(videos), annotated=len(annotated))
        counts["spans"] += sum(map(len, human.values()))
    return HumanReport(
        videos=counts["videos"],
        videos_annotated=counts["annotated"],
        videos_open=counts["open"],
        spans=counts["spans"],
        spans_impossible=counts["impossible"],
        found=_found_scores(found),
        grounded=_grounded_scores(grounded),
    )


def _human_spans(video: Video, counts: Counter[str]) -> Sequence[TimeSpan]:
    """The possible ones, each once and sorted; the impossible ones are counted."""
    spans: set[TimeSpan] = set()
    for entry in video.annotations:
        described = entry.kind in ("event", "step") and entry.origin == HUMAN
        if described and (entry.start_s, entry.end_s) != (None, None):
            span = human_span(entry, video.duration_s)
            spans.update([span] if span else [])
            counts["impossible"] += span is None
    return sorted(spans)


def _predicted(parts: Iterable[Location]) -> Mapping[str, Mapping[str, Sequence[TimeSpan]]]:
    """By video and task, the spans that models found by themselves."""
    spans: dict[str, dict[str, list[TimeSpan]]] = defaultdict(lambda: {task: [] for task in TASKS})
    for part in parts:
        if not _has(part, "task", TASKS):
            continue
        for row in rows_of(Annotation, part):
            if row.task in TASKS and found_by_models(row):
                spans[row.video_id][row.task] += ((r.start_s, r.end_s) for r in row.responses)
    return spans


def _has(part: Location, column: str, values: Iterable[str]) -> bool:
    """Whether one of these values is in a column of a part. Of most parts none is, and their rows
    need not be read."""
    return not set(values).isdisjoint(read_table(part, [column]).column(column).to_pylist())


def _add_found(
    found: Mapping[By, _Found],
    video: Video,
    human: Sequence[TimeSpan],
    predicted: Mapping[str, Sequence[TimeSpan]],
) -> None:
    together = {span for spans in predicted.values() for span in spans}
    for task, spans in (*predicted.items(), (ANY_TASK, together)):
        fitting = fit(human, spans)
        for source in (None, video.source):
            found[source, task].add(fitting)


def _add_grounded(
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
    answered = {task for (_, task), tally in found.items() if tally.precision.whole}
    scores = []
    for source, task in _keys(found, (*TASKS, ANY_TASK)):
        tally = found[source, task] if task in answered else _Found()
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
        for source, node in _keys(grounded, nodes)
    ]


def _keys(tallies: Mapping[By, object], names: Iterable[str]) -> list[By]:
    """The keys in order of name; single sources only if there are several."""
    sources = sorted({source for source, _ in tallies if source is not None})
    single = sources if len(sources) > 1 else []
    return [(s, name) for name in names for s in (None, *single) if (s, name) in tallies]
