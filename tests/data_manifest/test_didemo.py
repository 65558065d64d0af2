from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_manifest.didemo import ADAPTER, most_voted, overlap
from pipeline.manifest.adapters.entry import Place, Unread
from pipeline.manifest.adapters.licences import load_licences
from pipeline.manifest.make import Source, make_manifest
from pipeline.manifest.registry import lookup_adapter
from tests.data_manifest.reading import only, spans, texts, written

CHUNKS = st.integers(0, 5)
CHOICES = st.lists(st.tuples(CHUNKS, CHUNKS).map(lambda c: (min(c), max(c))), min_size=1)


def moment(times: Any, **more: Any) -> dict[str, Any]:
    return {
        "annotation_id": 12,
        "description": "the dog\nturns",
        "dl_link": "https://www.flickr.com/video_download.gne?id=123456789",
        "num_segments": 6,
        "times": times,
        "video": "11111111@N02_123456789_abcdef0123.mov",
    } | more


def test_a_span_of_chunks_includes_its_last_one(tmp_path: Path) -> None:
    entry = only(written(ADAPTER, tmp_path, "val_data.json", [moment([[1, 2]])]))
    assert spans(entry) == [(5, 15)]
    assert texts(entry) == ["the dog\nturns"]
    (annotation,) = entry.annotations
    assert (annotation.kind, annotation.annotator, annotation.pointer) == (
        "event",
        "1 of 1",
        "0/times",
    )


@pytest.mark.parametrize(
    ("times", "span", "votes"),
    [
        ([[2, 2], [2, 2], [2, 2], [5, 5]], (10, 15), "3 of 4"),
        # The mean of these is not a whole chunk, and nobody's.
        ([[0, 0], [4, 4], [4, 4], [4, 5]], (20, 25), "2 of 4"),
        # Each once: [1, 2] shares a half with its neighbours, and they nothing with one another.
        ([[5, 5], [2, 2], [1, 2], [1, 1]], (5, 15), "1 of 4"),
        # Two say each: they agree as well with one another, so the earlier one.
        ([[3, 4], [3, 3], [3, 4], [3, 3]], (15, 20), "2 of 4"),
        ([[1, 1], [0, 1], [1, 1], [0, 1]], (0, 10), "2 of 4"),
        # Two say each: the lone [2, 4] sides with [2, 3].
        ([[1, 1], [2, 3], [1, 1], [2, 3], [2, 4]], (10, 20), "2 of 5"),
        ([[3, 3], [3, 3], [2, 3], [3, 4], [3, 3], [3, 3], [3, 3]], (15, 20), "5 of 7"),
    ],
)
def test_the_span_is_that_of_most_and_then_of_those_who_agree_best(
    tmp_path: Path, times: Any, span: tuple[int, int], votes: str
) -> None:
    entry = only(written(ADAPTER, tmp_path, "test_data.json", [moment(times)]))
    assert spans(entry) == [span]
    assert entry.annotations[0].annotator == votes


@given(CHOICES, st.randoms(use_true_random=False))
def test_the_order_of_annotators_does_not_matter(
    times: list[tuple[int, int]], random: Random
) -> None:
    first, last, votes = most_voted(times)
    shuffled = random.sample(times, len(times))
    assert most_voted(shuffled) == (first, last, votes)
    assert votes == times.count((first, last)) == max(map(times.count, times))


def test_overlap_of_known_spans() -> None:
    assert overlap((2, 2), (2, 3)) == Fraction(1, 2)
    assert overlap((0, 3), (2, 5)) == Fraction(1, 3)
    assert overlap((0, 1), (2, 5)) == 0
    assert overlap((4, 4), (4, 4)) == 1
    assert overlap((3, 1), (0, 5)) == 0


@pytest.mark.parametrize(
    ("video", "paths", "platform"),
    [
        (
            "1@N02_55_abc.mov",
            ["1@N02_55_abc.mov", "1@N02_55_abc.mov.mp4", "1@N02_55_abc"],
            "flickr:55",
        ),
        ("1@N02_55_abc.", ["1@N02_55_abc.", "1@N02_55_abc..mp4", "1@N02_55_abc"], "flickr:55"),
        ("a_b@N02_55_abc.3gp", None, "flickr:55"),
        ("whole.mp4", None, ""),
        ("nothing", ["nothing", "nothing.mp4"], ""),
    ],
)
def test_files_are_looked_for_as_they_are_named(
    tmp_path: Path, video: str, paths: list[str] | None, platform: str
) -> None:
    record = moment([[0, 0]], video=video, num_segments=5)
    entry = only(written(ADAPTER, tmp_path, "train_data.json", [record]))
    assert (entry.name, entry.platform_id) == (video, platform)
    if paths is not None:
        assert entry.places == tuple(Place(path, (0.0, 25.0)) for path in paths)


@pytest.mark.parametrize(
    "times", [[], [[6, 6]], [[-1, 0]], [[1.5, 2]], [[1]], None, [[0, 10**400]]]
)
def test_choices_that_are_none_are_unread(tmp_path: Path, times: Any) -> None:
    (item,) = written(ADAPTER, tmp_path, "val_data.json", [moment(times)])
    assert isinstance(item, Unread)
    assert item.reason == "malformed"
    assert item.detail.startswith("times")


def test_a_name_of_flickr_is_one_video_whatever_its_suffix(tmp_path: Path) -> None:
    moment = {"description": "A dog.", "num_segments": 6, "times": [[0, 1]] * 4}
    didemo = tmp_path / "didemo"
    didemo.mkdir()
    for split, names in (("test", ["1@N00_345_6f.mov"]), ("train", ["2@N00_77_a.mov"])):
        records = [{"video": name, **moment} for name in names]
        (didemo / f"{split}_data.json").write_text(json.dumps(records))
    (tmp_path / "mine.csv").write_text("video\n1@N00_345_99.mp4\n2@N00_77_a.mov.mp4\n345.mp4\n")
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in ("1@N00_345_6f.mov", "1@N00_345_99.mp4", "2@N00_77_a.mov.mp4", "345.mp4"):
        (videos / name).write_bytes(name.encode())
    sources = [
        Source("didemo", lookup_adapter("didemo", {}), didemo, [videos]),
        Source("mine", lookup_adapter("table", {}), tmp_path / "mine.csv", [videos]),
    ]
    report, _ = make_manifest(sources, tmp_path / "m.jsonl", load_licences())
    rows = [json.loads(line) for line in (tmp_path / "m.jsonl").open(encoding="utf-8")]
    assert [(row["video_id"], row.get("identity", "")) for row in rows] == [
        ("didemo/2@N00_77_a.mov", "flickr:77"),
        ("didemo/1@N00_345_6f.mov", "flickr:345"),
        ("mine/2@N00_77_a.mov.mp4", "flickr:77"),
        ("mine/345.mp4", ""),
    ]
    assert (report.leaks.total(), report.shared) == (1, 2)
