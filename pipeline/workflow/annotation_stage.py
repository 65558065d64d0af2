"""A stage that asks a model: pure functions around an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, create_model, model_validator

from pipeline.dialogue.special_tokens import neutralise
from pipeline.engines.answer import answer_schema, most_tokens, narrowed
from pipeline.engines.base import Ask, Frame, Sampling
from pipeline.engines.errors import MEANINGS, PASSING_ERRORS
from pipeline.records import FramedSegment, Provenance, Record, TurnFrame
from pipeline.records.complete import complete
from pipeline.records.digest import digest
from pipeline.settings import DEFAULT_LANGUAGE, LanguageCode
from pipeline.workflow.answers import provenance_of, refused, valid_answers
from pipeline.workflow.ask_order import in_order_of_frames
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.stage import (
    C,
    Context,
    Reason,
    Stage,
    StageConfig,
    Tasks,
    VideoRows,
    reasons_of,
)

S = TypeVar("S")
A = TypeVar("A", bound=BaseModel)
FRAME_TIMES = "frame_times"
PRINTED_S = 0.01
"""Precision with which a prompt states times; a model that copies one is this far off at most."""


class AnnotationConfig(StageConfig):
    """Settings common to stages that ask a model."""

    prompt: str = Field(description="name of the prompt, a file below prompts/ without its suffix")
    samples: int = Field(1, ge=1, description="answers drawn for each ask; the paper draws one")
    temperature: float = Field(
        0.0, ge=0, le=2, description="of the sampling; 0 takes the likeliest answer"
    )
    max_tokens: int = Field(1024, ge=1, description="most tokens of one answer")
    seed: int = Field(0, description="of the sampling; another value draws other answers")
    language: LanguageCode = Field(
        DEFAULT_LANGUAGE,
        description="language in which the model is to write, as a code; the run's by default",
    )

    @model_validator(mode="after")
    def _samples_differ(self) -> AnnotationConfig:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("several samples need a temperature above 0, or they are all the same")
        return self

    @classmethod
    def asking(cls, prompt: str) -> type[AnnotationConfig]:
        """These settings, with a prompt file of their own."""
        asked = (str, Field(prompt, description=cls.model_fields["prompt"].description))
        return create_model(cls.__name__, __base__=cls, __doc__=cls.__doc__, prompt=asked)

    def prompts(self) -> tuple[str, ...]:
        """The one prompt it asks with."""
        return (self.prompt,)

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """Further keywords of the answer's schema that follow from these settings, by path of the
        field (``narrowed``): how long a list (``maxItems``) or a text (``maxLength``) may be.

        A list has one place more than is allowed, so that one that is too long is seen to be.
        """
        return {}

    def sampling(self) -> Sampling:
        """How the engine is to sample."""
        return Sampling(self.samples, self.temperature, self.max_tokens, self.seed)


@dataclass(frozen=True)
class Case(Generic[S]):
    """One thing to ask a model.

    ``variables`` are the values of the prompt. The model sees the frames of ``shared`` first, which
    other cases of the video show too, then those of ``frames``; each in order of time. A prompt
    that names ``frame_times`` gets their times in seconds, none where the engine shows each frame
    with its time, or the case none. ``subject`` is for ``accept``: what the
    answers are about.

    ``choices`` has the only values that a field of the answer may have, by path of the field:
    ``value``, ``lines.time_s`` for a field of the items of a list, or ``numbers.[]`` for the items
    themselves. They are part of the schema of this ask alone, so that a decoder that is held to a
    schema can write no other. An answer with another value at its top level is none; in a list,
    ``accept`` judges each item.
    """

    subject: S
    variables: Mapping[str, Any] = field(default_factory=dict)
    frames: Sequence[FramedSegment | TurnFrame] = ()
    shared: Sequence[FramedSegment | TurnFrame] = ()
    choices: Mapping[str, Sequence[str | float]] = field(default_factory=dict)


class Answers(tuple[A, ...]):
    """The valid answers to a case, at least one. ``drawn`` counts the samples, valid or not."""

    drawn: int

    def __new__(cls, valid: Iterable[A], drawn: int | None = None) -> Answers[A]:
        """Without ``drawn``, all samples are valid."""
        made = super().__new__(cls, valid)
        made.drawn = len(made) if drawn is None else drawn
        return made


Cases = Iterable[Case[S] | Record]
Accepted = Iterable[Record | Case[S]]


def printed(time_s: float) -> float:
    """A time in seconds to the precision that prompts use."""
    return round(time_s, 2)


def annotation_stage(
    *,
    name: str,
    version: int,
    reads: tuple[type[Record], ...],
    writes: type[Record],
    config: type[C],
    answer: type[A],
    variables: Mapping[str, Any],
    cases: Callable[[VideoRows, C], Cases[S]],
    accept: Callable[[Case[S], Answers[A], C], Accepted[S]],
    unanswered: Callable[[Case[S], C], Accepted[S]] | None = None,
    reasons: tuple[Reason, ...] = (),
    tasks: Tasks | None = None,
) -> Stage[C]:
    """A stage that asks a model.

    ``variables`` is an example of the values that a case gives: a prompt is checked by it before
    anything runs.

    ``cases`` lists what to ask about one video, or refuses the video; where nothing need be asked,
    it may give a row. ``accept`` turns the answers that are valid ``answer``s into rows, or refuses
    them; it may also yield further cases, for a next round. It must yield something. A case without
    a valid answer is refused here, by the error or as ``no_valid_answer``; where that alone
    would hide the case from a later stage, ``unanswered`` gives rows beside the reject, or asks
    otherwise. ``reasons`` are those of ``cases`` and ``accept``; the errors of engines join them.

    ``cases``, ``accept`` and ``unanswered`` are pure. They leave out of a row its video, its id and
    the model call it comes from (``THIS_CALL``): these are filled in. All asks of a round go to the
    engine together, so that it stays busy, in an order by which it computes little twice. Tokens of
    a chat template in the values of a prompt are neutralised.
    """
    shows = any(issubclass(kind, FramedSegment) for kind in reads)
    example = {**variables, FRAME_TIMES: [0.0, 1.0]} if shows else {**variables}

    def problems(prompts: Mapping[str, Prompt]) -> Iterator[str]:
        for prompt in prompts.values():
            yield from prompt.problems(example, optional=[FRAME_TIMES])

    def misfits(config: AnnotationConfig, prompts: Mapping[str, Prompt]) -> Iterator[str]:
        tokens = most_tokens(narrowed(answer_schema(answer), config.bounds()))
        if tokens > config.max_tokens:
            yield (
                f"max_tokens: the longest answer that its schema allows has about {tokens} tokens,"
                f" and {config.max_tokens} are allowed: raise it, or ask for less"
            )
        for prompt in prompts.values():
            if config.language != DEFAULT_LANGUAGE and not prompt.names_language:
                yield (
                    f"prompt: {prompt.file} does not say in its system part that answers are to be"
                    f" in {{{{ language }}}}, which is {config.language!r}"
                )

    def run(videos: Iterable[VideoRows], config: C, context: Context) -> Iterator[Record]:
        engine = context.engine
        if engine is None or not isinstance(config, AnnotationConfig):
            raise TypeError(f"stage {name!r} needs an engine and an AnnotationConfig")
        prompt = context.prompts[config.prompt]
        system = prompt.render_system({"language": config.language})
        schema = narrowed(answer_schema(answer), config.bounds())
        made: list[_Node[S] | Record] = [
            _Node(rows.video_id, number, case)
            if isinstance(case, Case)
            else complete(case, rows.video_id)
            for rows in videos
            for number, case in enumerate(cases(rows, config))
        ]
        nodes = [each for each in made if isinstance(each, _Node)]
        while nodes:
            ids = [digest([name, prompt.name, n.video_id, n.number], 16) for n in nodes]
            asks = [
                ask_of(
                    *(node.case, id_, prompt, schema, system),
                    timed_frames=engine.timed_frames,
                    video_id=node.video_id,
                )
                for node, id_ in zip(nodes, ids, strict=True)
            ]
            order = in_order_of_frames(asks)
            found = engine.generate([asks[i] for i in order], config.sampling())
            replies = {order[place]: samples for place, samples in found}
            for i, (node, ask) in enumerate(zip(nodes, asks, strict=True)):
                call = provenance_of(name, config.sampling(), prompt, engine, ask, replies[i])
                valid, errors = valid_answers(answer, ask, replies[i], config.language)
                if valid:
                    node.take(accept(node.case, Answers(valid, config.samples), config), call)
                    continue
                node.take([refused(ask, replies[i], errors)], call)
                if unanswered is not None:
                    node.take(unanswered(node.case, config), call)
            nodes = [each for node in nodes for each in node.made if isinstance(each, _Node)]
        yield from _rows(made)

    declared = (*reasons, *reasons_of(MEANINGS, PASSING_ERRORS))
    return Stage(
        *(name, version, reads, writes, config, run),
        answer=answer,
        variables=example,
        prompt_problems=problems,
        config_problems=misfits,
        reasons=declared,
        tasks=tasks,
    )


def ask_of(
    case: Case[S],
    request_id: str,
    prompt: Prompt,
    schema: Mapping[str, Any],
    system: str = "",
    *,
    timed_frames: bool,
    video_id: str = "",
) -> Ask:
    """What an engine gets of a case; ``system`` is the prompt's own, rendered.

    ``timed_frames``: the engine shows each frame with its time, so that the text need not.

    Raises:
        PromptError: the prompt names a variable that the case has not, or the reverse.
        ValueError: the case has choices for a field that the answer has not.
    """
    shown = [*case.shared, *case.frames]
    variables = dict(case.variables)
    if FRAME_TIMES in prompt.variables:
        times = () if timed_frames else shown
        variables[FRAME_TIMES] = [printed(frame.frame_s) for frame in times]
    return Ask(
        request_id=request_id,
        text=neutralise(prompt.render(variables)),
        # Where nothing is narrowed it is one object, which an engine writes down once.
        answer_schema=narrowed(schema, {k: {"enum": [*v]} for k, v in case.choices.items()})
        if case.choices
        else schema,
        frames=tuple(Frame(frame.frame_s, frame.jpeg) for frame in shown),
        variables=variables,
        system=system,
        video_id=video_id,
    )


@dataclass
class _Node(Generic[S]):
    """A case, and what its answers led to: rows, and cases of the next round."""

    video_id: str
    number: int | str
    """Of the case in its video; of one of a later round, behind that of the case it came from."""
    case: Case[S]
    made: list[_Node[S] | Record] = field(default_factory=list)

    def take(self, made: Accepted[S], call: Provenance) -> None:
        """Adds what the answers led to."""
        for place, each in enumerate(made):
            if isinstance(each, Case):
                self.made.append(_Node(self.video_id, f"{self.number}.{place}", each))
            else:
                self.made.append(complete(each, self.video_id, call, place))


def _rows(made: Iterable[_Node[S] | Record]) -> Iterator[Record]:
    """All rows, in the order of the cases that led to them, however many rounds these took."""
    open_ones = [iter(made)]
    while open_ones:
        for each in open_ones[-1]:
            if isinstance(each, _Node):
                open_ones.append(iter(each.made))
                break
            yield each
        else:
            open_ones.pop()
