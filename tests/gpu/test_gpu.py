"""The engine on a GPU: a tiny model answers by its schema, a real one about scripted scenes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from pipeline.engines.base import Sampling
from pipeline.reports.doctor.findings import Thresholds
from pipeline.reports.doctor.gpu import gpus_of_machine
from pipeline.run import main
from pipeline.workflow.config import Role
from tests.pipeline.engines.contract import asks_of, replies_to

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
MODEL = os.environ.get("TURNWISE_GPU_MODEL", "")


def test_a_tiny_model_answers_on_the_gpu(tmp_path: Path) -> None:
    from pipeline.engines.vllm.engine import VllmEngine
    from tests.vllm.conftest import tiny
    from tests.vllm.tiny_checkpoint import make_checkpoint

    assert gpus_of_machine()
    settings: dict[str, Any] = {"device": "cuda", "dtype": "bfloat16", "memory_share": 0.3}
    engine = VllmEngine(tiny(make_checkpoint(tmp_path / "tiny"), **settings))
    try:
        replies = replies_to(engine, asks_of("Describe it.", "gpu"), Sampling())
        assert all(reply.error is None for (reply,) in replies)
        assert all(json.loads(reply.text or "") for (reply,) in replies)
    finally:
        engine.close()


@pytest.mark.skipif(not MODEL, reason="no MODEL=/folder/of/weights is given")
def test_a_real_model_obeys_the_schemas_of_all_nodes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``doctor`` with its scenes: what it prints says how late the model is, too."""
    engine = {"kind": "vllm", "model": MODEL, "revision": "of make test-gpu"}
    config = tmp_path / "c.yaml"
    text = {
        "extends": str(CONFIGS / "single_gpu.yaml"),
        "run": {"root": str(tmp_path / "run")},
        "source": {"kind": "scenes", "path": str(tmp_path / "scenes")},
        "engines": dict.fromkeys(get_args(Role), engine),
    }
    config.write_text(yaml.safe_dump(text), encoding="utf-8")
    main(["doctor", "-c", str(config), "--json"])
    report = json.loads(capsys.readouterr().out)
    with capsys.disabled():
        for found in report["findings"]:
            print(found["level"], found["check"], found["text"])
    failed = [
        f for f in report["findings"] if f["level"] == "failure" and "probe" not in f["check"]
    ]
    assert not failed
    assert report["probe"], "it was asked"
    for node in report["probe"]:
        assert node["obeyed"] >= Thresholds.obeyed_failure * node["replies"], node
