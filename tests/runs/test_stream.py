"""The verb ``stream``: to a file that ``score`` reads, and on from where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.raw_files import call


def test_a_corpus_is_watched_and_gone_on_with(
    finished_config: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = finished_config("run")
    corpus, out = tmp_path / "run" / "corpus", tmp_path / "said.jsonl"
    command = ("stream", "verifier", "-c", str(config), "--on", str(corpus))
    of_task = (*command, "--task", "tsqa", "-o", str(out))

    status, printed, _ = call(capsys, *of_task, "--limit", "2")
    assert status == 0 and "2 samples (0 of them from before)" in printed
    first = out.read_bytes()
    out.write_bytes(first + b'{"sample_id": "half')  # as a kill leaves it
    status, printed, _ = call(capsys, *of_task)
    assert status == 0 and "6 samples (2 of them from before)" in printed
    assert out.read_bytes().startswith(first)
    whole = out.read_bytes()
    assert call(capsys, *of_task)[0] == 0 and out.read_bytes() == whole
    names = [json.loads(line)["sample_id"] for line in whole.splitlines()]
    assert len(names) == len(set(names)) == 6

    status, printed, error = call(capsys, "score", str(out), "--against", str(corpus), "--json")
    assert (status, error) == (0, "") and json.loads(printed)["predicted"] == 6

    for arguments, message in (
        ((*of_task, "--window-s", "5"), "made with another window_s"),
        ((*command, "-o", str(tmp_path / "none" / "x")), "none/x: No such file"),
        (("stream", "watcher", "-c", str(config), "--on", "x", "-o", "y"), "watcher"),
    ):
        status, _, error = call(capsys, *arguments)
        assert status == 2 and message in error, error
    other = tmp_path / "other.jsonl"
    other.write_text("{}\n")
    status, _, error = call(capsys, *command, "-o", str(other))
    assert status == 2 and "nothing beside it says how it was made" in error
