"""What a failure means, and how long a server wants to be left alone."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import AsyncRetrying, RetryCallState

from pipeline.engines.errors import lasting_error
from pipeline.engines.http.client import BACKOFF, FIRST_WAIT_S
from pipeline.engines.http.errors import message_of, passing_error, wait_asked_for


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, "rate_limited"),
        (408, "server_error"),
        (500, "server_error"),
        (503, "server_error"),
        (529, "server_error"),
        (400, None),
        (413, None),
        (422, None),
        (302, None),
    ],
)
def test_a_status_may_pass_or_stays(status: int, error: str | None) -> None:
    assert passing_error(status) == error


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000.",
        "the request exceeds the available context size",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ],
)
def test_a_prompt_that_is_too_long_is_known_by_what_servers_say(message: str) -> None:
    assert lasting_error(400, message) == "too_long"
    assert lasting_error(422, message) == "bad_request"
    assert lasting_error(400, "no image could be read") == "bad_request"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "no", "code": 1}}', "no"),
        (b'{"error": "no"}', "no"),
        (b'{"message": "no"}', "no"),
        (b'{"detail": "no"}', "no"),
        (b'{"detail": [{"msg": "no"}]}', '[{"msg": "no"}]'),
        (b"<html>no</html>", "<html>no</html>"),
        (b'"no"', "no"),
        (b"", ""),
        (b"\xff", "\ufffd"),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_a_message_is_found_where_servers_put_it(body: bytes, message: str) -> None:
    assert message_of(body) == message


def test_a_wait_is_a_number_or_a_date() -> None:
    soon = datetime.now(timezone.utc) + timedelta(seconds=100)
    assert wait_asked_for(None) == 0
    assert wait_asked_for(" 7 ") == 7
    assert wait_asked_for("1.5") == 1.5
    assert 98 < wait_asked_for(format_datetime(soon, usegmt=True)) <= 100
    assert wait_asked_for("Sun, 06 Nov 1994 08:49:37 GMT") == 0


@given(st.text() | st.from_regex(r"\A[\d.]{1,400}\Z") | st.from_regex(r"\A\w{3}, \d+ \w{3} \d+ "))
def test_any_header_is_a_wait(header: str) -> None:
    assert wait_asked_for(header) >= 0


@given(st.integers(1, 10_000))
def test_waits_double_and_are_finite(tries: int) -> None:
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.attempt_number = tries
    least_s = FIRST_WAIT_S * 2.0 ** min(tries - 1, 30)
    assert least_s <= BACKOFF(state) < math.inf
    assert tries > 30 or BACKOFF(state) <= least_s + FIRST_WAIT_S
