"""What the scores against scripted truth are, and their tables.

A share of an empty whole is null ("n/a" in text), never 100 %.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.records import Ratio, Record
from pipeline.scoring.section import section
from pipeline.scoring.truth.answers import LOOSE_TOLERANCE_S
from pipeline.store.files.text_table import text_table

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


def _percent(share: Share) -> str:
    if share.share is None:
        return "n/a"
    return f"{100 * share.share:.1f} % ({share.part} of {share.whole})"


def _number(value: float | None, unit: str = "") -> str:
    return "n/a" if value is None else f"{value:.2f}{unit}"
