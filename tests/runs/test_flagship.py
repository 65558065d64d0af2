"""Every step of docs/how-to/flagship.md on three Ray nodes; a server answers in every role."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import RenderOnce
from tests.runs.answering_server import serving
from tests.runs.flagship import operator, walk

pytestmark = [pytest.mark.ray, pytest.mark.faults]


def test_the_page_of_the_corpus_of_the_paper(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    render_once: RenderOnce,
) -> None:
    with serving() as server, render_once():
        engine = {"kind": "http", "model": "m", "revision": "r", "base_url": server.base_url}
        with operator(tmp_path, monkeypatch, capsys, engine) as place:
            walk(place, lacks_vllm=find_spec("vllm") is None)
