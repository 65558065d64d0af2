"""A text score by a model: it is asked whether what was said says what is expected.

The pairs that the measures look at are collected first, each once, and asked in one batch; then all
measures are scored by what it answered. Where texts decide by themselves (an option, the same
words, nothing said) it is not asked. Its answers are kept in a file, so no pair is asked twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from pipeline.dialogue.special_tokens import neutralise
from pipeline.engines.answer import answer_schema
from pipeline.engines.base import Ask, Engine, Sampling
from pipeline.records.digest import digest
from pipeline.scoring.item import Expected, Item, Said, TextScore
from pipeline.scoring.text_scores import TEXT_SCORES, plain
from pipeline.settings import DEFAULT_LANGUAGE
from pipeline.workflow.answers import valid_answers
from pipeline.workflow.prompt import Prompt

Verdict = Literal["right", "partly", "wrong"]
WORTH: Mapping[Verdict, float] = {"right": 1.0, "partly": 0.5, "wrong": 0.0}
_MAX_TOKENS = 64


class Judgement(BaseModel):
    """What a judge answers."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict


class Pair(NamedTuple):
    """What a judge is shown."""

    question: str
    expected: str
    said: str


@dataclass(frozen=True)
class Judge:
    """A model that judges, by what its verdicts depend on."""

    model: str
    """``model@revision``."""
    identity: Mapping[str, Any]
    """Of its engine."""
    prompt: Prompt

    @property
    def protocol(self) -> str:
        """What a protocol says of it."""
        return (
            f"judged by {self.model} with the prompt judge {self.prompt.sha} (right 1, partly 0.5,"
            " wrong 0); without asking: the option where there are options, the same words"
        )

    def key(self, pair: Pair) -> str:
        """By which its verdict on a pair is kept."""
        return digest([self.model, self.identity, self.prompt.sha, *pair], 24)


def certain(item: Item, due: Expected, one: Said) -> float | None:
    """The score of a text that needs no judge; None where it needs one."""
    if item.options:
        return TEXT_SCORES["option"][1](item, due, one)
    if plain(one.text) == plain(due.text):
        return 1.0
    return None if one.text.strip() else 0.0


def pairs_looked_at(score: Callable[[TextScore], Any]) -> list[Pair]:
    """The pairs that need a judge among those that a scoring looks at, each once.

    ``score`` scores with the text score it is given. What it looks at must not depend on what it
    gets: so it is with measures that match.
    """
    pairs: dict[Pair, None] = {}

    def note(item: Item, due: Expected, one: Said) -> float:
        if certain(item, due, one) is None:
            pairs[Pair(item.question, due.text, one.text)] = None
        return 0.0

    score(note)
    return list(pairs)


def judged(
    judge: Judge, pairs: list[Pair], open_engine: Callable[[], Engine], kept: Path
) -> tuple[TextScore, list[str]]:
    """The text score by what a judge says of all pairs, and why some have no verdict.

    Verdicts are read from ``kept`` and written there as they come; the engine is opened only where
    one is missing.

    Raises:
        EngineError: no further ask can be answered; what it answered before is kept.
        OSError: the file cannot be read or written.
    """
    known = _read(kept)
    open_pairs = [pair for pair in pairs if judge.key(pair) not in known]
    problems: list[str] = []
    if open_pairs:
        system = judge.prompt.render_system({})
        asks = [_ask(judge, pair, system) for pair in open_pairs]
        sampling = Sampling(max_tokens=_MAX_TOKENS)
        with kept.open("a", encoding="utf-8") as file:
            for place, replies in open_engine().generate(asks, sampling):
                valid, errors = valid_answers(Judgement, asks[place], replies, DEFAULT_LANGUAGE)
                if not valid:
                    problems.append("; ".join(errors))
                    continue
                known[asks[place].request_id] = valid[0].verdict
                row = {"key": asks[place].request_id, "verdict": valid[0].verdict}
                about = {"judge": judge.model, **open_pairs[place]._asdict()}
                file.write(json.dumps({**row, **about}, ensure_ascii=False) + "\n")
                file.flush()

    def score(item: Item, due: Expected, one: Said) -> float:
        sure = certain(item, due, one)
        if sure is not None:
            return sure
        return WORTH[known[judge.key(Pair(item.question, due.text, one.text))]]

    return score, problems


def _ask(judge: Judge, pair: Pair, system: str) -> Ask:
    variables = pair._asdict()
    return Ask(
        request_id=judge.key(pair),
        text=neutralise(judge.prompt.render(variables)),
        answer_schema=answer_schema(Judgement),
        variables=variables,
        system=system,
    )


def _read(kept: Path) -> dict[str, Verdict]:
    """By key; half a row at the end, which a kill left, is cut off."""
    if not kept.exists():
        return {}
    with kept.open("r+b") as file:
        lines = [line for line in file if line.endswith(b"\n")]
        file.truncate(sum(map(len, lines)))
    rows = [json.loads(line) for line in lines]
    return {row["key"]: row["verdict"] for row in rows}
