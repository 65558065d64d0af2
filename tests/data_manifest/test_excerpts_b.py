"""Real files of publishers, as far as there are any of these datasets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_manifest import moviechat1k, streamo_raw
from pipeline.manifest.adapters.adapter import Adapter, read_file
from pipeline.manifest.adapters.entry import Entry, Unread
from tests.data_manifest.reading import only, spans, texts

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "annotations"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="there are no ../shared/annotations")


def items(adapter: Adapter, path: Path) -> list[Entry | Unread]:
    return list(read_file(adapter.files[0], path))


def test_the_example_of_streamo() -> None:
    path = FOLDER / "streamo_target_example" / "raw_data.json"
    first, second = (only([item]) for item in items(streamo_raw.ADAPTER, path))
    assert first.platform_id == second.platform_id == "youtube:ls8tmkfD7S0"
    assert first.name == second.name
    assert first.name.startswith("LLaVA_Video/1_2_m_youtube_v0_1/")
    # Asked at "5" and "3", answered from 5.0 to 6.0: whole numbers count seconds from 1.
    assert [entry.annotations[0].asked_s for entry in (first, second)] == [4, 2]
    assert spans(first) == spans(second) == [(4, 6)]
    assert texts(second) == ["A microphone with the 'ET' logo."]
    assert second.annotations[0].question == (
        "What is the interviewer holding during the first red carpet event?"
    )


def test_files_that_are_made_of_it_are_not_taken_for_raw_ones() -> None:
    path = FOLDER / "streamo_target_example" / "stream_format.json"
    found = items(streamo_raw.ADAPTER, path)
    assert len(found) == len(json.loads(path.read_text(encoding="utf-8")))
    assert all(isinstance(item, Unread) and item.reason == "no_response" for item in found)


@pytest.mark.parametrize("kind", ["breakpoint", "global"])
def test_what_models_answered_about_films_is_no_annotation(kind: str) -> None:
    path = FOLDER / "moviechat1k" / "baseline_results" / f"new_videochat_{kind}.json"
    found = items(moviechat1k.ADAPTER, path)
    assert len(found) == len(json.loads(path.read_text(encoding="utf-8"))) > 0
    assert all(isinstance(item, Unread) and item.reason == "malformed" for item in found)
