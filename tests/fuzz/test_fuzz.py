"""Mutated videos and manifest rows through a real run: nothing crashes, hangs or is lost.

``make fuzz`` runs it at length; ``TURNWISE_FUZZ_SEED`` and the two counts are its settings.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from pipeline.workflow.stage import load_stage
from tests.conftest import ROOT, Cli
from tests.fuzz.mutations import mutated_line, mutated_video
from tests.fuzz.seed_videos import seed_videos

pytestmark = pytest.mark.faults

SEED = os.environ.get("TURNWISE_FUZZ_SEED", "1")
VIDEOS = int(os.environ.get("TURNWISE_FUZZ_VIDEOS", "60"))
RECORDS = int(os.environ.get("TURNWISE_FUZZ_RECORDS", "200"))
SHARED = ROOT / ".." / "shared" / "videos"
VIDEO_LIMIT_S = 120.0
"""Far above what a mutated video of two seconds takes on a busy machine: only a hang reaches it."""

KNOWN = {
    name: {reason.name for reason in load_stage(name).reasons}
    for name in ("ingest", "segment", "source_annotations")
}


def row_of(number: int, video: Path, chance: Random) -> dict[str, Any]:
    """A good row with everything that a row can have."""
    return {
        "video_id": f"record-{number}",
        "uri": str(video),
        "platform_id": f"youtube:{number}",
        "clip_start_s": 0,
        "clip_end_s": chance.choice((None, 1.5, 2)),
        "source": "fuzz",
        "licence": "CC0",
        "split": "train",
        "annotations": [
            {
                "kind": "qa",
                "question": "Which?",
                "text": "red",
                "options": ["red", "blue"],
                "asked_s": 1.0,
                "origin": "human",
            },
            {"kind": "event", "text": "It moves.", "start_s": 0.25, "end_s": 1.0},
            {"kind": "step", "text": "Turn it.", "start_s": 0, "end_s": 1, "pointer": "a#b"},
        ],
    }


def written(folder: Path) -> tuple[Path, int]:
    """The manifest of all mutated videos and rows, and how many rows it has."""
    for name in ("seeds", "videos"):
        (folder / name).mkdir()
    seeds = [(path, path.read_bytes()) for path in seed_videos(folder / "seeds", SHARED)]
    lines = []
    for number in range(VIDEOS):
        chance = Random(f"{SEED}/video/{number}")
        (path, content), (_, other) = chance.choice(seeds), chance.choice(seeds)
        made = folder / "videos" / f"{number:05d}_{path.stem}{path.suffix}"
        made.write_bytes(mutated_video(content, other, chance))
        lines.append(json.dumps({"uri": f"videos/{made.name}", "source": "fuzz"}).encode())
    for number in range(RECORDS):
        chance = Random(f"{SEED}/record/{number}")
        lines.append(mutated_line(row_of(number, chance.choice(seeds[:8])[0], chance), chance))
    manifest = folder / "manifest.jsonl"
    manifest.write_bytes(b"\n".join(lines) + b"\n")
    return manifest, sum(bool(line.strip()) for line in lines)


def config_of(folder: Path, manifest: Path) -> Path:
    path = folder / "fuzz.yaml"
    limits = {"timeout_s": VIDEO_LIMIT_S, "memory_bytes": 1 << 30}
    frames = {**limits, "turns_per_s": 2}
    run = {"root": str(folder / "run"), "executor": "local", "workers": 2, "videos_per_shard": 16}
    config = {
        "run": run,
        "source": {"path": str(manifest)},
        "nodes": {
            "ingest": {"stage": "ingest", "config": {**limits, "min_duration_s": 0}},
            "segment": {"stage": "segment", "after": ["ingest"], "config": frames},
            "decord": {
                "stage": "segment",
                "after": ["ingest"],
                "config": {**frames, "reader": "decord"},
            },
            "source_annotations": {"stage": "source_annotations", "after": ["ingest"]},
        },
    }
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@pytest.mark.timeout(3600 + 5 * (VIDEOS + RECORDS))
def test_nothing_crashes_hangs_or_is_lost(
    tmp_path: Path, cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, rows = written(tmp_path)
    config = str(config_of(tmp_path, manifest))
    started_s = time.monotonic()
    cli(ROOT, "run", "-c", config)
    run_s = time.monotonic() - started_s
    status = json.loads(cli(ROOT, "status", "-c", config, "--json").stdout)
    rejects = [
        json.loads(line)
        for line in cli(ROOT, "status", "-c", config, "--rejects").stdout.splitlines()
    ]
    reasons = Counter((reject["stage"], reject["reason"]) for reject in rejects)
    with capsys.disabled():
        print(f"\nseed {SEED}: {VIDEOS} videos, {RECORDS} records, {run_s:.0f} s")
        for (stage, reason), count in sorted(reasons.items()):
            print(f"{count:7d}  {stage}: {reason}")

    nodes = {node["node"]: node for node in status["nodes"]}
    assert nodes["ingest"]["videos_in"] == rows
    admitted = nodes["ingest"]["videos_out"]
    assert admitted >= rows // 20, "so few are admitted that nothing else is tried"
    for name, node in nodes.items():
        assert node["videos_in"] == sum(
            node[f"videos_{what}"] for what in ("out", "rejected", "absent")
        ), name
        assert node["videos_in"] == (rows if name == "ingest" else admitted), name
    for stage, reason in reasons:
        known = KNOWN["segment" if stage == "decord" else stage]
        assert reason in known, f"{stage}: {reason}"
    hung = [reject for reject in rejects if reject["reason"] == "decode_timeout"]
    assert not hung
    # A library may crash, in the decoder's process; this project's own code may not.
    ours = [reject for reject in rejects if "ended with status" in reject["detail"]]
    assert not ours
