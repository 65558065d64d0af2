"""A whole run whose every answer comes from the tiny model: in process, and through a server.

Its answers mean nothing; what is tested is that every stage asks, and that every answer has the
form that was asked for.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.request import ProxyHandler, build_opener

import jsonschema  # type: ignore[import-untyped]  # has no types
import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.workflow.config import Role
from pipeline.workflow.stage import load_stage
from tests.conftest import Cli
from tests.vllm.conftest import ENGINE_ARGS, tiny

ROOT = Path(__file__).resolve().parents[2]
SCENES = "4"
ROLES = get_args(Role)
EMBEDDED = ("captioner", "grounder", "change_detector")
"""Roles of the embedded engine. What is asked for a verified event, or a question, would be left
to luck if they came from a model that knows no words; it gets nodes beside theirs."""
STAGES = {
    "narrate": "narrate",
    "polish": "polish",
    "tiny_caption": "caption",
    "tiny_ground": "ground",
    "rewrite": "rewrite",
    "query": "query",
    "near_miss": "near_miss",
    "ground_negatives": "ground",
    "tiny_change_points": "change_points",
    "tiny_change_questions": "change_questions",
    "verify": "verify",
}
"""The nodes that ask the tiny model, and their stages."""
NODES: dict[str, Any] = {
    "tiny_caption": {"stage": "caption", "after": ["segment"], "engine": "verifier"},
    "tiny_ground": {
        "stage": "ground", "after": ["caption", "segment"], "engine": "verifier",
    },
    "tiny_change_points": {"stage": "change_points", "after": ["segment"], "engine": "verifier"},
    "tiny_change_questions": {
        "stage": "change_questions", "after": ["change_points"], "engine": "verifier",
    },
    # A text of 400 characters is more tokens to a model that spells.
    "verify": {"config": {"max_tokens": 1024}},
    "query": {"config": {"max_tokens": 1024}},
    "near_miss": {"config": {"max_tokens": 1024}},
    "rewrite": {"config": {"max_tokens": 1024}},
}  # fmt: skip
SETTINGS: dict[str, Any] = {"max_model_len": 16384, "max_images": 64, "shards": 3}


def run(cli: Cli, folder: Path, engine: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """A run of the demo in which every stage asks this engine: the replies to its nodes."""
    config = {
        "extends": str(ROOT / "configs" / "demo.yaml"),
        "run": {"root": str(folder / "run"), "videos_per_shard": 1, "workers": 2},
        "source": {"path": str(folder.parent / "scenes")},
        "engines": {role: {"kind": "embedded"} if role in EMBEDDED else engine for role in ROLES},
        "nodes": NODES,
    }
    path = folder / "demo.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    cli(ROOT, "run", "-c", str(path), "--limit", SCENES)
    assert (folder / "run" / "corpus").is_dir()
    return {node: replies(folder / "run" / "parts" / node) for node in STAGES}


def replies(parts: Path) -> list[dict[str, Any]]:
    rows = [row for path in parts.rglob("replies-*") for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: str(row["request_id"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def in_process(cli: Cli, folder: Path, checkpoint: Path) -> dict[str, list[dict[str, Any]]]:
    (folder / "vllm").mkdir()
    engine = tiny(checkpoint, **SETTINGS)
    return run(cli, folder / "vllm", engine.model_dump(mode="json"))


def test_every_stage_asks_and_every_answer_has_its_form(
    in_process: dict[str, list[dict[str, Any]]],
) -> None:
    for node, rows in in_process.items():
        assert rows, f"{node} asked nothing"
        stage = load_stage(STAGES[node])
        assert stage.answer is not None
        # A model that knows no words goes on to the bound of a text, which is known for what it is.
        answered = [row for row in rows if row["error"] != "text_cut"]
        assert Counter(row["error"] for row in answered) == {None: len(answered)}, node
        assert answered, f"{node} ended no answer"
        for row in answered:
            jsonschema.validate(json.loads(row["text"]), stage.answer.model_json_schema())


@pytest.fixture(scope="module")
def base_url(checkpoint: Path, folder: Path) -> Iterator[str]:
    """A server of the same model, as its own process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    structured = {
        "backend": "guidance",
        "disable_any_whitespace": True,
        "disable_additional_properties": True,
    }
    settings = tiny(checkpoint, **SETTINGS)
    command = [
        str(Path(sys.executable).with_name("vllm")), "serve", settings.model,
        "--host", "127.0.0.1", "--port", str(port), "--served-model-name", "tiny",
        "--dtype", settings.dtype, "--max-model-len", str(settings.max_model_len),
        "--max-num-seqs", str(settings.max_num_seqs), "--enforce-eager",
        "--limit-mm-per-prompt", json.dumps({"image": settings.max_images, "video": 0}),
        "--block-size", str(ENGINE_ARGS["block_size"]), "--no-enable-chunked-prefill",
        "--structured-outputs-config", json.dumps(structured),
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    root = f"http://127.0.0.1:{port}"
    try:
        wait_for(server, f"{root}/health", folder / "server.log")
        yield f"{root}/v1"
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until_s = time.monotonic() + 600
    opener = build_opener(ProxyHandler({}))
    while True:
        assert server.poll() is None, log.read_text(errors="replace")[-3000:]
        assert time.monotonic() < until_s, log.read_text(errors="replace")[-3000:]
        try:
            opener.open(url, timeout=60).close()
        except OSError:
            time.sleep(0.3)
        else:
            return


def test_a_server_of_the_same_model_gives_the_same_answers(
    cli: Cli, folder: Path, base_url: str, in_process: dict[str, list[dict[str, Any]]]
) -> None:
    (folder / "http").mkdir()
    engine = {"kind": "http", "model": "tiny", "revision": "1", "base_url": base_url}
    served = run(cli, folder / "http", engine)
    assert all(served.values())
    # Numbers are decoded differently, and what is asked next depends on them: only these compare.
    assert [(row["text"], row["tokens_in"]) for row in served["narrate"]] == [
        (row["text"], row["tokens_in"]) for row in in_process["narrate"]
    ]
