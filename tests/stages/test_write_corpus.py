"""The card and the counts, made of what groups of shards say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.records import CorpusGroup, ShardFile
from pipeline.workflow.stage import Context
from stages import write_corpus
from tests.stages.test_write_files import videos_of, written


def test_the_card_is_made_of_what_groups_say(
    video_rows: Callable[..., Any], tmp_path: Path
) -> None:
    videos = videos_of(video_rows)
    rows = [written(videos[n : n + 1], tmp_path / str(n), group=n) for n in range(2)]
    context = Context(folder=tmp_path / "out", dataset={CorpusGroup: rows[::-1]})
    files = list(write_corpus.STAGE.run([], write_corpus.Config(title="Two"), context))
    assert [f.path for f in files if isinstance(f, ShardFile)] == ["README.md", "counts.json"]
    text = (tmp_path / "out" / "README.md").read_text()
    assert "# Two\n\n2 dialogues about 2 videos" in text


def test_it_needs_a_folder() -> None:
    with pytest.raises(TypeError, match="folder"):
        list(write_corpus.STAGE.run([], write_corpus.Config(), Context()))
