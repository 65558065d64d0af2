"""Scores of dialogues and annotations against the scripted truth of their videos."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.media.scenes.truth import Truth
from pipeline.records import Annotation, Dialogue
from pipeline.records.spans import TimeSpan, iou
from pipeline.scoring.matching import match_times
from pipeline.scoring.truth.answers import AnswerCounts, count_answers
from pipeline.scoring.truth.negatives import occurs
from pipeline.scoring.truth.scripted_report import (
    CHANGE_TOLERANCE_S,
    MIN_IOU,
    AnswerScore,
    ChangeScore,
    NegativeScore,
    Share,
    SpanScore,
    TaskCount,
    TruthReport,
)
from pipeline.store.listing import paths_of
from pipeline.workflow.outputs import (
    found_by_models,
    last_dialogues,
    read_annotations,
    read_dialogues,
)
from pipeline.workflow.plan import NodePlan

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "event_caption": ("event",),
    "action_caption": ("action",),
    "event_grounding": ("event", "action"),
}
"""For each task whose responses are spans, the families of true events they are compared with."""


def load_truths(folder: Path) -> list[Truth]:
    """Every truth file (``*.json``) of a folder, in order of name."""
    return [Truth.model_validate_json(path.read_bytes()) for path in paths_of(folder, "*.json")]


def score_plans(plans: Sequence[NodePlan], folder: Path) -> TruthReport:
    """The report on the parts that exist now, against the truth files of a folder.

    Raises:
        ConfigError: the folder does not exist, or has no truth of a video of the manifest.
        StoreError: a part cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(f"--truth: there is no folder {folder}")
    source = plans[0].node.name
    if all(source not in plan.node.bases for plan in last_dialogues(plans)):
        raise ConfigError(
            "--truth: not supported: dialogues of streams alone; the truth is of single videos"
        )
    known = {truth.video_id: truth for truth in load_truths(folder)}
    rows = (row for shard in plans[0].manifest or () for row in shard.rows)
    truths = [known[name] for name in dict.fromkeys(r["video_id"] for r in rows) if name in known]
    if not truths:
        raise ConfigError(f"--truth: {folder} has no truth of a video of this run")
    return score_truth(truths, read_annotations(plans), read_dialogues(plans))


def score_truth(
    truths: Iterable[Truth], annotations: Iterable[Annotation], dialogues: Iterable[Dialogue]
) -> TruthReport:
    """The report on one run. The order of dialogues and annotations does not matter."""
    known = {truth.video_id: truth for truth in truths}
    unknown: set[str] = set()
    samples: dict[str, list[str]] = defaultdict(list)
    narrated: dict[str, list[float]] = {}
    asked: list[AnswerCounts | None] = []
    for dialogue in dialogues:
        if dialogue.video_id not in known:
            unknown.add(dialogue.video_id)
            continue
        samples[dialogue.task].append(dialogue.video_id)
        if dialogue.task == "narration":
            times = [turn.start_s for turn in dialogue.turns if turn.state == "response"]
            narrated.setdefault(dialogue.video_id, []).extend(times)
        if dialogue.task == "tsqa":
            asked.append(count_answers(known[dialogue.video_id], dialogue))
    spans: dict[str, dict[str, list[TimeSpan]]] = {task: {} for task in FAMILIES}
    occurring: list[bool | None] = []
    for annotation in annotations:
        if annotation.video_id not in known:
            unknown.add(annotation.video_id)
        elif annotation.is_negative:
            occurring.append(occurs(known[annotation.video_id], annotation))
        elif annotation.task in spans and found_by_models(annotation):
            of_video = spans[annotation.task].setdefault(annotation.video_id, [])
            of_video.extend((r.start_s, r.end_s) for r in annotation.responses)
    return TruthReport(
        videos=len(known),
        videos_unknown=len(unknown),
        tasks=[
            TaskCount(task=task, videos=len(set(ids)), samples=len(ids))
            for task, ids in sorted(samples.items())
        ],
        changes=_score_changes(known.values(), narrated),
        answers=_score_answers(asked),
        negatives=NegativeScore(
            absent=_share(occurring.count(False), len(occurring) - occurring.count(None)),
            unscored=occurring.count(None),
        ),
        spans=[_score_spans(task, known.values(), found) for task, found in spans.items()],
    )


def _score_changes(truths: Iterable[Truth], narrated: Mapping[str, list[float]]) -> ChangeScore:
    changes = responses = 0
    pairs: list[tuple[float, float]] = []
    for truth in truths if narrated else ():
        true_s = [change.time_s for change in truth.changes]
        narrated_s = narrated.get(truth.video_id, [])
        changes, responses = changes + len(true_s), responses + len(narrated_s)
        pairs += match_times(true_s, narrated_s, CHANGE_TOLERANCE_S)
    return ChangeScore(
        recall=_share(len(pairs), changes),
        spurious=_share(responses - len(pairs), responses),
        mean_lateness_s=_mean([narrated_s - true_s for true_s, narrated_s in pairs]),
    )


def _score_answers(asked: Sequence[AnswerCounts | None]) -> AnswerScore:
    scored = [counts for counts in asked if counts is not None]
    return AnswerScore(
        right=_share(sum(c.right for c in scored), sum(c.answers for c in scored)),
        recall=_share(sum(c.recalled for c in scored), sum(c.due for c in scored)),
        loose=_share(sum(c.loose for c in scored), sum(c.loose_due for c in scored)),
        unscored=len(asked) - len(scored),
        chosen=_share(sum(c.chosen for c in scored), sum(c.choices for c in scored)),
        distractors=_share(sum(c.never for c in scored), sum(c.distractors for c in scored)),
    )


def _score_spans(
    task: str, truths: Iterable[Truth], predicted: Mapping[str, list[TimeSpan]]
) -> SpanScore:
    best: list[float] = []
    found = events = 0
    for truth in truths if any(predicted.values()) else ():
        spans = predicted.get(truth.video_id, [])
        true = [(e.start_s, e.end_s) for e in truth.events if e.family in FAMILIES[task]]
        best += [max((iou(span, event) for event in true), default=0.0) for span in spans]
        # An event that lasts the whole video is true, but need not be found.
        due = [event for event in true if event != (0.0, truth.duration_s)]
        found += sum(any(iou(span, event) >= MIN_IOU for span in spans) for event in due)
        events += len(due)
    return SpanScore(
        task=task,
        agreed=_share(sum(value >= MIN_IOU for value in best), len(best)),
        mean_iou=_mean(best),
        found=_share(found, events),
    )


def _share(part: int, whole: int) -> Share:
    return Share(part=part, whole=whole, share=part / whole if whole else None)


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
