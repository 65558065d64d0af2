"""Scores of dialogues and annotations against the scripted truth of their videos.

A share of an empty whole is null ("n/a" in text), never 100 %.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.media.scenes.truth import Truth
from pipeline.records import Annotation, Dialogue, Ratio, Record
from pipeline.records.spans import TimeSpan, iou
from pipeline.scoring.matching import match_times
from pipeline.scoring.section import section
from pipeline.scoring.truth.answers import LOOSE_TOLERANCE_S, AnswerCounts, count_answers
from pipeline.scoring.truth.negatives import occurs
from pipeline.store.files.text_table import text_table
from pipeline.workflow.outputs import (
    found_by_models,
    last_dialogues,
    read_annotations,
    read_dialogues,
)
from pipeline.workflow.plan import NodePlan

CHANGE_TOLERANCE_S = 1.0
MIN_IOU = 0.7
PROTOCOLS: Mapping[str, str] = {
    "changes": f"turns of narration that respond and true changes, one to one within"
    f" {CHANGE_TOLERANCE_S:g} s; recall: of the changes; spurious: of the responses; texts are not"
    " looked at",
    "answers": "of tsqa; right: the value of the track asked about, in the first turn from its"
    " begin or one later (the first answer is never late); recall: of the values that begin after"
    f" the first answer; within {LOOSE_TOLERANCE_S:g} s: of the values from the question on, those"
    " that an answer of its own states so near",
    "negatives": "absent: no true sentence of the video has all words of what is asked for",
    "spans": f"best IoU of a response with a true event of its kind; found: true events that a"
    f" response has an IoU of {MIN_IOU} with; captions are not compared, what people annotated is"
    " left out",
}

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "event_caption": ("event",),
    "action_caption": ("action",),
    "event_grounding": ("event", "action"),
}
"""For each task whose responses are spans, the families of true events they are compared with."""


class Share(Record):
    """``part`` of ``whole``; the share is null if the whole is 0."""

    part: int
    whole: int
    share: Ratio | None


class ChangeScore(Record):
    """Responses of ``narration`` dialogues against true changes, by time alone.

    The responses of a video are matched one to one with its changes, as many as possible, where a
    turn that responds starts within 1 s of the change.
    """

    recall: Share
    """Matched changes, of the changes of all videos with a truth; no whole without narration."""
    spurious: Share
    """Responses without a match, of all responses."""
    mean_lateness_s: float | None
    """Mean of response time minus change time over the matches."""


class AnswerScore(Record):
    """Answers of ``tsqa`` dialogues against the true track that each is about.

    The track is the one of the dialogue's aspect of whose subject the question has most words; of
    several, the one with most right answers. To a question for yes or no, the track says whether
    the value that the question names holds. An answer states a value if it contains the value's
    words as whole words; case makes no difference, and number words equal digits.
    """

    right: Share
    """Of all answers: those that state the value at the start of their turn, in the first turn at
    or after the value begins (at most one turn later). The first answer need not be timely."""
    recall: Share
    """Of the values that begin after the first answer and hold at the start of a turn: those with a
    right answer. No answer is due when a subject is gone, or back as it was."""
    loose: Share
    """Of the value at the question and those that begin after it, with the same exceptions: those
    that an answer of its own states within 3 s, before or after."""
    unscored: int
    """Dialogues whose aspect no track has, or that ask for yes or no and name no value of it; they
    count nowhere else here."""
    chosen: Share
    """Of the answers to multiple-choice questions: those that are right as above, and name an
    option by its letter."""
    distractors: Share
    """Of the wrong options, offered or not: those that the track never holds."""


class SpanScore(Record):
    """Responses of one task against true events of its families, by span alone.

    Responses that come from a source annotation, or from models and one together, are left out.
    """

    task: str
    agreed: Share
    """Of the responses: those whose best IoU with a true event is at least 0.7."""
    mean_iou: float | None
    """Mean of the best IoU over the responses."""
    found: Share
    """Of the true events of all videos with a truth: those that some response has an IoU of at
    least 0.7 with; no whole where the task has no response."""


class NegativeScore(Record):
    """Negatives against the true sentences of their video (``negatives.py``)."""

    absent: Share
    """Of those that can be judged: those whose subject is true of the video at no time."""
    unscored: int
    """Negatives in words that no truth has."""


class TaskCount(Record):
    """How much there is of one task, in dialogues of videos with a truth."""

    task: str
    videos: int
    samples: int


class TruthReport(Record):
    """All scores. Dialogues and annotations of videos without a truth are left out."""

    protocols: Mapping[str, str] = PROTOCOLS
    """What each kind is compared by."""
    videos: int
    """Videos with a truth."""
    videos_unknown: int
    """Videos that have a dialogue or an annotation and no truth."""
    tasks: list[TaskCount]
    changes: ChangeScore
    answers: AnswerScore
    negatives: NegativeScore
    spans: list[SpanScore]

    def to_text(self) -> str:
        """A table for each kind of truth, below what it is compared by."""
        answers, changes, negatives = self.answers, self.changes, self.negatives
        figures: dict[str, list[tuple[str, object]]] = {
            "changes": [
                ("recall", _percent(changes.recall)),
                ("spurious", _percent(changes.spurious)),
                ("mean lateness", _number(changes.mean_lateness_s, " s")),
            ],
            "answers": [
                ("right", _percent(answers.right)),
                ("recall", _percent(answers.recall)),
                (f"within {LOOSE_TOLERANCE_S:g} s", _percent(answers.loose)),
                ("right option", _percent(answers.chosen)),
                ("distractors never true", _percent(answers.distractors)),
                ("dialogues unscored", answers.unscored),
            ],
            "negatives": [
                ("absent", _percent(negatives.absent)),
                ("unscored", negatives.unscored),
            ],
        }
        spans = [
            (each.task, _percent(each.agreed), _number(each.mean_iou), _percent(each.found))
            for each in self.spans
        ]
        samples = [(each.task, each.videos, each.samples) for each in self.tasks]
        heads = ("task", f">IoU >= {MIN_IOU}", ">mean IoU", ">found")
        return "\n\n".join(
            [
                f"{self.videos:,} videos with truth, {self.videos_unknown:,} without",
                text_table(samples, ("task", ">videos", ">samples")),
                *(section(name, PROTOCOLS[name], rows) for name, rows in figures.items()),
                section("spans", PROTOCOLS["spans"], spans, heads),
            ]
        )


def load_truths(folder: Path) -> list[Truth]:
    """Every truth file (``*.json``) of a folder, in order of name."""
    return [Truth.model_validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


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


def _percent(share: Share) -> str:
    if share.share is None:
        return "n/a"
    return f"{100 * share.share:.1f} % ({share.part} of {share.whole})"


def _number(value: float | None, unit: str = "") -> str:
    return "n/a" if value is None else f"{value:.2f}{unit}"
