"""The recipe of StreamBridge with a tiny model in vLLM: one that writes, and one that embeds.

What it says means nothing; what is tested is that the stages ask, that each answer has its form,
and that streams are made of its vectors. Captions are the baseline's, for a model that knows no
words ends none.
"""

from __future__ import annotations

import json
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
    "embed_frames": "embed",
    "embed_captions": "embed",
    "clip_questions": "clip_questions",
}


@pytest.fixture(scope="module")
def run_folder(cli: Cli, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streambridge")
    config: dict[str, Any] = {
        "extends": str(ROOT / "configs" / "recipes" / "streambridge.yaml"),
        "run": {"root": str(folder / "run"), "videos_per_shard": 3, "workers": 1},
        "source": {"path": str(folder / "scenes")},
        "engines": {
            "editor": tiny(checkpoint).model_dump(mode="json"),
            "embedder": tiny(checkpoint, answers="vectors").model_dump(mode="json"),
        },
        "nodes": {
            "chain": {"config": {"least_quantile": 0}},
            "interleave": {"config": {"drop": 0}},
            # A text of 400 characters is more tokens to a model that spells.
            "clip_questions": {"config": {"max_tokens": 1024}},
        },
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    cli(ROOT, "run", "-c", str(path), "--limit", "6")
    return folder / "run"


def test_every_stage_asks_and_every_answer_has_its_form(run_folder: Path) -> None:
    for node, name in STAGES.items():
        rows = replies(run_folder / "parts" / node)
        answer = load_stage(name).answer
        assert rows and answer is not None
        answered = [row for row in rows if row["error"] != "text_cut"]
        assert all(row["error"] is None for row in answered), node
        for row in answered:
            jsonschema.validate(json.loads(row["text"]), answer.model_json_schema())
    assert len(replies(run_folder / "parts" / "embed_frames")) == 6


def test_streams_are_made_of_its_vectors(run_folder: Path) -> None:
    parts = [*(run_folder / "parts" / "chain").rglob("part-*.parquet")]
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    assert [len(row["clips"]) for row in rows] == [3, 3]
    assert (run_folder / "corpus" / "data").is_dir()
