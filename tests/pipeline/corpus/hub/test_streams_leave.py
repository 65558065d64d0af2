"""Streams in a release: the files and licences of their clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.corpus.counts import CorpusCounts
from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.records import StreamClip
from pipeline.records.streams import joined
from tests.pipeline.corpus.hub.conftest import LICENCES, corpus_in
from tests.pipeline.corpus.hub.test_release import refusals, release_of

OPEN, TEXTS = (LICENCES.entries[name].licence for name in ("open", "texts"))


def clips(*licences: str) -> tuple[StreamClip, ...]:
    files = "/home/ann/videos/day/a.mp4", "s3://lab/night/b.mp4"
    return tuple(
        StreamClip(uri=uri, video_id=uri[-5], licence=licence, duration_s=1, sha256="0")
        for uri, licence in zip(files, licences, strict=False)
    )


def test_files_of_clips_leave_as_rules(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    changed = {"uri": "", "clips": clips(OPEN, OPEN)}
    corpus = corpus_in(tmp_path / "corpus", samples[:2], settings, **changed)
    release = release_of(corpus, frames=True, roots=["/home/ann/videos"])
    assert not refusals(release) and release.uris == sum(release.rows.values())
    for file in release.files:
        if file.path.startswith("data/"):
            rows, before = pq.read_table(file.local), pq.read_table(corpus / file.path)
            listed: list[Any] = rows.column("clips").to_pylist()
            found = [[clip["uri"] for clip in row] for row in listed]
            assert found == [["day/a.mp4", "b.mp4"]] * len(rows)
            assert rows.drop(["clips"]).equals(before.drop(["clips"]))


@pytest.mark.parametrize(
    ("licences", "publishable"),
    [
        ([OPEN, OPEN], {"text", "videos"}),
        ([OPEN, TEXTS], {"text"}),
        ([OPEN, "unknown"], None),
        ([OPEN, ""], None),
    ],
)
def test_a_stream_may_be_published_as_all_of_its_clips_may(
    licences: list[str], publishable: set[str] | None
) -> None:
    entry = LICENCES.of(("ours + theirs", joined(licences)))
    assert (None if entry is None else set(entry.publish)) == publishable


def test_a_source_counts_the_streams_with_a_clip_of_it(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    both = clips(OPEN, TEXTS)
    corpus = corpus_in(tmp_path / "corpus", samples[:2], settings, uri="", clips=both)
    counts = CorpusCounts.model_validate_json((corpus / "counts.json").read_bytes())
    assert {(each.licence, each.videos) for each in counts.sources} == {(OPEN, 2), (TEXTS, 2)}
