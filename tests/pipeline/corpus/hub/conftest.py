"""A Hub on this machine, and a corpus that may leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.corpus.hub.licences import Entry, Licences
from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from tests.hub_server import HubServer, hub_server

LICENCES = Licences(
    {
        "open": Entry("annotations: CC0; videos: CC BY", "cc", frozenset({"text", "videos"})),
        "texts": Entry("annotations: CC BY; videos: not found", "cc-by", frozenset({"text"})),
        "closed": Entry("annotations: not found; videos: not found", "unstated", frozenset()),
    }
)
Change = Callable[[int], dict[str, object]]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A server; the client speaks large files as the server does, and waits for nothing."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    with hub_server() as server:
        yield server


def corpus_in(
    folder: Path, samples: list[VideoSample], settings: CorpusSettings, **changed: object
) -> Path:
    """A corpus of these samples that may leave, but for fields of all its dialogues."""
    free = {"licence": LICENCES.entries["open"].licence, "models": ["teacher-7b@abc"], **changed}
    made = [
        VideoSample([dialogue.model_copy(update=free) for dialogue in each.dialogues], each.frames)
        for each in samples
    ]
    write_corpus(folder, made, settings)
    return folder
