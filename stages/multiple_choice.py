"""Make a share of questions multiple choice, with answers that are never right among the options.

No model is asked: the distractors were asked for with each question, and the verifier has chosen
among answers and distractors alike. So another share costs no call.

reads:  Annotation, Verdict
writes: Annotation, each one read and in their order; a Reject beside it where distractors were left
        out, or where it was drawn and stays open
source: ours; the multiple choice of Streamo-Instruct-465K is not described in arXiv:2512.21334
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pydantic import Field

from pipeline.records import Annotation, Reject, Verdict
from pipeline.records.digest import digest
from pipeline.records.hash_sampling import hash_fraction
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage
from stages._wording import bare


class Config(StageConfig):
    """Which questions offer options, and how many."""

    share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="of the questions, those that are multiple choice, drawn by hash; one with too"
        " few distractors or too many answers stays open; the paper gives none",
    )
    max_options: int = Field(
        5, ge=2, le=5, description="most options of a question; the paper has letters up to E"
    )
    min_distractors: int = Field(
        1,
        ge=0,
        le=3,
        description="fewest of them that are never right; with 0 questions for yes or no have"
        " options too",
    )
    seed: int = Field(0, description="of the draw, and of the order of options")


def offered(annotation: Annotation, config: Config) -> tuple[list[str], list[str]]:
    """The distinct answers to the first question, and as many of its distractors as may stand
    beside them."""
    question = annotation.questions[0]
    answers = {bare(r.text): r.text for r in reversed(annotation.responses)}
    values = list(dict.fromkeys(answers[bare(r.text)] for r in annotation.responses))
    return values, question.distractors[: max(0, config.max_options - len(values))]


def lettered(
    annotation: Annotation, values: Sequence[str], distractors: Sequence[str], seed: int
) -> Annotation:
    """The annotation with options in an order drawn by hash, so that no letter is right more often,
    and with answers spelt as the options are."""
    options = sorted(
        [*values, *distractors], key=lambda text: digest([seed, annotation.annotation_id, text], 64)
    )
    spelt = {bare(text): text for text in values}
    questions = [annotation.questions[0].model_copy(update={"options": options})]
    responses = [r.model_copy(update={"text": spelt[bare(r.text)]}) for r in annotation.responses]
    return annotation.model_copy(update={"questions": questions, "responses": responses})


def choose(
    annotation: Annotation, seen: Collection[str], config: Config
) -> Iterator[Annotation | Reject]:
    """One annotation, given the texts that the verifier chose at any look, bare."""
    if len(annotation.questions) != 1 or annotation.questions[0].options:
        yield annotation
        return
    question = annotation.questions[0]
    held = [text for text in question.distractors if bare(text) in seen]
    if held:
        yield _refuse(annotation, "distractor_seen", ", ".join(held))
        question = question.model_copy(update={"distractors": []})
        annotation = annotation.model_copy(update={"questions": [question]})
    # By a name of its own, so that other draws by the annotation's id do not go along with it.
    chance = hash_fraction(f"multiple_choice {annotation.annotation_id}", config.seed)
    if held or chance >= config.share:
        yield annotation
        return
    values, distractors = offered(annotation, config)
    if len(values) + config.min_distractors > config.max_options:
        detail = f"{len(values)} answers, at most {config.max_options} options"
        yield _refuse(annotation, "too_many_answers", detail)
        yield annotation
    elif len(distractors) < config.min_distractors:
        detail = f"{len(distractors)} of at least {config.min_distractors}"
        yield _refuse(annotation, "too_few_distractors", detail)
        yield annotation
    else:
        yield lettered(annotation, values, distractors, config.seed)


def _refuse(annotation: Annotation, reason: str, detail: str) -> Reject:
    row = annotation.questions[0].model_dump_json()
    return Reject(reason=reason, detail=f"{detail}; of {annotation.annotation_id}", row=row)


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The annotations of one video, each with the verifier's looks at it."""
    verdicts = rows[Verdict]
    for annotation in rows[Annotation]:
        own = [v for v in verdicts if v.annotation_id == annotation.annotation_id]
        yield from choose(annotation, {bare(v.seen) for v in own}, config)


STAGE = per_video_stage(
    name="multiple_choice",
    version=1,
    reads=(Annotation, Verdict),
    writes=Annotation,
    config=Config,
    run=run,
    reasons=(
        Reason(
            "distractor_seen",
            "The verifier chose a wrong option at some time: the question stays open, without it.",
        ),
        Reason(
            "too_few_distractors",
            "It has fewer wrong options than `min_distractors`: the question stays open.",
            absence=True,
        ),
        Reason(
            "too_many_answers",
            "With wrong options it would have more than `max_options`: the question stays open.",
            absence=True,
        ),
    ),
)
