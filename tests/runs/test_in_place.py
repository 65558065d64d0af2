"""Videos that lie in containers: from a dataset's own files to a corpus, and from a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.media.scenes.catalogue import SCENES
from tests.pipeline.media.containers import make_parquet, make_tar
from tests.runs.raw_files import call

Capture = pytest.CaptureFixture[str]

SHOWN = [scene.name for scene in SCENES[:2]]
NODES = {
    "ingest": {"stage": "ingest"},
    "segment": {"stage": "segment", "after": ["ingest"]},
    "narrate": {"stage": "narrate", "after": ["segment"], "engine": "narrator"},
    "polish": {"stage": "polish", "after": ["narrate"], "engine": "narrator"},
    "source_annotations": {"stage": "source_annotations", "after": ["ingest"]},
    "dialogue": {
        "stage": "dialogue",
        "after": ["polish", "source_annotations", "segment", "ingest"],
    },
    "plan_mixture": {"stage": "plan_mixture", "after": ["dialogue"]},
    "apply_mixture": {"stage": "apply_mixture", "after": ["dialogue", "plan_mixture"]},
    "write_files": {"stage": "write_files", "after": ["apply_mixture", "segment"]},
    "write_corpus": {"stage": "write_corpus", "after": ["write_files"]},
}


def described(name: str) -> dict[str, Any]:
    times = {"start_timestamp": "00:00:02.000", "end_timestamp": "00:00:06.000"}
    scene = {"title": "A shape moves.", "timestamps": times, "activities": []}
    return {
        "original_video_filename": f"{name}.mp4",
        "content_metadata": {"description": None, "qAndA": [], "scenes": [scene]},
    }


def rows_of(run: Path, node: str) -> list[dict[str, Any]]:
    """All rows of a node but what names their file."""
    parts = sorted(run.glob(f"parts/{node}/*/part-*.parquet"))
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    return [{key: value for key, value in row.items() if key != "uri"} for row in rows]


def test_a_corpus_of_cells_is_that_of_files(
    scenes: Path, tmp_path: Path, write_config: Callable[..., Path], capsys: Capture
) -> None:
    files = [scenes / "videos" / f"{name}.mp4" for name in SHOWN]
    table = pa.table(
        {
            "mp4": [file.read_bytes() for file in files],
            "json": [described(name) for name in SHOWN],
        }
    )
    (tmp_path / "finevideo").mkdir()
    pq.write_table(table, tmp_path / "finevideo/train-0.parquet")
    extends = tmp_path / "alone.yaml"
    engines = {"narrator": {"kind": "embedded"}}
    extends.write_text(json.dumps({"nodes": NODES, "engines": engines}), encoding="utf-8")
    runs = {}
    for kind, videos in (("cells", tmp_path / "finevideo"), ("files", scenes / "videos")):
        out = tmp_path / f"{kind}.jsonl"
        given = ("--annotations", tmp_path / "finevideo", "--videos", videos, "-o", out)
        status, text, _ = call(
            capsys, "manifest", "finevideo", *given, "--identity", "content", "--json"
        )
        assert (status, json.loads(text)["rows"]) == (0, 2)
        config = write_config(kind, extends=extends, source={"path": str(out)})
        status, _, error = call(capsys, "run", "-c", config)
        assert status == 0, error
        runs[kind] = tmp_path / kind
    uris = [json.loads(line)["uri"] for line in (tmp_path / "cells.jsonl").open(encoding="utf-8")]
    assert uris == [f"finevideo/train-0.parquet#mp4/{row}" for row in (0, 1)]
    for node, key in (("ingest", "sha256"), ("segment", "jpeg"), ("dialogue", "turns")):
        cells, plain = (rows_of(run, node) for run in runs.values())
        assert cells == plain
        assert all(row.get(key, "turns") for row in cells)


def test_a_folder_of_shards_is_read_and_what_is_not_is_said(
    scenes: Path, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "videos"
    one, other = (scenes / "videos" / f"{name}.mp4" for name in SHOWN)
    make_tar(folder / "b/0.tar", {"y.mp4": other, "x.mp4": one, "x.json": one})
    make_parquet(folder / "c.parquet", [one], column="mp4")
    (folder / "d.tar.gz").write_bytes(b"\x1f\x8b")
    shutil.copy(one, folder / "a.mp4")
    config = tmp_path / "run.json"
    run = {"root": str(tmp_path / "run"), "executor": "local"}
    source = {"kind": "folder", "path": str(folder)}
    nodes = {name: NODES[name] for name in ("ingest", "segment")}
    config.write_text(json.dumps({"run": run, "source": source, "nodes": nodes}))
    status, text, _ = call(capsys, "run", "-c", config)
    assert status == 0
    said = "1 file passed over: compressed archive 1; unpack them: a .tar, and a .zip without"
    assert said in text
    ids = ["a.mp4", "b/0.tar#y.mp4", "b/0.tar#x.mp4", "c.parquet#mp4/0"]
    videos = rows_of(tmp_path / "run", "ingest")
    assert [row["video_id"] for row in videos] == ids
    assert videos[0]["sha256"] == videos[2]["sha256"] == videos[3]["sha256"]
    frames: dict[str, list[bytes]] = {}
    for row in rows_of(tmp_path / "run", "segment"):
        frames.setdefault(row["video_id"], []).append(row["jpeg"])
    assert frames["a.mp4"] == frames["b/0.tar#x.mp4"] == frames["c.parquet#mp4/0"]
    assert frames["a.mp4"] != frames["b/0.tar#y.mp4"]


def test_members_that_are_gone_are_rejects_that_say_so(
    scenes: Path, tmp_path: Path, capsys: Capture
) -> None:
    video = scenes / "videos" / f"{SHOWN[0]}.mp4"
    make_tar(tmp_path / "a.tar", {"x.mp4": video})
    make_parquet(tmp_path / "a.parquet", [video])
    (tmp_path / "cut.tar").write_bytes((tmp_path / "a.tar").read_bytes()[:9000])
    uris = {
        "a.tar#x.mp4": "",
        "a.tar#gone.mp4": "missing_member",
        "a.parquet#mp4/1": "missing_member",
        "gone.tar#x.mp4": "missing_file",
        "cut.tar#x.mp4": "damaged",
        "a.tar#y/../x.mp4": "unsafe_uri",
        "file:///a/..%2fa.tar#x.mp4": "unsafe_uri",
    }
    manifest = tmp_path / "m.jsonl"
    rows = [{"uri": uri, "clip_start_s": 1, "clip_end_s": 5} for uri in uris]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = tmp_path / "run.json"
    run = {"root": str(tmp_path / "run"), "executor": "local"}
    text = {"run": run, "source": {"path": str(manifest)}, "nodes": {"ingest": NODES["ingest"]}}
    config.write_text(json.dumps(text))
    assert call(capsys, "run", "-c", config)[0] == 0
    (admitted,) = rows_of(tmp_path / "run", "ingest")
    assert (admitted["clip_start_s"], admitted["duration_s"]) == (1, 4)
    _, listed, _ = call(capsys, "rejects", "-c", config, "--json")
    found = {
        one["video_id"].partition("#t=")[0]: one["reason"]
        for one in map(json.loads, listed.splitlines())
    }
    assert found == {uri: reason for uri, reason in uris.items() if reason}


def test_a_manifest_that_is_an_archive_says_what_to_do(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.tar").write_bytes(bytes(10240))
    config = tmp_path / "run.json"
    source = {"path": str(tmp_path / "a.tar")}
    config.write_text(json.dumps({"source": source, "nodes": {"ingest": NODES["ingest"]}}))
    status, _, error = call(capsys, "plan", "-c", config)
    assert status == 2 and "is an archive, not a manifest: set source.kind=folder" in error
