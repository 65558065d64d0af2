"""A server that sends what has no end, what unpacks to gigabytes, or what breaks parsers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.engines import close_engines
from pipeline.engines.http.config import HttpConfig
from pipeline.reports.doctor.server import check_server
from tests.pipeline.engines.hostile_server import MODES
from tests.pipeline.engines.server_process import ServerProcess

ENGINES = Path(__file__).resolve().parents[1]
RSS_LIMIT_MB = 512
"""Three servers are asked at once, three times each. Libraries take a hundred of it; an ask costs
four for its answer, and up to two hundred while that is parsed, one at a time in an engine."""
EXPECTED = {
    "endless": "answer_too_large",
    "endless_chunks": "answer_too_large",
    "one_byte_chunks": "timeout",
    "long_length": "answer_too_large",
    "endless_error": "server_error",
    "endless_refusal": "bad_request",
    "gzip_bomb": "answer_too_large",
    "deflate_bomb": "answer_too_large",
    "gzip_members": "answer_too_large",
    "not_gzip": "connection",
    "unknown_packing": "connection",
    "trickle": "timeout",
    "long_header": "connection",
    "many_headers": "connection",
    "long_status": "connection",
    "endless_continue": "timeout",
    "redirect": "EngineError",
    "deep": "server_error",
    "deep_message": "server_error",
    "deep_refusal": "refused",
    "deep_answer": "unparsable",
    "huge_number": "unparsable",
    "huge_count": "answer",
    "nan": "unparsable",
    "beyond_float": "unparsable",
    "twice_the_key": "unparsable",
    "many_choices": "server_error",
    "many_objects": "server_error",
    "slow_to_repair": "unparsable",
    "other_content_type": "answer",
    "not_utf8": "server_error",
    "control_characters": "bad_request",
    "long_wait": "rate_limited",
    "strange_wait": "EngineError",
    "right": "answer",
}
SLOW_LIMIT_S = 0.5
IN_THE_LIST = ("endless", "gzip_bomb", "long_header", "deep", "twice_the_key", "right")
"""Modes of the list of models that the doctor asks for."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    port = tmp_path_factory.mktemp("server") / "port"
    with ServerProcess(port, ENGINES / "hostile_server.py") as started:
        yield started


def test_every_ask_has_an_answer_or_a_named_error_in_bounded_memory(server: ServerProcess) -> None:
    assert set(EXPECTED) == set(MODES) and len(MODES) > 20
    slow = {mode for mode, error in EXPECTED.items() if error == "timeout"}
    modes = [f"{mode}={SLOW_LIMIT_S if mode in slow else ''}" for mode in MODES]
    command = [sys.executable, str(ENGINES / "ask_hostile_server.py"), server.root, *modes]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["outcomes"] == EXPECTED
    assert found["peak_rss_mb"] < RSS_LIMIT_MB


@pytest.mark.parametrize("mode", IN_THE_LIST)
def test_the_doctor_names_what_it_got_instead_of_a_list(server: ServerProcess, mode: str) -> None:
    host = HttpConfig.model_validate(
        {"model": "m", "revision": "r", "base_url": f"{server.root}/{mode}/v1", "attempts": 1}
    )
    jpeg = cv2.imencode(".jpg", np.zeros((36, 64, 3), np.uint8))[1].tobytes()
    first, *_ = check_server("engines.captioner", host, None, jpeg)
    close_engines()
    assert first.level in ("warning", "failure") and len(first.text) < 1000
    if mode in ("endless", "gzip_bomb"):
        assert "does not answer: more than 4 MB" in first.text
