"""``preview`` of a run under way, of a finished one and of its corpus."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.raw_files import call

Capture = pytest.CaptureFixture[str]


def test_a_run_shows_what_it_has_so_far_and_its_corpus_the_same(
    write_config: Callable[..., Path], tmp_path: Path, capsys: Capture
) -> None:
    config, three = write_config("run"), ("--limit", 3)
    status, _, error = call(capsys, "preview", "-c", config, *three)
    assert status == 2 and "no dialogues yet: to be made are dialogue of 2 shards" in error

    assert call(capsys, "run", "-c", config, *three, "--until", "dialogue")[0] == 0
    assert not (tmp_path / "run" / "corpus").exists()
    status, early, _ = call(
        capsys, "preview", "-c", config, *three, "--task", "tsqa", "--number", 2
    )
    assert status == 0 and early.count("\ntask    tsqa") == 2 and "2 of " in early
    assert call(capsys, "run", "-c", config, *three)[0] == 0
    for of in (("-c", config, *three), (tmp_path / "run" / "corpus",)):
        assert call(capsys, "preview", *of, "--task", "tsqa", "--number", 2) == (0, early, "")

    drawn = {
        re.findall(
            r"^sample .*",
            call(capsys, "preview", "-c", config, *three, "--task", "tsqa", "--seed", seed)[1],
            re.M,
        )[0]
        for seed in range(8)
    }
    assert len(drawn) > 1, "a seed chooses"
    other = call(capsys, "preview", "-c", config, *three, "--task", "tsqa", "--seed", 5)[1]
    video = re.findall(r"^video +(\S+)", other, re.M)[0]
    status, text, _ = call(
        capsys, "preview", "-c", config, *three, "--video", video, "--number", 99
    )
    assert status == 0 and set(re.findall(r"^video +(\S+)", text, re.M)) == {video}
    assert "\x1b" not in text and all(len(line) <= 80 for line in text.splitlines())

    for arguments, status, named in (
        (("-c", config, *three, "--task", "tsq"), 2, "'event_caption', 'event_grounding'"),
        ((tmp_path, "-c", config), 2, "not both"),
        ((tmp_path,), 1, "no_corpus"),
        ((tmp_path / "run" / "corpus", "--limit", 1), 2, "--limit"),
    ):
        found, _, error = call(capsys, "preview", *arguments)
        assert (found, error.count("\n")) == (status, 1) and named in error
