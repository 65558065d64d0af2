"""Excerpts of the publishers' own files: every record read, rows checked by hand, quirks met."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data_manifest import (
    activitynet_captions,
    charades_sta,
    coin,
    didemo,
    hacs_clips,
    hacs_segments,
    qvhighlights,
    shot2story,
    vitt,
    youcook2,
)
from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, read_file
from pipeline.manifest.adapters.entry import Entry, Place
from pipeline.manifest.rules import Rules, judge
from stages import _spans, source_annotations
from tests.data_manifest.reading import annotations_of, read, spans, texts

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "annotations"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="there are no ../shared/annotations")

OFFICIAL_YOUCOOK2 = "youcook2/youcookii_annotations_trainval.one_record.json"

ONE_FILE = [
    # file, adapter, which of its files, records, annotations
    ("activitynet_captions/train.json", activitynet_captions, 0, 45, 190),
    ("activitynet_captions/val_1.json", activitynet_captions, 1, 45, 178),
    ("qvhighlights/highlight_train_release.jsonl", qvhighlights, 0, 40, 110),
    ("qvhighlights/highlight_val_release.jsonl", qvhighlights, 1, 34, 74),
    ("qvhighlights/highlight_test_release.jsonl", qvhighlights, 2, 33, 0),
    ("qvhighlights/highlight_test_with_gt.jsonl", qvhighlights, 3, 39, 82),
    (OFFICIAL_YOUCOOK2, youcook2, 0, 1, 13),
    ("youcook2/PDVC_recut/yc2_train.json", youcook2, 1, 32, 262),
    ("youcook2/PDVC_recut/yc2_val.json", youcook2, 2, 29, 251),
    ("youcook2/PDVC_recut/yc2_test.json", youcook2, 3, 14, 14),
    ("didemo/val_data.json", didemo, 1, 50, 50),
    ("didemo/test_data.json", didemo, 2, 49, 49),
    ("coin/COIN.json", coin, 0, 38, 188),
    ("charades_sta/charades_sta_train.txt", charades_sta, 0, 46, 46),
    ("charades_sta/charades_sta_test.txt", charades_sta, 1, 35, 35),
    ("shot2story/20k_meta.csv", shot2story, 0, 50, 0),
    ("hacs/HACS_segments_v1.1.1.readme_example.json", hacs_segments, 0, 1, 2),
    ("hacs/HACS_clips_v1.1.1.readme_rows.csv", hacs_clips, 0, 3, 1),
    ("vitt/ViTT-annotations.readme_example.json", vitt, 0, 1, 5),
]

SPANS = [
    # file, name, spans in seconds as a person reads them off the file
    (
        "activitynet_captions/train.json",
        "v_QOlSCBRmfWY",
        [(0.83, 19.86), (17.37, 60.81), (56.26, 79.42)],
    ),
    ("val_1.json", "v_uqiMw7tQ1Cc", [(0.28, 55.15), (13.79, 54.32)]),
    ("highlight_val_release.jsonl", "NUsG9BgSes0_210.0_360.0", [(82, 150)]),
    ("didemo/val_data.json", "35034348999@N01_6060447507_dc1a90b8ef.mov", [(5, 10)]),
    ("didemo/val_data.json", "35034360491@N01_3441841334_fdeafddfe9.m4v", [(20, 25)]),
    ("COIN.json", "NLy71UrHElw", [(21, 22), (23, 24), (25, 26)]),
    ("charades_sta_train.txt", "AO8RW", [(0, 6.9)]),
    ("HACS_segments", "--0edUL8zmA", [(5.4, 11.6), (12.6, 88.16)]),
    ("readme_rows.csv", "a2X2hz1G6i8", [(15.5, 17.5)]),
    ("yc2_train.json", "GLd3aX16zBg", [(90, 102), (114, 127), (132, 138), (139, 145), (173, 174)]),
    ("ViTT-annotations", "FmTp", [(s, None) for s in (0.26, 16.0, 23.99, 55.53, 114.1)]),
]


def one_file(part: str) -> tuple[Path, AnnotationFile[Any]]:
    (found,) = (row for row in ONE_FILE if part in row[0])
    adapter: Adapter = found[1].ADAPTER
    return FOLDER / found[0], adapter.files[found[2]]


def entries(part: str) -> list[Entry]:
    path, file = one_file(part)
    return [item for item in read_file(file, path) if isinstance(item, Entry)]


def records(path: Path) -> int:
    """How many there are, counted without an adapter."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        return len(list(csv.DictReader(text.splitlines())))
    if path.suffix in {".jsonl", ".txt"} or path.name.startswith("ViTT"):
        return len(text.splitlines())
    found = json.loads(text)
    return len(found.get("database", found) if isinstance(found, dict) else found)


@pytest.mark.parametrize(
    ("part", "count", "annotations"),
    [(row[0], *row[3:]) for row in ONE_FILE],
    ids=str,
)
def test_every_record_is_an_entry(part: str, count: int, annotations: int) -> None:
    path, file = one_file(part)
    items = list(read_file(file, path))
    assert len(items) == records(path) == count
    assert [item for item in items if not isinstance(item, Entry)] == []
    assert len(annotations_of(items)) == annotations


@pytest.mark.parametrize(("part", "name", "expected"), SPANS, ids=[row[1] for row in SPANS])
def test_rows_checked_by_hand(part: str, name: str, expected: Any) -> None:
    found = [spans(entry) for entry in entries(part) if entry.name == name]
    assert expected in found


def test_folders_hold_the_files_that_adapters_look_for() -> None:
    for module, folder, count in (
        (activitynet_captions, "activitynet_captions", 90),
        (qvhighlights, "qvhighlights", 146),
        (youcook2, "youcook2", 75),
        (didemo, "didemo", 99),
        (coin, "coin", 38),
        (charades_sta, "charades_sta", 81),
        (shot2story, "shot2story", 50),
        (hacs_segments, "hacs", 1),
        (hacs_clips, "hacs", 3),
    ):
        assert len(read(module.ADAPTER, FOLDER / folder)) == count, folder


def test_activitynet_is_read_with_its_faults() -> None:
    annotations = annotations_of(
        read(activitynet_captions.ADAPTER, FOLDER / "activitynet_captions")
    )
    times = [(one.start_s or 0.0, one.end_s or 0.0) for one in annotations]
    assert [span for span in times if span[1] < span[0]] == [(61.29, 60.71), (173.44, 150.31)]
    assert [span for span in times if span[1] == span[0]] == [(34.77, 34.77), (4.97, 4.97)]
    words = [one.text or "" for one in annotations]
    assert all(words)
    assert sum(text != " ".join(text.split()) for text in words) == 254
    assert sum("\n" in text for text in words) == 4


def test_ids_of_activitynet_keep_their_first_letters() -> None:
    files = "activitynet_captions/train.json", "activitynet_captions/val_1.json"
    found = {entry.platform_id for part in files for entry in entries(part)}
    assert {"youtube:_yWADgOFxP0", "youtube:v4KygkYPdp0", "youtube:---9CpRcKoU"} <= found
    assert all(len(name) == len("youtube:") + 11 for name in found)


def test_the_second_validation_file_would_say_all_twice() -> None:
    folder = FOLDER / "activitynet_captions"
    first, second = (json.loads((folder / f"val_{n}.json").read_bytes()) for n in (1, 2))
    assert second.keys() <= first.keys()
    assert not {"val_2.json"} & {file.pattern for file in activitynet_captions.ADAPTER.files}


def test_clips_of_qvhighlights_lie_in_their_sources() -> None:
    items = read(qvhighlights.ADAPTER, FOLDER / "qvhighlights")
    clips = [(item.platform_id, item.places[1]) for item in items if isinstance(item, Entry)]
    assert all(platform == f"youtube:{place.path}" for platform, place in clips)
    assert all(len(place.path) == 11 for _, place in clips)
    assert {place.clip[1] - place.clip[0] for _, place in clips if place.clip} == {150}
    assert ("youtube:-OmUBsxPguE", Place("-OmUBsxPguE", (360.0, 510.0))) in clips
    assert sum("_" in place.path for _, place in clips) > 20
    labelled = entries("highlight_train_release.jsonl") + entries("highlight_test_with_gt.jsonl")
    assert max(len(entry.annotations) for entry in labelled) == 18
    assert all(len(set(texts(entry))) == 1 for entry in labelled)


def test_the_layouts_of_youcook2_agree() -> None:
    (official,) = entries(OFFICIAL_YOUCOOK2)
    assert official.places[0] == Place("raw_videos/validation/212/9GX8f5EwwE4")
    (recut,) = (e for e in entries("yc2_val.json") if e.name == official.name)
    assert (recut.split, recut.platform_id) == (official.split, official.platform_id)
    assert spans(recut) == spans(official)
    assert texts(recut) == texts(official)
    assert spans(official)[0] == (25, 37)
    assert spans(official)[-1] == (192, 213)


def test_the_test_split_of_youcook2_holds_placeholders() -> None:
    for entry in entries("yc2_test.json"):
        assert (texts(entry), spans(entry)) == (["None"], [(0, 1)])


@pytest.mark.parametrize(
    ("part", "annotation_id", "span", "annotator"),
    [
        ("val", 8212, (10, 15), "2 of 4"),  # [2, 2] twice, [2, 3] twice
        ("val", 178, (5, 15), "2 of 7"),  # three pairs; [1, 2] overlaps the other two
        ("val", 45, (10, 30), "3 of 7"),  # [2, 5] three times, [4, 5] twice
        ("test", 1, (20, 25), "4 of 7"),  # [4, 4] four times, [0, 0] three times
        ("test", 304, (10, 20), "5 of 7"),
        ("test", 21, (0, 10), "2 of 4"),
    ],
)
def test_didemo_by_most_votes(
    part: str, annotation_id: int, span: tuple[int, int], annotator: str
) -> None:
    path, _ = one_file(f"didemo/{part}_data.json")
    numbers = [record["annotation_id"] for record in json.loads(path.read_bytes())]
    entry = entries(f"didemo/{part}_data.json")[numbers.index(annotation_id)]
    assert spans(entry) == [span]
    assert entry.annotations[0].annotator == annotator


@pytest.mark.parametrize(
    ("part", "annotation_id", "duration_s", "span"),
    [
        ("val", 49158, 22.4, (20, 22.4)),  # [4, 4] four times, of 5 chunks
        ("val", 16428, 24.98, (20, 24.98)),  # [4, 4] three times, of 5 chunks
        ("test", 8228, 29.5, (20, 29.5)),  # [4, 5] three times, of 6 chunks
        ("test", 8228, 30.0, (20, 30)),  # cut at 30 s
        ("test", 6, 25.1, (20, 25.1)),  # [4, 5] three times
        ("val", 49158, 19.9, None),  # the file ends before the chunk begins
    ],
)
def test_the_last_chunk_of_didemo_ends_with_its_video(
    part: str, annotation_id: int, duration_s: float, span: tuple[float, float] | None
) -> None:
    path, _ = one_file(f"didemo/{part}_data.json")
    numbers = [record["annotation_id"] for record in json.loads(path.read_bytes())]
    entry = entries(f"didemo/{part}_data.json")[numbers.index(annotation_id)]
    (accepted,) = judge(entry.annotations, Rules()).accepted
    tolerance_s = source_annotations.Config().tolerance_s
    assert _spans.span_of(accepted, duration_s, tolerance_s) == span


@pytest.mark.parametrize(
    ("module", "resolution_s"),
    [(didemo, 5), (qvhighlights, 2), (youcook2, 1), (coin, 0.5), (activitynet_captions, 0)],
)
def test_times_are_whole_steps_of_their_resolution(module: Any, resolution_s: float) -> None:
    annotations = annotations_of(read(module.ADAPTER, FOLDER / module.ADAPTER.name))
    assert {one.resolution_s for one in annotations} == {resolution_s}
    times = [t for one in annotations for t in (one.start_s, one.end_s) if t is not None]
    assert times
    if resolution_s:
        assert all(t % resolution_s == 0 for t in times)


def test_names_of_didemo_lead_to_flickr() -> None:
    found = entries("didemo/val_data.json") + entries("didemo/test_data.json")
    assert sum(entry.name.endswith(".") for entry in found) == 5
    assert Counter(entry.places[0].clip for entry in found) == {(0, 30): 88, (0, 25): 11}
    listed = (FOLDER / "didemo" / "yfcc100m_hash.txt").read_text(encoding="utf-8").split()
    assert {entry.platform_id for entry in found} <= {f"flickr:{photo}" for photo in listed}
    assert all(entry.platform_id for entry in found)


def test_coin_repeats_its_labels_and_some_ids_begin_with_a_dash() -> None:
    found = entries("COIN.json")
    assert Counter(entry.split for entry in found) == {"train": 23, "test": 15}
    assert sum(len(entry.annotations) - len(set(texts(entry))) for entry in found) == 67
    dashed = {entry.name: entry.places[0].path for entry in found if entry.name.startswith("-")}
    assert dashed.keys() == {"-na1ykjeWR4", "-4IHddE4D5w"}
    assert all(path.endswith(f"/{name}") for name, path in dashed.items())


def test_charades_has_reversed_spans_and_paraphrases() -> None:
    found = entries("charades_sta_train.txt") + entries("charades_sta_test.txt")
    every = [(entry.name, *span) for entry in found for span in spans(entry)]
    reversed_ones = [row for row in every if (row[2] or 0) < (row[1] or 0)]
    assert ("LEOL6", 8.0, 7.0) in reversed_ones
    assert len(reversed_ones) == 4
    assert sum(count > 1 for count in Counter(every).values()) == 18


def test_clips_of_shot2story_lie_in_their_sources() -> None:
    found = entries("20k_meta.csv")
    assert found[0].places == (Place("LEwayCpIk20.78.mp4"), Place("LEwayCpIk20", (730.47, 743.49)))
    lengths = [end_s - start_s for e in found for start_s, end_s in [e.places[1].clip or (0, 0)]]
    assert all(10 <= length <= 40.001 for length in lengths)
    assert all(entry.name.rpartition(".")[0] == entry.places[1].path for entry in found)
    assert max(Counter(entry.platform_id for entry in found).values()) == 2
