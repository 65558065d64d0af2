"""How often a model is asked for one answer, and which of its answers counts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.engines.answer import Choice
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import RequestError
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.interface import Draw, Drawn
from pipeline.engines.vllm.prompt import Shown
from pipeline.engines.vllm.sampler import replies_of

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
GOOD, INVALID, ODD = Choice('{"a": 1}'), Choice('{"a": 2'), Choice("I think so.")
CUT = Choice(error="truncated")


class Script:
    """A model whose samples are written down: each draw takes the next line."""

    even_only = True

    def __init__(self, *lines: Sequence[Choice] | RequestError) -> None:
        self.lines = list(lines)
        self.draws: list[Draw] = []

    async def draw(self, shown: Shown, answer_schema: Mapping[str, Any], draw: Draw) -> Drawn:
        self.draws.append(draw)
        line = self.lines.pop(0)
        if isinstance(line, RequestError):
            raise line
        assert len(line) == draw.n
        return Drawn(tuple(line), (5,) * draw.n, tokens_in=100, tokens_cached=60)


def asked(script: Script, sampling: Sampling, **given: Any) -> list[Reply]:
    config = VllmConfig(model="m", revision="r", **given)
    return asyncio.run(replies_of(script, Ask("id", "text", SCHEMA), sampling, config))


def test_what_does_not_parse_is_asked_again_warmer() -> None:
    script = Script([GOOD, ODD, INVALID], [ODD, GOOD], [GOOD])
    replies = asked(script, Sampling(samples=3, temperature=0.1, seed=7))
    assert [reply.text for reply in replies] == ['{"a": 1}'] * 3
    assert script.draws == [
        Draw(3, 0.1, 7, 1024),
        Draw(2, 0.3, 10, 1024),
        Draw(1, 0.7, 13, 1024),
    ]
    assert [reply.tokens_in for reply in replies] == [100, 200, 0]
    assert [reply.tokens_out for reply in replies] == [5, 15, 10]
    assert [reply.tokens_cached for reply in replies] == [60, 120, 0]


def test_invalid_json_is_repaired_when_warmth_did_not_help() -> None:
    lines = [[INVALID], [ODD], [ODD]]
    (reply,) = asked(Script(*lines), Sampling())
    assert (reply.text, reply.error, reply.detail) == ('{"a": 2}', None, "repaired")
    (reply,) = asked(Script(*lines), Sampling(), repair=False)
    assert (reply.text, reply.error, reply.detail) == (None, "unparsable", '{"a": 2')


def test_what_is_cut_off_at_any_temperature_stays_so() -> None:
    script = Script([CUT, GOOD], [CUT], [CUT])
    replies = asked(script, Sampling(samples=2, temperature=0.5))
    assert [reply.error for reply in replies] == ["truncated", None]
    assert [draw.temperature for draw in script.draws] == [0.5, 0.3, 0.7]


def test_a_greedy_answer_is_drawn_once_however_many_are_wanted() -> None:
    script = Script([GOOD])
    replies = asked(script, Sampling(samples=3))
    assert [draw.n for draw in script.draws] == [1]
    assert [reply.text for reply in replies] == ['{"a": 1}'] * 3
    assert [reply.tokens_in for reply in replies] == [100, 0, 0]


def test_a_refused_ask_is_an_error_in_every_sample() -> None:
    script = Script(RequestError("too_long", "9000 tokens"))
    replies = asked(script, Sampling(samples=2, temperature=0.5))
    assert [(r.text, r.error, r.detail) for r in replies] == [(None, "too_long", "9000 tokens")] * 2


def test_a_failure_of_a_later_try_leaves_the_first_answer() -> None:
    script = Script([INVALID], RequestError("bad_request", "odd"))
    (reply,) = asked(script, Sampling())
    assert reply.text == '{"a": 2}'
