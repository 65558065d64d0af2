"""Excerpts of the publishers' own files, combined: no video of a test comes into training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from data_manifest import activitynet_captions, coin, youcook2
from pipeline.manifest.adapters.adapter import Adapter
from pipeline.manifest.adapters.entry import Entry
from pipeline.manifest.adapters.licences import load_licences
from pipeline.manifest.make import Source, make_manifest, rejects_beside
from pipeline.manifest.reconcile.combination import Chosen
from pipeline.manifest.report import Report
from tests.data_manifest.reading import read

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "annotations"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="there are no ../shared/annotations")

ADAPTERS: Mapping[str, Adapter] = {
    "activitynet_captions": activitynet_captions.ADAPTER,
    "coin": coin.ADAPTER,
    "youcook2": youcook2.ADAPTER,
}


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def combined(
    work: Path, folders: Mapping[str, Path], chosen: Chosen | None = None
) -> tuple[Report, list[dict[str, Any]], list[dict[str, Any]]]:
    """Of the excerpts, with an empty file for each video that they name."""
    sources = []
    for name, folder in folders.items():
        videos = work / "videos" / name
        videos.mkdir(parents=True, exist_ok=True)
        for item in read(ADAPTERS[name], folder):
            assert isinstance(item, Entry)
            (videos / f"{Path(item.places[0].path).name}.mp4").touch()
        sources.append(Source(name, ADAPTERS[name], folder, [videos]))
    out = work / "m.jsonl"
    report, _ = make_manifest(sources, out, load_licences(), chosen=chosen)
    return report, lines_of(out), lines_of(rejects_beside(out))


def trained_and_tested(rows: list[dict[str, Any]]) -> tuple[set[str], set[str]]:
    train = {row["identity"] for row in rows if row.get("split", "train") == "train"}
    tested = {row["identity"] for row in rows if row.get("split", "train") != "train"}
    return train, tested


EXCERPTS = {name: FOLDER / name for name in ADAPTERS}


def test_excerpts_have_a_row_for_every_video_and_no_leak(tmp_path: Path) -> None:
    report, rows, _ = combined(tmp_path, EXCERPTS)
    assert report.leaks.total() == 0 and report.identities == len(rows) == report.rows
    assert all(row["identity"] == row["platform_id"] != "" for row in rows)
    train, tested = trained_and_tested(rows)
    assert train and tested and not train & tested


def test_published_files_of_splits_hold_out_what_they_list(tmp_path: Path) -> None:
    """Each as its publisher, or a user of it, laid it out; here the videos are all for training."""
    work = tmp_path / "train"
    folders = {"activitynet_captions": work / "anet", "coin": work / "coin"}
    for folder in folders.values():
        folder.mkdir(parents=True)
    anet = EXCERPTS["activitynet_captions"]
    both: dict[str, Any] = {}
    for name in ("train.json", "val_1.json"):
        both |= json.loads((anet / name).read_bytes())
    (work / "anet" / "train.json").write_text(json.dumps(both), encoding="utf-8")
    found = json.loads((EXCERPTS["coin"] / "COIN.json").read_bytes())["database"]
    for record in found.values():
        record["subset"] = "training"
    text = json.dumps({"database": found})
    (work / "coin" / "COIN.json").write_text(text, encoding="utf-8")
    validation = set(json.loads((anet / "val_1.json").read_bytes()))
    test = json.loads((EXCERPTS["coin"] / "PDPP" / "coin_test_30.json").read_bytes())
    tested = {f"coin/{name}" for record in test for name in record} & {f"coin/{n}" for n in found}
    assert len(validation) == 45 and len(tested) == 15
    durations = "video_durations_TSP/activitynet_v1-3_valid_metadata.csv"
    for of_activitynet in ("val_1.json", durations):
        lists = (anet / of_activitynet, EXCERPTS["coin"] / "PDPP" / "coin_test_30.json")
        report, rows, rejects = combined(tmp_path, folders, Chosen(hold_out=lists))
        held = {f"{r['source']}/{r['name']}" for r in rejects if r["reason"] == "held_out"}
        assert held == {f"activitynet_captions/{name}" for name in validation} | tested
        assert not held & {row["video_id"] for row in rows}
        assert len(rows) == len(both) + len(found) - len(held)
        assert report.leaks == {
            ("activitynet_captions", Path(of_activitynet).name): 45,
            ("coin", "coin_test_30.json"): 15,
        }


def test_videos_that_sources_share_are_in_the_split_of_highest_priority(
    tmp_path: Path,
) -> None:
    """The whole files share videos; the excerpts do not, so some records are given other ids."""
    anet = EXCERPTS["activitynet_captions"]
    described = {
        split: [name.removeprefix("v_") for name in json.loads((anet / file).read_bytes())]
        for split, file in (("train", "train.json"), ("val", "val_1.json"))
    }
    given = json.loads((EXCERPTS["coin"] / "COIN.json").read_bytes())["database"]
    by_subset: dict[str, list[str]] = {"training": [], "testing": []}
    for name, record in given.items():
        by_subset[record["subset"]].append(name)
    # As in the whole files: trained on there and tested with here, and the other way round.
    renamed = dict(zip(by_subset["testing"], described["train"][:5], strict=False))
    renamed |= dict(zip(by_subset["training"], described["val"][:7], strict=False))
    renamed |= dict(zip(by_subset["training"][7:], described["train"][5:8], strict=False))
    folder = tmp_path / "coin"
    folder.mkdir()
    database = {renamed.get(name, name): record for name, record in given.items()}
    text = json.dumps({"database": database})
    (folder / "COIN.json").write_text(text, encoding="utf-8")
    folders = {**EXCERPTS, "coin": folder}
    report, rows, rejects = combined(tmp_path, folders)
    held = {(r["source"], r["name"]) for r in rejects if r["reason"] == "held_out"}
    assert held == {("activitynet_captions", f"v_{name}") for name in described["train"][:5]} | {
        ("coin", name) for name in described["val"][:7]
    }
    assert report.leaks.total() == len(held) == 12 and report.shared == 15
    train, tested = trained_and_tested(rows)
    assert not train & tested and f"youtube:{described['train'][5]}" in train
    backwards = dict(reversed(folders.items()))
    _, _, again = combined(tmp_path, backwards)
    assert held == {(r["source"], r["name"]) for r in again if r["reason"] == "held_out"}
