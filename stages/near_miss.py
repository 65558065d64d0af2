"""Change one thing in what a real event is asked for by: a question that nearly fits the video.

reads:  Annotation (of the task event_grounding)
writes: Candidate, one for each chosen question; whether it is in the video is not known yet
source: ours. Near misses are asked for by arXiv:2610.05775; the paper has none
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pipeline.records import THIS_CALL, Annotation, Candidate, Reject
from pipeline.records.hash_sampling import hash_rank
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, SingleAnswerConfig
from stages._questions import Wanted, wanted
from stages._wording import bare

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class Config(SingleAnswerConfig):
    """Which questions are changed."""

    prompt: str = Field(
        "near_miss", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(256, ge=1, description="most tokens of one change")
    questions: int = Field(1, ge=1, description="questions changed for each video; ours")
    choice_seed: int = Field(
        0, description="of the choice of questions; another value chooses others"
    )


class OneChange(Answer):
    """What is changed: the words that go, and those that come in their place."""

    attribute: Literal[
        "colour", "size", "number", "object", "actor", "action", "direction", "place"
    ]
    old: Words
    new: Words


Original = tuple[Wanted, frozenset[str]]
"""A question, and the wordings of all questions of its video, compared bare."""


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Original] | Reject]:
    """Some of the questions, in their order; each has the same chance to be chosen."""
    found = list(wanted(rows[Annotation]))
    if not found:
        yield Reject(reason="no_question")
    ranked = sorted(found, key=lambda q: hash_rank(q.annotation.annotation_id, config.choice_seed))
    chosen = {each.annotation.annotation_id for each in ranked[: config.questions]}
    known = frozenset(bare(each.text) for each in found)
    for each in found:
        if each.annotation.annotation_id in chosen:
            yield Case((each, known), {"query": each.text})


def changed(text: str, old: str, new: str) -> str | None:
    """The text with new words in the place of old ones; None where these are not there exactly once
    as whole words, are all of it, or do not differ."""
    places = list(re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text))
    if len(places) != 1 or bare(old) in (bare(new), bare(text)):
        return None
    (place,) = places
    return text[: place.start()] + new + text[place.end() :]


def accept(
    case: Case[Original], answers: Answers[OneChange], config: Config
) -> Iterator[Candidate | Reject]:
    """The question with its one change; all else in it stays as it is, to the letter."""
    (original, known), answer = case.subject, answers[0]
    text = changed(original.text, answer.old, answer.new)
    if text is None:
        yield Reject(reason="not_one_change", detail=original.text, row=answer.model_dump_json())
    elif bare(text) in known:
        yield Reject(reason="another_event", detail=text, row=answer.model_dump_json())
    else:
        yield Candidate(
            family="event",
            caption=text,
            start_s=original.start_s,
            end_s=original.end_s,
            provenance=THIS_CALL,
            kind="near_miss",
            attribute=answer.attribute,
            parent_id=original.annotation.annotation_id,
            calls=original.annotation.provenance,
            written_by=original.annotation.origins,
        )


STAGE = annotation_stage(
    name="near_miss",
    version=2,
    reads=(Annotation,),
    writes=Candidate,
    config=Config,
    answer=OneChange,
    variables={"query": "A red ball rolls to the left"},
    cases=cases,
    accept=accept,
    reasons=(
        Reason("no_question", "The video has no question of event grounding.", absence=True),
        Reason(
            "not_one_change",
            "What the model would replace is not in the question exactly once, is all of it, or"
            " stays the same.",
        ),
        Reason("another_event", "The changed question asks for another event of the video."),
    ),
)
