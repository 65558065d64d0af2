"""Every step of docs/how-to/flagship.md on three Ray nodes; the tiny model in vLLM, in one process,
answers in every role."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import RenderOnce
from tests.runs.flagship import operator, walk
from tests.vllm.conftest import tiny
from tests.vllm.test_demo import SETTINGS


def test_the_page_of_the_corpus_of_the_paper(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    render_once: RenderOnce,
) -> None:
    engine = tiny(checkpoint, **SETTINGS).model_dump(mode="json", exclude_none=True)
    with render_once(), operator(tmp_path, monkeypatch, capsys, engine) as place:
        walk(place, lacks_vllm=False, is_folder=True)
