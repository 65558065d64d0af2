"""What a stage is. A stage is a value, not a subclass: a name, a contract, and a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.engines.base import Ask, Engine, Frame, Reply, Sampling
from pipeline.engines.errors import NO_VALID_ANSWER
from pipeline.fingerprint import digest
from pipeline.media.base import Media
from pipeline.prompt import Prompt
from pipeline.records import Provenance, Record, Reject
from pipeline.special_tokens import broken

R = TypeVar("R", bound=Record)
C = TypeVar("C", bound="StageConfig")
Case = TypeVar("Case")
A = TypeVar("A", bound=BaseModel)
Scope = Literal["source", "shard", "dataset"]
Rows = Iterable[Record | Reject]


class StageConfig(BaseModel):
    """Settings that change what a stage computes. Every field bears identity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def prompts(self) -> tuple[str, ...]:
        """Names of the prompt files, or folders of them, that the stage reads."""
        return ()


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


class VideoRows(Protocol):
    """The rows of one video, by kind: ``rows[Segment]`` are its segments in order."""

    @property
    def video_id(self) -> str:
        """Of all of them."""
        ...

    def __getitem__(self, kind: type[R]) -> Sequence[R]:
        """Raises KeyError for a kind that the stage does not read."""
        ...


class EngineSeat(Protocol):
    """An engine as a node sees it: with the names that provenance needs."""

    kind: str
    model: str
    revision: str

    @property
    def engine(self) -> Engine:
        """The engine itself, started when it is first asked for."""
        ...


@dataclass(frozen=True)
class Context:
    """The outside world, as handed to a stage. A stage reaches nothing else."""

    manifest: Sequence[Mapping[str, Any]] = ()
    """For the scope ``source``: the rows of the manifest that make up this shard."""
    media: Media | None = None
    seat: EngineSeat | None = None
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    folder: Path | None = None
    """For the scope ``dataset``: an empty folder whose files become part of the output."""
    dataset: Mapping[type[Record], Sequence[Record]] = field(default_factory=dict)
    """The rows of kinds that are about no video (``about_dataset``), the same for every shard."""

    def rows(self, kind: type[R]) -> Sequence[R]:
        """The rows of such a kind. Raises KeyError for one that the stage does not read."""
        return self.dataset[kind]  # type: ignore[return-value]  # each kind maps to rows of its own


@dataclass(frozen=True)
class Stage(Generic[C]):
    """One step of the workflow.

    ``run`` maps the videos of one shard, in order of the manifest, to accepted and refused rows.
    Each video that has rows of the first kind in ``reads`` must come out with at least one row,
    accepted or refused. ``version`` is raised by the author when the meaning of the output changes;
    it, and not the source text, is identity.

    The scope ``source`` reads the manifest instead; ``dataset`` reads all shards at once. What a
    ``dataset`` stage writes about the dataset, every shard of a later stage can read.
    """

    name: str
    version: int
    reads: tuple[type[Record], ...]
    writes: type[Record]
    config: type[C]
    run: Callable[[Iterable[VideoRows], C, Context], Rows]
    scope: Scope = "shard"
    answer: type[BaseModel] | None = None


def about_dataset(kind: type[Record]) -> bool:
    """Whether rows of a kind are about the whole dataset and not about one video."""
    return "video_id" not in kind.model_fields


def load_stage(name: str) -> Stage[Any]:
    """The stage that ``stages/<name>.py`` defines.

    Raises:
        ModuleNotFoundError: there is no such file.
    """
    stage: Stage[Any] = import_module(f"stages.{name}").STAGE
    return stage


def per_video_stage(
    *,
    name: str,
    version: int,
    reads: tuple[type[Record], ...],
    writes: type[Record],
    config: type[C],
    run: Callable[[VideoRows, C, Context], Rows],
) -> Stage[C]:
    """A stage whose work on one video does not depend on any other."""

    def run_all(videos: Iterable[VideoRows], config: C, context: Context) -> Iterator[Any]:
        for rows in videos:
            yield from run(rows, config, context)

    return Stage(name, version, reads, writes, config, run_all)


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
                text = broken(prompt.render(variables))
                todo.append(
                    (rows.video_id, case, Ask(request_id, text, schema, tuple(frames), variables))
                )
        asks = [a for _, _, a in todo if a is not None]
        replies = iter(context.seat.engine.generate(asks, config.sampling()) if asks else ())
        for video_id, case, asked in todo:
            if asked is None or isinstance(case, Reject):
                yield case
                continue
            samples = next(replies)
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
    seat: EngineSeat,
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
