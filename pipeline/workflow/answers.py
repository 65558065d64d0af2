"""What becomes of the replies to an ask: valid answers, or a reject; and which call they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import NO_VALID_ANSWER
from pipeline.records import Provenance, Reject
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.stage import NodeEngine

A = TypeVar("A", bound=BaseModel)


def refused(ask: Ask, samples: Sequence[Reply], errors: Sequence[str]) -> Reject:
    """Refused for the error that all samples share (``timeout``), else as ``no_valid_answer``."""
    shared = {sample.error for sample in samples}
    reason = (shared.pop() if len(shared) == 1 else None) or NO_VALID_ANSWER
    values = {key: str(value) for key, value in ask.variables.items()}
    row = json.dumps({"request_id": ask.request_id, **values})
    return Reject(reason=reason, detail="; ".join(errors)[:2000], row=row)


def valid_answers(answer: type[A], ask: Ask, samples: Sequence[Reply]) -> tuple[list[A], list[str]]:
    """The valid answers, and why the other samples are none.

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
            answers.append(answer.model_validate_json(sample.text))
        except ValidationError as error:
            errors.append(f"unparsable: {error.error_count()} errors in {sample.text[:200]!r}")
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
        **asdict(sampling),
        tokens_in=sum(s.tokens_in for s in samples),
        tokens_out=sum(s.tokens_out for s in samples),
        request_id=ask.request_id,
    )
