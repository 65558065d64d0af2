"""The limits of the decoder's process, and the messages between it and its parent."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.base import Clip, Header, Limits, MediaError, Probe, Still, StillsRequest
from pipeline.media.decode import DecodeProcess
from pipeline.media.protocol import (
    LENGTH,
    Request,
    packed_reply,
    packed_request,
    unpacked_reply,
    unpacked_request,
)
from tests.pipeline.media.child_processes import HANG_S

CHECKOUT = Path(__file__).resolve().parents[3]
FLOATS = st.floats(allow_nan=False)
PROBES = st.builds(Probe, FLOATS, *[st.integers()] * 3, st.text(), FLOATS, st.text())
STILLS = st.lists(st.builds(Still, FLOATS, st.binary(max_size=50)), max_size=5)
LIMITS = Limits(timeout_s=30.0, memory_bytes=1 << 30)


@pytest.fixture
def media(tmp_path: Path) -> Iterator[DecodeProcess]:
    (tmp_path / "some.mp4").write_bytes(bytes(100))
    with DecodeProcess(tmp_path) as process:
        yield process


def test_a_decoder_that_nobody_watches_ends_by_itself() -> None:
    program = (
        "from pipeline.media.reader import decode_worker\n"
        "def answer(request):\n"
        "    while True: pass\n"
        "decode_worker.answer = answer\n"
        "decode_worker.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=CHECKOUT,
        input=packed_request(Request(Clip("x"), "probe", Limits(timeout_s=0.5))),
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == -24  # SIGXCPU


@given(
    st.text(st.characters()),
    st.sampled_from(["probe", "header"]) | st.builds(StillsRequest),
    st.none() | FLOATS,
)
def test_requests_come_through(uri: str, wanted: Any, end_s: float | None) -> None:
    request = Request(Clip(uri, 0.1, end_s), wanted, LIMITS)
    assert unpacked_request(packed_request(request)[LENGTH.size :]) == request


@given(PROBES | STILLS | st.builds(Header, st.integers(), FLOATS))
def test_replies_come_through(reply: Probe | Header | list[Still]) -> None:
    assert unpacked_reply(packed_reply(reply)[LENGTH.size :]) == reply


@given(st.text(st.characters()))
def test_errors_come_through(detail: str) -> None:
    back = unpacked_reply(packed_reply(MediaError("damaged", detail))[LENGTH.size :])
    assert isinstance(back, MediaError)
    assert (back.reason, back.detail) == ("damaged", detail)


@given(st.binary(max_size=200), STILLS, st.data())
def test_what_is_no_reply_raises_only_value_error(
    noise: bytes, stills: list[Still], data: st.DataObject
) -> None:
    """Nor does a reply that was cut, or in which bytes were changed."""
    body = bytearray(packed_reply(stills)[LENGTH.size :])
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    for message in (noise, bytes(body), bytes(body[:at]), b"", pickle.dumps(stills)):
        try:
            unpacked_reply(message)
        except ValueError:
            continue


class _Poison:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch poisoned",)


def test_a_poisoned_reply_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    body = pickle.dumps(_Poison())
    for message in (body, LENGTH.pack(len(body)) + body):
        with pytest.raises(ValueError, match=r".*"):
            unpacked_reply(message)
    assert not list(tmp_path.iterdir())
