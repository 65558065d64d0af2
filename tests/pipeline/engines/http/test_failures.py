"""Each way in which a request can fail: what the row says, and how often it was tried."""

from __future__ import annotations

import pytest

from pipeline.engines.base import EngineError, Sampling
from tests.pipeline.engines.contract import replies_to
from tests.pipeline.engines.http.conftest import ATTEMPTS, TIMEOUT_S, Bench, Opener, ask_to
from tests.pipeline.engines.server_process import ServerProcess

PASSING = {
    "500_always": ("server_error", "status 500: broken, with"),
    "503_gateway": ("server_error", "status 503: <html>no backend</html>"),
    "429_always": ("rate_limited", "status 429: slow down"),
    "half_json": ("server_error", "the body is not JSON"),
    "deep_json": ("server_error", "the body is not JSON"),
    "no_choices": ("server_error", "the body has no choices"),
    "cut": ("connection", "ClientPayloadError"),
    "hang_up": ("connection", ""),
    "hang": ("timeout", "no whole answer within 1.5 s"),
    "trickle": ("timeout", "no whole answer within 1.5 s"),
    "stall": ("timeout", "no whole answer within 1.5 s"),
}
LASTING = {
    "400": ("bad_request", "status 400: no such thing as"),
    "413": ("bad_request", "status 413: too large"),
    "422": ("bad_request", 'status 422: [{"msg": "bad"}]'),
    "too_long": ("too_long", "status 400: This model's maximum context length"),
    "no_pictures": ("unsupported", "status 500: image input is not supported - hint"),
    "too_long_500": ("too_long", "status 500: the request exceeds the available context size"),
    "501": ("bad_request", "status 501: no such feature"),
}
OF_THE_CHOICE = {
    "refused": "refused",
    "filtered": "refused",
    "empty": "empty",
    "null": "empty",
}
OF_THE_SERVER = {
    "401": "lets no one in",
    "403": "lets no one in",
    "404": "see base_url and model",
    "redirect": "see base_url and model",
    "other_model": "answers as the model tiny, not as m: correct `model`",
}


@pytest.mark.parametrize("do", PASSING)
def test_a_cause_that_never_passes_is_named_after_all_attempts(
    bench: Bench, hasty: Bench, do: str
) -> None:
    error, detail = PASSING[do]
    outcome = (hasty if error == "timeout" else bench)(do)
    assert (outcome.reply.error, outcome.reply.text) == (error, None)
    assert outcome.reply.detail.startswith(detail)
    assert len(outcome.tries) == ATTEMPTS
    if error == "timeout":
        # Each try has its time limit; the stall itself would outlast this test.
        assert outcome.reply.latency_s >= ATTEMPTS * TIMEOUT_S


@pytest.mark.parametrize("do", LASTING)
def test_a_request_that_is_refused_is_not_sent_again(bench: Bench, do: str) -> None:
    outcome = bench(do)
    error, detail = LASTING[do]
    assert (outcome.reply.error, outcome.reply.text) == (error, None)
    assert outcome.reply.detail.startswith(detail)
    assert len(outcome.reply.detail) <= 200
    assert len(outcome.tries) == 1


@pytest.mark.parametrize("do", OF_THE_CHOICE)
def test_an_answer_that_is_none_is_an_error_of_the_row(bench: Bench, do: str) -> None:
    outcome = bench(do)
    assert (outcome.reply.error, outcome.reply.text) == (OF_THE_CHOICE[do], None)
    assert len(outcome.tries) == 1


@pytest.mark.parametrize("do", ["truncated", "loop"])
def test_an_answer_that_went_astray_is_drawn_again_and_keeps_its_text(
    bench: Bench, do: str
) -> None:
    outcome = bench(do)
    assert outcome.reply.text is None
    assert (outcome.reply.error, outcome.reply.detail) == {
        "truncated": ("truncated", '{"text": "a'),
        "loop": ("text_loops", ("The deed is set apart. " * 9)[:200]),
    }[do]
    assert [each["body"]["temperature"] for each in outcome.tries] == [0, 0.3, 0.7]


def test_a_warmer_answer_in_place_of_a_truncated_one(bench: Bench) -> None:
    before = bench.engine.metrics.drawn_again
    assert bench("truncated_then_right").reply.text is not None
    assert bench.engine.metrics.drawn_again - before == 2


@pytest.mark.parametrize("do", OF_THE_SERVER)
def test_what_would_meet_every_ask_ends_the_batch(
    opened: Opener, server: ServerProcess, do: str
) -> None:
    marker = f"{do}#alone"
    replies = opened(concurrency=1).generate(
        [ask_to("ok"), ask_to(marker), ask_to("ok")], Sampling()
    )
    assert next(replies)[0] == 0, "what was answered before is yielded"
    with pytest.raises(EngineError, match=OF_THE_SERVER[do]):
        next(replies)
    assert len(server.seen(marker)) == 1, "a redirect is not followed either"


def test_two_failures_and_then_an_answer(bench: Bench) -> None:
    before = bench.engine.metrics
    outcome = bench("500_twice")
    assert outcome.reply.text is not None
    assert len(outcome.tries) == 3
    assert bench.engine.metrics.retries - before.retries == 2
    assert bench.engine.metrics.tries - before.tries == 2 + 3


@pytest.mark.parametrize(("do", "wait_s"), [("429_once", 1.0), ("429_date", 1.0)])
def test_the_wait_that_a_server_asks_for_is_kept(opened: Opener, do: str, wait_s: float) -> None:
    engine = opened(longest_wait_s=5)
    ((reply,),) = replies_to(engine, [ask_to(f"{do}#wait")])
    assert reply.text is not None
    assert reply.latency_s >= wait_s, "all tries of the ask, and the waits between them"
    assert engine.metrics.tries == 2


def test_no_wait_is_longer_than_the_longest(bench: Bench) -> None:
    """The server asks for ten minutes."""
    assert bench("429_long").reply.text is not None


def test_errors_are_counted_by_name(opened: Opener) -> None:
    engine = opened()
    asks = [ask_to(do) for do in ("ok", "400", "413", "empty", "429_always")]
    replies_to(engine, asks)
    assert engine.metrics.errors == {"bad_request": 2, "empty": 1, "rate_limited": 1}
    assert (engine.metrics.asks, engine.metrics.tries) == (5, 4 + ATTEMPTS)
