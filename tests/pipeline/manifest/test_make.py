from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.errors import ConfigError
from pipeline.manifest.adapters.adapter import Adapter
from pipeline.manifest.adapters.licences import Terms, Without
from pipeline.manifest.make import Source, make_manifest, rejects_beside
from pipeline.manifest.rows import uri_of
from pipeline.manifest.survey import Wanted
from pipeline.records import ManifestRow
from pipeline.workflow.config import SourceSection
from pipeline.workflow.source import read_source
from tests.pipeline.manifest.reconcile.reconciling import Make, reconciled


def test_a_dataset_becomes_rows_that_run_as_they_are(
    make: Make, dataset: Callable[..., Path], videos: Callable[..., Path], tmp_path: Path
) -> None:
    annotations = dataset(
        a=[
            {"name": "x", "platform_id": "youtube:x", "annotations": [
                {"text": " A  dog. ", "start_s": 1, "end_s": 2.5},
                {"text": "B", "start_s": 4, "end_s": 3},
            ]},
            {"name": "-y", "split": "val", "clip": [3, 9.5]},
            "{not json",
            {"name": 7},
            {"name": "gone", "annotations": [{}, {}]},
        ],
        b=[{"name": "x", "annotations": [
            {"kind": "step", "start_s": 0, "end_s": 1, "origin": "model"}
        ]}],
    )  # fmt: skip
    account, rows, rejects = make(annotations, videos("x.mp4", "sub/-y.mkv"))
    assert rows == [
        {
            "video_id": "toy/x",
            "uri": str(tmp_path / "videos" / "x.mp4"),
            "platform_id": "youtube:x",
            "identity": "youtube:x",
            "source": "toy",
            "licence": "annotations: CC0; videos: CC0",
            "annotations": [
                {"kind": "event", "text": "A dog.", "start_s": 1.0, "end_s": 2.5,
                 "origin": "human", "pointer": "a.jsonl#0/annotations/0",
                 "raw": '{"text": " A  dog. "}'},
                {"kind": "step", "text": "A.", "start_s": 0.0, "end_s": 1.0,
                 "origin": "model", "pointer": "b.jsonl#0/annotations/0"},
            ],
        },
        {
            "video_id": "toy/-y",
            "uri": str(tmp_path / "videos" / "sub" / "-y.mkv"),
            "clip_start_s": 3.0,
            "clip_end_s": 9.5,
            "source": "toy",
            "licence": "annotations: CC0; videos: CC0",
            "split": "val",
        },
    ]  # fmt: skip
    assert [(r["name"], r["pointer"], r["reason"]) for r in rejects] == [
        ("", "a.jsonl#2", "damaged"),
        ("", "a.jsonl#3", "malformed"),
        ("x", "a.jsonl#0/annotations/1", "reversed_span"),
        ("gone", "a.jsonl#4/annotations/0", "missing_file"),
        ("gone", "a.jsonl#4/annotations/1", "duplicate"),
    ]
    reconciled(account, rejects)
    assert account.coverage == {
        "train": {"with_file": 1, "missing_file": 1},
        "val": {"with_file": 1},
    }
    source = read_source(SourceSection(path=tmp_path / "out" / "toy.jsonl"))
    assert [ManifestRow.model_validate(row).split for row in source.rows] == ["train", "val"]


def test_what_is_not_wanted_is_left_out_and_counted(
    make: Make, dataset: Callable[..., Path], videos: Callable[..., Path]
) -> None:
    by_model = {"origin": "model", "start_s": 0, "end_s": 1}
    annotations = dataset(
        a=[
            {"name": "e", "annotations": [by_model, {"start_s": 0, "end_s": 1, "kind": "step"}]},
            {"name": "b", "platform_id": "ego4d:b", "annotations": [by_model]},
            {"name": "c", "platform_id": "vimeo:c"},
            {"name": "d", "split": "test"},
            {"name": "a"},
            {"name": "f"},
        ]
    )
    root = videos(*(f"{name}.mp4" for name in "abcdef"))
    without: frozenset[Without] = frozenset({"ego4d", "share-alike", "model-written"})
    wanted = Wanted(split="train", limit=2, without=without)
    account, rows, rejects = make(annotations, root, wanted=wanted)
    # Of the three that could stay, the hash ranks say which two.
    assert [row["video_id"] for row in rows] == ["toy/e", "toy/f"]
    assert [a["kind"] for a in rows[0]["annotations"]] == ["step"]
    assert account.left_out == {"ego4d": 1, "share_alike": 1, "split": 1, "limit": 1}
    assert (account.refused, account.without_row, rejects) == ({"model_written": 1}, 1, [])
    reconciled(account, rejects)
    account, rows, rejects = make(annotations, root)
    assert len(rows) == 6 and account.rows.total() == 6


def test_each_family_of_licences_has_its_own_file(
    toy: Adapter,
    licences: Mapping[str, Terms],
    dataset: Callable[..., Path],
    videos: Callable[..., Path],
    tmp_path: Path,
) -> None:
    platforms = {"a": "youtube:a", "b": "ego4d:b", "c": "", "d": "vimeo:d"}
    annotations = dataset(a=[{"name": n, "platform_id": p} for n, p in platforms.items()])
    root = videos(*(f"{name}.mp4" for name in platforms))
    out = tmp_path / "m.parquet"
    _, written = make_manifest(
        [Source("toy", toy, annotations, [root])], out, licences, by_licence=True
    )
    names = {path.name: pq.read_table(path).column("video_id").to_pylist() for path in written}
    assert names == {
        "m.cc0.parquet": ["toy/a", "toy/c"],
        "m.ego4d.parquet": ["toy/b"],
        "m.cc-by-sa.parquet": ["toy/d"],
    }


def test_json_lines_and_parquet_hold_the_same_and_are_the_same_again(
    toy: Adapter,
    licences: Mapping[str, Terms],
    dataset: Callable[..., Path],
    videos: Callable[..., Path],
    tmp_path: Path,
) -> None:
    pair = [
        {"start_s": 0, "end_s": 1, "resolution_s": 5},
        {"kind": "qa", "question": "Q?", "asked_s": 2},
    ]
    annotations = dataset(a=[{"name": f"{i}", "annotations": pair[: i % 3]} for i in range(30)])
    root = videos(*(f"{i}.mp4" for i in range(0, 30, 2)))
    found, digests = [], []
    for name in ("a.jsonl", "b.parquet", "c.jsonl", "d.parquet"):
        out = tmp_path / name
        make_manifest([Source("toy", toy, annotations, [root])], out, licences)
        digests.append((out.read_bytes(), rejects_beside(out).read_bytes()))
        rows = read_source(SourceSection(path=out)).rows
        found.append([ManifestRow.model_validate(row) for row in rows])
    assert len(found[0]) == 15 and found[0] == found[1]
    assert [a.resolution_s for row in found[0] for a in row.annotations[:1]] == [5] * 10
    assert [row.uri for row in found[0][:2]] == ["videos/0.mp4", "videos/2.mp4"]
    assert digests[0] == digests[2] and digests[1] == digests[3]


def test_an_earlier_manifest_in_the_folder_of_annotations_is_not_read(
    toy: Adapter,
    licences: Mapping[str, Terms],
    dataset: Callable[..., Path],
    videos: Callable[..., Path],
) -> None:
    annotations, root = dataset(a=[{"name": "a"}, {"name": "gone"}]), videos("a.mp4")
    for _ in range(2):
        out = annotations / "m.jsonl"
        report, _ = make_manifest([Source("toy", toy, annotations, [root])], out, licences)
        (account,) = report.accounts
        assert account.files == {"a.jsonl": 2} and account.records == 2


def test_a_video_that_is_tested_with_is_no_training_video(
    make: Make, dataset: Callable[..., Path], videos: Callable[..., Path]
) -> None:
    annotations = dataset(
        a=[{"name": "a", "annotations": [{}]}, {"name": "b"}],
        b=[{"name": "a", "split": "test", "platform_id": "youtube:1"}],
        c=[{"name": "b", "platform_id": "youtube:2"}, {"name": "b", "platform_id": "youtube:3"}],
    )
    account, rows, rejects = make(annotations, videos("a.mp4", "b.mp4"))
    assert [(row["video_id"], row.get("split", "train")) for row in rows] == [
        ("toy/a", "test"),
        ("toy/b", "train"),
    ]
    assert [(r["pointer"], r["reason"]) for r in rejects] == [
        ("a.jsonl#0/annotations/0", "other_split")
    ]
    assert rows[1]["platform_id"] == "youtube:2" and account.notes == {"platform_differs": 1}
    reconciled(account, rejects)


def test_names_splits_and_clips_that_no_row_can_have_are_rejected(
    make: Make, dataset: Callable[..., Path], videos: Callable[..., Path]
) -> None:
    annotations = dataset(
        a=[
            {"name": " "},
            {"name": "half \ud83d"},
            {"name": "a", "split": "val-2"},
            {"name": "b", "clip": [5, 5]},
            {"name": "c", "clip": [-1, 5]},
        ]
    )
    account, rows, rejects = make(annotations, videos("a.mp4", "b.mp4", "c.mp4"))
    assert rows == []
    reasons = [reject["reason"] for reject in rejects]
    assert reasons == ["bad_name", "bad_name", "bad_split", "bad_clip", "bad_clip"]
    reconciled(account, rejects)


def test_without_a_file_of_the_dataset_nothing_is_made(
    toy: Adapter, licences: Mapping[str, Terms], videos: Callable[..., Path], tmp_path: Path
) -> None:
    root = videos("a.mp4")
    with pytest.raises(ConfigError, match=r"--annotations: .*has no file \*\.jsonl"):
        make_manifest([Source("toy", toy, root, [root])], tmp_path / "m.jsonl", licences)
    with pytest.raises(ConfigError, match="no entry 'toy'"):
        make_manifest([Source("toy", toy, root, [root])], tmp_path / "m.jsonl", {})
    assert [path.name for path in tmp_path.iterdir()] == ["videos"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("-x.mp4", "./-x.mp4"), ("a:b/c.mp4", "./a:b/c.mp4"), ("v/-x.mp4", "v/-x.mp4")],
)
def test_a_path_below_the_manifest_is_relative_and_no_option(path: str, expected: str) -> None:
    assert uri_of(f"/data/{path}", Path("/data")) == expected
    assert uri_of(f"/data/{path}", Path("/data/m")) == f"/data/{path}"
