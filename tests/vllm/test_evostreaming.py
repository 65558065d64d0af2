"""The recipe of EvoStreaming with a tiny model in vLLM as its one model.

What it says means nothing; what is tested is that every stage asks, that each answer has its form,
and that a roll-out goes on from answer to answer. What it answers was asked by the baseline, for a
model that knows no words ends few questions.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no types
import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.workflow.stage import load_stage
from tests.conftest import Cli
from tests.vllm.conftest import tiny
from tests.vllm.test_demo import ROOT, replies

STAGES = {
    "tiny_types": "video_type",
    "tiny_questions": "type_questions",
    "tiny_relevance": "relevance",
    "roll_out": "roll_out",
}
# A text of 400 characters is more tokens to a model that spells.
NODES: dict[str, Any] = {
    "segment": {"config": {"longer_px": 160}},
    "types": {"engine": "verifier"},
    "questions": {"engine": "verifier"},
    "relevance": {"engine": "verifier", "config": {"turns": 4}},
    "roll_out": {"config": {"max_tokens": 1024, "max_frames": 8}},
    "tiny_types": {
        "stage": "video_type", "after": ["segment"], "engine": "student",
        "config": {"max_tokens": 512},
    },
    "tiny_questions": {
        "stage": "type_questions", "after": ["balanced", "segment"], "engine": "student",
        "config": {"max_tokens": 2048, "questions": 2, "max_frames": 8},
    },
    "tiny_relevance": {
        "stage": "relevance", "after": ["questions", "segment"], "engine": "student",
        "config": {"max_tokens": 640, "turns": 8},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def run_folder(cli: Cli, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evostreaming")
    config: dict[str, Any] = {
        "extends": str(ROOT / "configs" / "recipes" / "evostreaming.yaml"),
        "run": {"root": str(folder / "run"), "videos_per_shard": 2, "workers": 1},
        "source": {"path": str(folder / "scenes")},
        "engines": {
            "student": tiny(checkpoint).model_dump(mode="json"),
            "verifier": {"kind": "embedded"},
        },
        "nodes": NODES,
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    cli(ROOT, "run", "-c", str(path), "--limit", "4")
    return folder / "run"


def test_every_stage_asks_and_every_answer_has_its_form(run_folder: Path) -> None:
    for node, name in STAGES.items():
        rows = replies(run_folder / "parts" / node)
        answer = load_stage(name).answer
        assert rows and answer is not None, node
        answered = [row for row in rows if row["error"] != "text_cut"]
        assert answered and all(row["error"] is None for row in answered), node
        for row in answered:
            jsonschema.validate(json.loads(row["text"]), answer.model_json_schema())


def test_a_roll_out_goes_on_from_answer_to_answer(run_folder: Path) -> None:
    parts = [*(run_folder / "parts" / "roll_out").rglob("part-*.parquet")]
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    assert max(Counter(row["annotation_id"] for row in rows).values()) > 1
    assert {row["outcome"] for row in rows} <= {"said", "unchanged", "unknown", "failed"}
    for row in rows:
        assert row["provenance"]["revision"] == "1" and row["provenance"]["engine"] == "vllm"
