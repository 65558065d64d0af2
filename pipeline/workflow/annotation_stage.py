"""A stage that asks a model: pure functions around an engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field, ValidationError, model_validator

from pipeline.dialogue.special_tokens import neutralise
from pipeline.engines.base import Ask, Frame, Reply, Sampling
from pipeline.engines.errors import NO_VALID_ANSWER
from pipeline.records import Provenance, Record, Reject
from pipeline.records.digest import digest
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.stage import (
    A,
    C,
    Case,
    Context,
    NodeEngine,
    Rows,
    Stage,
    StageConfig,
    VideoRows,
)


class AnnotationConfig(StageConfig):
    """Settings common to stages that ask a model."""

    prompt: str = Field(description="prompt file")
    samples: int = Field(1, ge=1, description="answers drawn for each ask")
    temperature: float = Field(0.0, ge=0, description="of the sampling; 0 takes the likeliest")
    max_tokens: int = Field(1024, ge=1, description="of one answer")
    seed: int = Field(0, description="of the sampling; another value draws other samples")

    @model_validator(mode="after")
    def _samples_differ(self) -> AnnotationConfig:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("several samples need a temperature above 0, or they are all the same")
        return self

    def prompts(self) -> tuple[str, ...]:
        """The one prompt it asks with."""
        return (self.prompt,)

    def sampling(self) -> Sampling:
        """How the engine is to sample."""
        return Sampling(self.samples, self.temperature, self.max_tokens, self.seed)


def annotation_stage(
    *,
    name: str,
    version: int,
    reads: tuple[type[Record], ...],
    writes: type[Record],
    config: type[C],
    answer: type[A],
    cases: Callable[[VideoRows, C], Iterable[Case | Reject]],
    ask: Callable[[Case, C], tuple[Mapping[str, Any], Sequence[Frame]]],
    accept: Callable[[Case, Sequence[A], C, Provenance], Rows],
    unanswered: Callable[[Case, C, Provenance], Rows] | None = None,
) -> Stage[C]:
    """A stage that asks a model: pure functions around an engine.

    ``cases`` lists what to ask about one video, or refuses the video. ``ask`` turns a case into the
    variables of the prompt and the frames to show. ``accept`` turns the answers that parsed as
    ``answer`` into rows, or refuses; it is where samples are compared with each other, those that
    did not parse included (``Provenance.samples`` counts all), and must give at least one row or
    reject. A case without a valid answer is refused here, for the engine's
    error or as ``no_valid_answer``; where that alone would hide the case from a later stage,
    ``unanswered`` gives rows beside the reject.

    All the asks of a shard go to the engine together, so that it stays busy. What the variables
    hold is text to it: a token of its chat template in them is broken.
    """
    schema = answer.model_json_schema()

    def run(videos: Iterable[VideoRows], config: C, context: Context) -> Iterator[Any]:
        if context.seat is None or not isinstance(config, AnnotationConfig):
            raise TypeError(f"stage {name!r} needs an engine and an AnnotationConfig")
        prompt = context.prompts[config.prompt]
        todo: list[tuple[str, Case | Reject, Ask | None]] = []
        for rows in videos:
            for number, case in enumerate(cases(rows, config)):
                if isinstance(case, Reject):
                    todo.append((rows.video_id, case, None))
                    continue
                variables, frames = ask(case, config)
                request_id = digest([name, config.prompt, rows.video_id, number], 16)
                text = neutralise(prompt.render(variables))
                todo.append(
                    (rows.video_id, case, Ask(request_id, text, schema, tuple(frames), variables))
                )
        asks = [a for _, _, a in todo if a is not None]
        replies = dict(context.seat.engine.generate(asks, config.sampling())) if asks else {}
        numbers = iter(range(len(asks)))
        for video_id, case, asked in todo:
            if asked is None or isinstance(case, Reject):
                yield case
                continue
            samples = replies[next(numbers)]
            answers, errors = _parse(answer, asked, samples)
            provenance = _provenance(name, config, prompt, context.seat, asked, samples)
            if not answers:
                yield Reject(
                    video_id=video_id,
                    reason=_why_unanswered(samples),
                    detail="; ".join(errors)[:2000],
                    row=json.dumps({"request_id": asked.request_id, **_plain(asked.variables)}),
                    request_id=asked.request_id,
                )
                if unanswered is not None:
                    yield from _after(asked, unanswered(case, config, provenance))
                continue
            yield from _after(asked, accept(case, answers, config, provenance))

    return Stage(name, version, reads, writes, config, run, answer=answer)


def _after(asked: Ask, rows: Rows) -> Rows:
    """The rows that an ask led to; what is refused of them names it."""
    for row in rows:
        if isinstance(row, Reject):
            yield row.model_copy(update={"request_id": asked.request_id})
        else:
            yield row


def _why_unanswered(samples: Sequence[Reply]) -> str:
    """The error that all samples share (``timeout``, ``truncated``); else that none was valid."""
    errors = {sample.error for sample in samples}
    return errors.pop() or NO_VALID_ANSWER if len(errors) == 1 else NO_VALID_ANSWER


def _parse(answer: type[A], asked: Ask, samples: Sequence[Reply]) -> tuple[list[A], list[str]]:
    answers: list[A] = []
    errors: list[str] = []
    for sample in samples:
        if sample.request_id != asked.request_id:
            raise ValueError(f"reply {sample.request_id} came for ask {asked.request_id}")
        if sample.text is None:
            errors.append(
                f"{sample.error}: {sample.detail}" if sample.detail else f"{sample.error}"
            )
            continue
        try:
            answers.append(answer.model_validate_json(sample.text))
        except ValidationError as error:
            errors.append(f"unparsable: {error.error_count()} errors in {sample.text[:200]!r}")
    return answers, errors


def _provenance(
    stage: str,
    config: AnnotationConfig,
    prompt: Prompt,
    seat: NodeEngine,
    asked: Ask,
    samples: Sequence[Reply],
) -> Provenance:
    return Provenance(
        stage=stage,
        prompt=prompt.name,
        prompt_sha=prompt.sha,
        model=seat.model,
        revision=seat.revision,
        engine=seat.kind,
        engine_version=samples[0].engine_version or seat.engine.version,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        seed=config.seed,
        samples=config.samples,
        tokens_in=sum(s.tokens_in for s in samples),
        tokens_out=sum(s.tokens_out for s in samples),
        request_id=asked.request_id,
    )


def _plain(variables: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in variables.items()}
