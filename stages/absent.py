"""Keep the candidates that the verifier finds nowhere in the video, as questions without an answer.

reads:  Candidate, GroundedEvent (the candidates, located)
writes: Annotation of the task event_grounding that is a negative, one for each candidate that all
        samples deny; a Reject for each other one
source: ours; that a verifier must not be believed untested follows from what it can win by denying
        everything
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pydantic import Field

from pipeline.records import Annotation, Candidate, Check, GroundedEvent, Question, Record, Reject
from pipeline.records.complete import complete
from pipeline.workflow.stage import Context, Reason, Stage, StageConfig, VideoRows
from stages._questions import TASK
from stages._wording import bare

ALL = 1.0
HALF = 0.5


class Config(StageConfig):
    """When the verifier is believed."""

    max_denied: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="most of the planted real events of a shard that the verifier may deny; if it"
        " denies more, all negatives of the shard are refused; ours",
    )


class Judged(NamedTuple):
    """A candidate, and what the verifier made of it; None where it was not asked."""

    candidate: Candidate
    located: GroundedEvent | None

    @property
    def denied(self) -> float | None:
        """The share of the samples that say it is not there; None without an answer."""
        located = self.located
        if located is None:
            return None
        answered = located.grounding_consistency > 0 or located.grounded_start_s is not None
        if not answered and not located.denied:
            return None
        return located.denied


class Trial(NamedTuple):
    """What the verifier made of the real events of a shard."""

    planted: int
    """Those that it answered for."""
    denied: int
    """Of these, those that most samples deny."""

    def fault(self, config: Config) -> tuple[str, str] | None:
        """Why it is not believed: a reason with its detail."""
        if not self.planted:
            return "untested", "no real event of the shard was planted and answered for"
        if self.denied > config.max_denied * self.planted:
            return "denies_real_events", f"{self.denied} of {self.planted} planted"
        return None


def trial_of(judged: Iterable[Judged]) -> Trial:
    """The verdicts on what was planted."""
    verdicts = [
        each.denied
        for each in judged
        if each.candidate.kind == "planted" and each.denied is not None
    ]
    return Trial(len(verdicts), sum(denied > HALF for denied in verdicts))


def verdicts(
    judged: Sequence[Judged], trial: Trial, config: Config
) -> Iterator[Annotation | Reject]:
    """The negatives of one video. One wording makes one negative."""
    fault = trial.fault(config)
    asked: set[str] = set()
    for each in judged:
        candidate, denied = each.candidate, each.denied
        refusal = fault
        if candidate.kind == "planted":
            missed = denied is not None and denied > HALF
            refusal = ("planted_denied" if missed else "planted", candidate.kind)
        elif denied is None:
            refusal = "unanswered", candidate.kind
        elif denied < ALL:
            refusal = "not_absent", f"{candidate.kind}: {denied:.2f} of the samples deny it"
        elif refusal is None and bare(candidate.caption) in asked:
            refusal = "duplicate_question", candidate.caption
        if refusal is not None:
            reason, detail = refusal
            yield Reject(reason=reason, detail=detail, row=candidate.model_dump_json())
            continue
        asked.add(bare(candidate.caption))
        yield negative(each, trial)


def negative(each: Judged, trial: Trial) -> Annotation:
    """The question of a candidate, which nothing in the video answers."""
    candidate, located = each.candidate, each.located
    assert located is not None
    model = located.grounding.writer
    found = (trial.planted - trial.denied) / trial.planted
    return Annotation(
        task=TASK,
        aspect=candidate.kind,
        questions=[Question(qid="q0", text=candidate.caption, asked_s=0)],
        responses=[],
        checks=[
            Check(name="absent", passed=True, score=located.denied, model=model),
            Check(name="planted_found", passed=True, score=found, model=model),
        ],
        provenance=[*candidate.calls, *candidate.found_by, located.grounding],
        origins=candidate.written_by,
        parent_ids=[candidate.parent_id],
        is_negative=True,
    )


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[Record]:
    """The negatives of all videos, if the verifier is to be believed. Holds those of a shard."""
    shard: list[tuple[str, list[Judged]]] = []
    for rows in videos:
        located = {event.event_id: event for event in rows[GroundedEvent]}
        judged = [Judged(each, located.get(each.event_id)) for each in rows[Candidate]]
        shard.append((rows.video_id, judged))
    trial = trial_of(each for _, judged in shard for each in judged)
    for video_id, judged in shard:
        for row in verdicts(judged, trial, config):
            yield complete(row, video_id)


STAGE = Stage(
    "absent",
    1,
    (Candidate, GroundedEvent),
    Annotation,
    Config,
    run,
    reasons=(
        Reason(
            "not_absent",
            "Not all samples say that the candidate is nowhere in the video.",
            absence=True,
        ),
        Reason(
            "planted",
            "A real event, shown to test the verifier, which does not deny it.",
            absence=True,
        ),
        Reason("planted_denied", "A real event, shown to test the verifier, which denies it."),
        Reason("duplicate_question", "The same words made a negative already.", absence=True),
        Reason("unanswered", "The verifier gave no valid answer."),
        Reason(
            "untested", "No real event of the shard was planted, so nothing tests the verifier."
        ),
        Reason(
            "denies_real_events",
            "The verifier denies more than `max_denied` of the real events planted in the shard, so"
            " it is not believed about the others.",
        ),
    ),
)
