"""Apply the verdicts and the rules of time-sensitive questions.

reads:  Annotation, Verdict
writes: Annotation, at most one per annotation read and in their order, with its checks, since when
        each answer can be given, and up to when the last one still holds; a Reject for each
        response left out and for each annotation that breaks a rule
source: section 4.1 of arXiv:2512.21334, time-sensitive QA; the rules are in its supplement, table
        17, without their numbers
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from pydantic import Field

from pipeline.records import Annotation, Check, Reject, Response, Verdict
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage
from stages._spans import JITTER_S
from stages._wording import bare, by_time, required_checks

_LOOKS = 2
"""Behind the last answer, least."""
REASONS = {"answerable": "not_answerable", "premature": "premature"}


class Config(StageConfig):
    """What a time-sensitive question must be like."""

    min_distinct: int = Field(
        2,
        ge=1,
        description="fewest distinct answers to a question; the paper's own rule, 2 at least",
    )
    min_gap_s: float = Field(
        3.0,
        ge=0,
        description="fewest seconds between one answer and the next; the paper gives none",
    )
    max_answers: int = Field(
        8, ge=1, description="most answers to a question; the paper gives none"
    )
    keep_partial: bool = Field(
        False,
        description="keep a question some of whose answers failed: the assistant is then silent"
        " where an answer that nobody confirmed would stand, as if nothing had changed; ours",
    )
    keep_early: bool = Field(
        False,
        description="keep an answer that the verifier sees before it is due, where it found since"
        " when (`looks` of `verify`); the policy `due` of the dialogue says when it is given",
    )


def answerable(response: Response, verdicts: Sequence[Verdict]) -> Response:
    """The response with what the verdicts say of when it can be answered.

    It is confirmed at each look, back from when it is due, that gave this answer, up to the first
    that gave another: what a frame showed before that may be chance. It is answerable from the
    earliest of these on if another answer was given just before, or no earlier frame was left.
    """
    times: list[float] = []
    earliest_s: float | None = None
    for verdict in sorted(verdicts, key=lambda v: v.at_s, reverse=True):
        if bare(verdict.seen) != bare(verdict.expected):
            earliest_s = times[-1] if times else None
            break
        times.append(verdict.at_s)
        if verdict.opens:
            earliest_s = verdict.at_s
            break
    found = {"earliest_answerable_s": earliest_s, "confirmed_s": times[::-1]}
    return response.model_copy(update=found)


def still(response: Response, verdicts: Sequence[Verdict]) -> Response:
    """The response with the time up to which it still holds, if all looks behind it say so. One
    alone would say nothing of the time between."""
    looks = [v for v in verdicts if v.check == "still"]
    if len(looks) < _LOOKS or not all(v.passed for v in looks):
        return response
    return response.model_copy(update={"still_until_s": max(v.at_s for v in looks)})


def failures(
    responses: Sequence[Response], verdicts: Sequence[Verdict], *, keep_early: bool = False
) -> dict[str, str]:
    """Why responses are dropped, by ``rid``: the first check that failed, or was not answered.

    With ``keep_early`` it is no failure to be seen before it is due, where it is known since when.
    """
    reasons: dict[str, str] = {}
    for response, check in required_checks(responses):
        if check == "premature" and keep_early and response.earliest_answerable_s is not None:
            continue
        passed = [v.passed for v in verdicts if v.rid == response.rid and v.check == check]
        if not passed:
            reasons.setdefault(response.rid, "unverified")
        elif not all(passed):
            reasons.setdefault(response.rid, REASONS[check])
    return reasons


def merged(responses: Sequence[Response]) -> list[Response]:
    """Responses in order of time; one that repeats the answer before it becomes part of that one.

    The earlier one then holds for as long as the repetition would have.
    """
    kept: list[Response] = []
    for response in by_time(responses):
        if kept and bare(kept[-1].text) == bare(response.text):
            kept[-1] = kept[-1].model_copy(update={"valid_until_s": response.valid_until_s})
        else:
            kept.append(response)
    return kept


def smallest_gap(responses: Sequence[Response]) -> float | None:
    """Least time in seconds between responses in order; None when there are fewer than two."""
    times = [r.respond_s for r in responses]
    return min((b - a for a, b in pairwise(times)), default=None)


def distinct(responses: Sequence[Response]) -> int:
    """How many different answers there are."""
    return len({bare(r.text) for r in responses})


def unconfirmed(reasons: Mapping[str, str], config: Config) -> tuple[str, str] | None:
    """A reason with its detail, when an answer failed and the others may not stand without it."""
    if not reasons or config.keep_partial:
        return None
    return "unconfirmed_answer", "; ".join(f"{rid} {why}" for rid, why in reasons.items())


def violated_rule(
    annotation: Annotation, responses: Sequence[Response], config: Config
) -> tuple[str, str] | None:
    """The first rule that the responses, in order, break: a reason with its detail."""
    if distinct(responses) < config.min_distinct:
        return "too_few_answers", f"{distinct(responses)} of at least {config.min_distinct}"
    if len(responses) > config.max_answers:
        return "too_many_answers", f"{len(responses)} of at most {config.max_answers}"
    gap_s = smallest_gap(responses)
    if gap_s is not None and gap_s < config.min_gap_s - JITTER_S:
        return "gap_too_small", f"{gap_s:.2f} s of at least {config.min_gap_s:.2f} s"
    asked = {q.qid: q.asked_s for q in annotation.questions}
    if any(r.respond_s < asked[r.qid] for r in responses):
        return "asked_too_late", "a response is due before its question"
    return None


def lint(
    annotation: Annotation, verdicts: Sequence[Verdict], config: Config
) -> Iterator[Annotation | Reject]:
    """One annotation and the verdicts on it."""
    looked = []
    for response in annotation.responses:
        own = [v for v in verdicts if v.rid == response.rid]
        known = answerable(response, [v for v in own if v.check != "still"])
        looked.append(still(known, own))
    reasons = failures(looked, verdicts, keep_early=config.keep_early)
    passed = [r for r in looked if r.rid not in reasons]
    responses = merged(passed)
    standing = {r.rid for r in responses}
    for response in by_time(annotation.responses):
        if response.rid not in standing:
            reason = reasons.get(response.rid, "repeat")
            detail = f"response {response.rid} of {annotation.annotation_id}"
            yield Reject(reason=reason, detail=detail, row=response.model_dump_json())
    violation = unconfirmed(reasons, config) or violated_rule(annotation, responses, config)
    if violation is not None:
        reason, detail = violation
        yield Reject(reason=reason, detail=detail, row=annotation.model_dump_json())
        return
    gap_s = smallest_gap(responses)
    rules = [Check(name="distinct_answers", passed=True, score=distinct(responses), model="")]
    if gap_s is not None:
        rules.append(Check(name="smallest_gap_s", passed=True, score=gap_s, model=""))
    checks = [
        Check(
            name=v.check, passed=v.passed, score=v.consistency, model=v.provenance.writer, rid=v.rid
        )
        for v in verdicts
        if v.rid in standing and v.check not in ("look", "still")
    ]
    calls = [v.provenance for v in verdicts if v.rid in standing]
    yield annotation.model_copy(
        update={
            "responses": responses,
            "checks": [*annotation.checks, *checks, *rules],
            "provenance": [*annotation.provenance, *calls],
        }
    )


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The annotations of one video, each with its own verdicts; of equal questions the first that
    stands."""
    asked: set[str] = set()
    for annotation in rows[Annotation]:
        question = bare(annotation.questions[0].text)
        if question in asked:
            yield Reject(
                reason="duplicate_question",
                detail=annotation.questions[0].text,
                row=annotation.model_dump_json(),
            )
            continue
        verdicts = [v for v in rows[Verdict] if v.annotation_id == annotation.annotation_id]
        for row in lint(annotation, verdicts, config):
            if isinstance(row, Annotation):
                asked.add(question)
            yield row


STAGE = per_video_stage(
    name="lint",
    version=4,
    reads=(Annotation, Verdict),
    writes=Annotation,
    config=Config,
    run=run,
    reasons=(
        Reason("duplicate_question", "The same question on the video stands already."),
        Reason("not_answerable", "The verifier sees another answer when this one is due."),
        Reason("premature", "The verifier sees the answer before it is due."),
        Reason("unverified", "A check of the answer was not answered."),
        Reason("repeat", "The answer repeats the one before it, which then holds for both."),
        Reason("unconfirmed_answer", "An answer of the question failed; see `keep_partial`."),
        Reason("too_few_answers", "The question has fewer different answers than `min_distinct`."),
        Reason("too_many_answers", "The question has more answers than `max_answers`."),
        Reason("gap_too_small", "Two answers are less than `min_gap_s` apart."),
        Reason("asked_too_late", "An answer is due before its question is asked."),
    ),
)
