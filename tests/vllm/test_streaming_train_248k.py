"""The recipe of Streaming-Train-248K with a tiny model in vLLM in every role of words.

What it says means nothing; what is tested is that the stages ask, that each answer has its form,
and that windows come with a memory. Narration and change points are the baseline's, for a model
that knows no words finds none.
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

STAGES = ("summarise", "merge_summaries", "taxonomy_questions", "memory_questions")
VERIFIED = "verify_context"


@pytest.fixture(scope="module")
def run_folder(cli: Cli, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming_train")
    writer = tiny(checkpoint).model_dump(mode="json")
    # A text of so many characters is more tokens to a model that spells.
    longer = {"config": {"max_tokens": 2048}}
    config: dict[str, Any] = {
        "extends": str(ROOT / "configs" / "recipes" / "streaming_train_248k.yaml"),
        "run": {"root": str(folder / "run"), "videos_per_shard": 3, "workers": 1},
        "source": {"path": str(folder / "scenes")},
        "engines": {
            "captioner": writer,
            "verifier": tiny(checkpoint).model_dump(mode="json"),
        },
        "nodes": {
            "segment": {"config": {"longer_px": 160}},
            VERIFIED: {"config": {"max_frames": 4}},
            **{name: {"engine": "captioner", **longer} for name in STAGES},
        },
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    cli(ROOT, "run", "-c", str(path), "--limit", "3")
    return folder / "run"


@pytest.mark.parametrize("name", [*STAGES, VERIFIED])
def test_every_stage_asks_and_every_answer_has_its_form(run_folder: Path, name: str) -> None:
    rows = replies(run_folder / "parts" / name)
    answer = load_stage(name).answer
    assert answer is not None
    if name != VERIFIED:  # which has nothing to ask where no question can be used
        assert rows
    for row in rows:
        if row["error"] is None:
            jsonschema.validate(json.loads(row["text"]), answer.model_json_schema())
        else:
            assert row["error"] == "text_cut"


def test_windows_come_with_the_memory_that_it_wrote(run_folder: Path) -> None:
    parts = [*(run_folder / "parts" / "remember").rglob("part-*.parquet")]
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    assert rows and any(row["memory"] for row in rows)
    for row in rows:
        assert all(each["end_s"] <= row["turns"][0]["start_s"] for each in row["memory"])
    assert (run_folder / "corpus" / "data").is_dir()
