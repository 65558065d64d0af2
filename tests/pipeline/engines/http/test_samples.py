"""What becomes of answers: samples, shapes, repair, tokens, latency."""

from __future__ import annotations

import json
import time

import pytest

from pipeline.engines.answer import REPAIRED
from pipeline.engines.base import Reply, Sampling
from tests.pipeline.engines.contract import replies_to
from tests.pipeline.engines.http.conftest import ATTEMPTS, TIMEOUT_S, Bench, Opener, ask_to
from tests.pipeline.engines.server_process import ServerProcess

THREE = Sampling(samples=3, temperature=0.5, seed=10)
LADDER = 2
"""Temperatures of the default configuration."""


def seeds_of(tries: list[dict[str, dict[str, float]]]) -> list[tuple[float, float]]:
    return [(each["body"]["n"], each["body"]["seed"]) for each in tries]


@pytest.mark.parametrize("do", ["wrong_always", "wrong_type", "surrogate_inside"])
def test_what_never_has_the_shape_is_unparsable_after_the_ladder(bench: Bench, do: str) -> None:
    outcome = bench(do)
    assert (outcome.reply.error, outcome.reply.text) == ("unparsable", None)
    assert [each["body"]["temperature"] for each in outcome.tries] == [0.0, 0.3, 0.7]
    outcome.reply.detail.encode()


def test_what_has_the_shape_when_warmer_is_the_answer(bench: Bench) -> None:
    outcome = bench("wrong_then_right")
    assert outcome.reply.text is not None
    assert outcome.reply.detail == ""
    assert len(outcome.tries) == 1 + LADDER
    assert outcome.reply.tokens_in == 100 * len(outcome.tries)


@pytest.mark.parametrize("do", ["mendable", "fenced", "surrogate"])
def test_invalid_json_is_repaired_and_counted(bench: Bench, do: str) -> None:
    before = bench.engine.metrics.repaired
    outcome = bench(do)
    assert outcome.reply.detail == REPAIRED
    assert json.loads((outcome.reply.text or "").encode())["changed"] is True
    assert len(outcome.tries) == 1 + LADDER
    assert bench.engine.metrics.repaired == before + 1


def test_nothing_is_repaired_without_repair(opened: Opener) -> None:
    engine = opened(repair=False, temperatures=())
    ((reply,),) = replies_to(engine, [ask_to("mendable#not")])
    assert (reply.error, reply.text) == ("unparsable", None)
    assert reply.detail == '{"text": "mended", "changed": true'
    assert (engine.metrics.tries, engine.metrics.repaired) == (1, 0)


def test_a_ladder_that_fails_leaves_the_first_answer(opened: Opener, server: ServerProcess) -> None:
    ((reply,),) = replies_to(opened(), [ask_to("wrong_then_500#first")])
    assert (reply.error, reply.detail) == ("unparsable", "I think so.")
    assert len(server.seen("wrong_then_500#first")) == 1 + ATTEMPTS


def test_all_samples_come_from_one_request(bench: Bench) -> None:
    outcome = bench("ok", THREE)
    assert all(reply.text for reply in outcome.replies)
    assert seeds_of(outcome.tries) == [(3, 10)]


def test_only_the_samples_that_need_it_are_asked_again(bench: Bench) -> None:
    outcome = bench("half_right", THREE)
    assert all(reply.text for reply in outcome.replies)
    assert seeds_of(outcome.tries) == [(3, 10), (2, 13), (1, 16)]


@pytest.mark.parametrize("do", ["one_choice", "more_choices"])
def test_another_number_of_choices_than_asked_for(bench: Bench, do: str) -> None:
    outcome = bench(do, THREE)
    assert len(outcome.replies) == 3
    assert all(reply.text for reply in outcome.replies)
    expected = [(3, 10), (2, 11), (1, 12)] if do == "one_choice" else [(3, 10)]
    assert seeds_of(outcome.tries) == expected


def test_a_server_that_gives_one_at_a_time(bench: Bench) -> None:
    outcome = bench("one_choice_only", THREE)
    assert all(reply.text for reply in outcome.replies)
    assert seeds_of(outcome.tries) == [(3, 10), (1, 10), (1, 11), (1, 12)]


def test_greedy_samples_are_asked_for_one_by_one(bench: Bench) -> None:
    outcome = bench("ok", Sampling(samples=2))
    assert seeds_of(outcome.tries) == [(1, 0), (1, 1)]


def test_samples_that_came_before_a_failure_stay(bench: Bench) -> None:
    outcome = bench("one_then_500", THREE)
    assert [reply.error for reply in outcome.replies] == [None, "server_error", "server_error"]
    assert len(outcome.tries) == 1 + ATTEMPTS


def test_tokens_of_the_prompt_count_once_and_of_the_answers_in_all(bench: Bench) -> None:
    """The server says 100 for a prompt, 64 of them kept, and 31 for three answers."""
    replies = bench("ok", THREE).replies
    assert [reply.tokens_in for reply in replies] == [100, 0, 0]
    assert [reply.tokens_cached for reply in replies] == [64, 0, 0]
    assert [reply.tokens_out for reply in replies] == [11, 10, 10]
    replies = bench("one_choice", THREE).replies
    assert [reply.tokens_in for reply in replies] == [100, 100, 100]
    assert [reply.tokens_cached for reply in replies] == [64, 64, 64]


def test_samples_of_an_ask_have_one_latency(bench: Bench, hasty: Bench) -> None:
    def latencies(replies: list[Reply]) -> set[float]:
        return {reply.latency_s for reply in replies}

    (quick_s,) = latencies(bench("ok", THREE).replies)
    (hung_s,) = latencies(hasty("hang", THREE).replies)
    assert quick_s > 0
    assert hung_s >= ATTEMPTS * TIMEOUT_S, "all tries are in it"


def test_the_wait_for_a_place_is_no_latency(opened: Opener) -> None:
    engine = opened(concurrency=1)
    asks = [ask_to(f"under_way#latency{i}") for i in range(6)]
    start_s = time.monotonic()
    latencies_s = [reply.latency_s for (reply,) in replies_to(engine, asks)]
    assert sum(latencies_s) <= time.monotonic() - start_s, "one after the other"
    assert min(latencies_s) >= 0.05
