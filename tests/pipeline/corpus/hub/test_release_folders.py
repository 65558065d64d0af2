"""A release has the files of all folders of a corpus, or there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.corpus.hub.release import Choice, make_release
from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from tests.pipeline.corpus.hub.conftest import LICENCES, corpus_in
from tests.refusing import refuse


@pytest.mark.parametrize("refused", ["data/tsqa", "messages"])
def test_a_folder_that_the_system_does_not_list_stops_the_release(
    tmp_path: Path,
    samples: list[VideoSample],
    settings: CorpusSettings,
    refused: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would be published without the files of that folder."""
    corpus = corpus_in(tmp_path / "corpus", samples, settings)
    refuse(monkeypatch, corpus / refused)
    with pytest.raises(CorpusError, match=f"unreadable: .*{refused}"):
        make_release(corpus, Choice(), LICENCES, tmp_path / "copies")
