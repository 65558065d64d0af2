"""A stage that asks for vectors: pure functions around an engine.

A part is made of the answers of its asks as in any other stage that asks: they are journaled, and
no ask is answered twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from pipeline.engines.answer import answer_schema
from pipeline.engines.base import Sampling
from pipeline.engines.embedding import Embedding
from pipeline.engines.errors import MEANINGS, PASSING_ERRORS
from pipeline.records import Record
from pipeline.records.complete import complete
from pipeline.records.digest import digest
from pipeline.settings import DEFAULT_LANGUAGE
from pipeline.workflow.annotation_stage import Case, Cases, S, ask_of
from pipeline.workflow.answers import provenance_of, refused, valid_answers
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.stage import (
    C,
    Context,
    Reason,
    Rows,
    Stage,
    StageConfig,
    VideoRows,
    reasons_of,
)

ONCE = Sampling(max_tokens=1)
"""A model has one vector of a thing, and writes no token."""


class EmbeddingConfig(StageConfig):
    """Settings common to stages that ask for vectors."""

    prompt: str = Field(
        description="name of the text that is embedded, or that a picture is embedded with, a file"
        " below prompts/ without its suffix"
    )

    def prompts(self) -> tuple[str, ...]:
        """The one prompt it asks with."""
        return (self.prompt,)


def embedding_stage(
    *,
    name: str,
    version: int,
    reads: tuple[type[Record], ...],
    writes: type[Record],
    config: type[C],
    variables: Mapping[str, Any],
    cases: Callable[[VideoRows, C], Cases[S]],
    accept: Callable[[Case[S], list[float], C], Rows],
    reasons: tuple[Reason, ...] = (),
) -> Stage[C]:
    """A stage that asks for vectors.

    ``cases`` lists what to embed of one video, or refuses the video: each case a text, or a frame
    with the text that the model takes beside it. ``accept`` turns a vector into rows. Both are
    pure, and leave out the video and the model call (``THIS_CALL``). All asks of a shard go to the
    engine together. ``variables`` has the values that a prompt may name, none of which it must.
    """

    def problems(prompts: Mapping[str, Prompt]) -> Iterator[str]:
        for prompt in prompts.values():
            yield from prompt.problems(variables, optional=[*variables])

    def run(videos: Iterable[VideoRows], config: C, context: Context) -> Iterator[Record]:
        engine = context.engine
        if engine is None or not isinstance(config, EmbeddingConfig):
            raise TypeError(f"stage {name!r} needs an engine and an EmbeddingConfig")
        prompt = context.prompts[config.prompt]
        schema = answer_schema(Embedding)
        made = [
            (rows.video_id, number, case)
            for rows in videos
            for number, case in enumerate(cases(rows, config))
        ]
        wanted = [(id_, number, case) for id_, number, case in made if isinstance(case, Case)]
        asks = [
            ask_of(
                _named(case, prompt),
                digest([name, prompt.name, video_id, number], 16),
                prompt,
                schema,
                timed_frames=True,
            )
            for video_id, number, case in wanted
        ]
        replies = dict(engine.generate(asks, ONCE))
        at = iter(range(len(asks)))
        for video_id, _, case in made:
            if not isinstance(case, Case):
                yield complete(case, video_id)
                continue
            i = next(at)
            call = provenance_of(name, ONCE, prompt, engine, asks[i], replies[i])
            valid, errors = valid_answers(Embedding, asks[i], replies[i], DEFAULT_LANGUAGE)
            if not valid:
                yield complete(refused(asks[i], replies[i], errors), video_id, call)
                continue
            for place, row in enumerate(accept(case, valid[0].values.tolist(), config)):
                yield complete(row, video_id, call, place)

    return Stage(
        *(name, version, reads, writes, config, run),
        answer=Embedding,
        wants="vectors",
        variables=variables,
        prompt_problems=problems,
        reasons=(*reasons, *reasons_of(MEANINGS, PASSING_ERRORS)),
    )


def _named(case: Case[S], prompt: Prompt) -> Case[S]:
    """The case with the values alone that the prompt names."""
    named = {key: value for key, value in case.variables.items() if key in prompt.variables}
    return Case(case.subject, named, case.frames)
