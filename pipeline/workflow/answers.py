"""What becomes of the replies to an ask: valid answers, or a reject; and which call they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import NO_VALID_ANSWER, WRONG_LANGUAGE
from pipeline.records import Provenance, Reject
from pipeline.workflow.language import is_foreign, written
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.stage import NodeEngine

A = TypeVar("A", bound=BaseModel)


def refused(ask: Ask, samples: Sequence[Reply], errors: Sequence[str]) -> Reject:
    """Refused for the error that all samples share (``timeout``), else as ``wrong_language`` where
    that is wrong of all of them, else as ``no_valid_answer``."""
    shared = {sample.error for sample in samples}
    drifted = all(error.startswith(WRONG_LANGUAGE) for error in errors)
    other = WRONG_LANGUAGE if drifted else NO_VALID_ANSWER
    reason = (shared.pop() if len(shared) == 1 else None) or other
    values = {key: str(value) for key, value in ask.variables.items()}
    row = json.dumps({"request_id": ask.request_id, **values})
    return Reject(reason=reason, detail="; ".join(errors)[:2000], row=row)


def valid_answers(
    answer: type[A], ask: Ask, samples: Sequence[Reply], language: str
) -> tuple[list[A], list[str]]:
    """The valid answers, and why the other samples are none.

    One is none where what its model had to word is in another language than was asked for.

    Raises:
        ValueError: a reply is to another ask.
    """
    answers: list[A] = []
    errors: list[str] = []
    for sample in samples:
        if sample.request_id != ask.request_id:
            raise ValueError(f"reply {sample.request_id} came for ask {ask.request_id}")
        if sample.text is None:
            errors.append(": ".join(filter(None, [sample.error, sample.detail])))
            continue
        try:
            valid = answer.model_validate_json(sample.text)
        except ValidationError as error:
            errors.append(f"unparsable: {error.error_count()} errors in {sample.text[:200]!r}")
            continue
        text = " ".join(written(valid.model_dump(mode="json"), ask.answer_schema))
        if is_foreign(text, language):
            errors.append(f"{WRONG_LANGUAGE}: {text[:200]!r} where {language!r} was asked for")
            continue
        answers.append(valid)
    return answers, errors


def provenance_of(
    stage: str,
    sampling: Sampling,
    prompt: Prompt,
    engine: NodeEngine,
    ask: Ask,
    samples: Sequence[Reply],
) -> Provenance:
    """The call that the replies to an ask come from."""
    return Provenance(
        stage=stage,
        prompt=prompt.name,
        prompt_sha=prompt.sha,
        model=engine.model,
        revision=engine.revision,
        engine=engine.kind,
        engine_version=samples[0].engine_version or engine.version,
        **vars(sampling),
        tokens_in=sum(s.tokens_in for s in samples),
        tokens_out=sum(s.tokens_out for s in samples),
        request_id=ask.request_id,
    )
