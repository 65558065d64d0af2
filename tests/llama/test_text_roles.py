"""The text roles of a run on llama.cpp's own server, with a small real model.

``make test-llama`` installs it, and names its Python in ``TURNWISE_LLAMA_PYTHON``; without that
these tests are skipped.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.engines import close_engines
from pipeline.engines.errors import MEANINGS
from pipeline.engines.repetition import loops
from pipeline.media.scenes.render import render_scenes
from pipeline.run import main

ROOT = Path(__file__).resolve().parents[2]
SERVER = Path(__file__).with_name("llama_server.py")
VARIABLE = "TURNWISE_LLAMA_PYTHON"
SCENES = ("scene-01", "scene-02")
CONTEXT = 4096
"""Tokens of one slot: the longest of these asks with its answer has 3,000."""
TEXT_NODES = (
    "polish",
    "rewrite",
    "query",
    "near_miss",
    "change_questions",
)
CEILING_S = 3000
"""Nothing takes so long but a hang, or a machine that has much else to do."""

pytestmark = [
    pytest.mark.llama,
    pytest.mark.timeout(2 * CEILING_S),
    pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} is not set"),
]


class LlamaServer:
    """The server as a process, on one port through all of its lives."""

    def __init__(self, context: int, slots: int, log: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self._port = taken.getsockname()[1]
        self._size = (context, slots)
        self._log = log
        self.base_url = f"http://127.0.0.1:{self._port}/v1"
        self.start()

    def start(self) -> None:
        """Returns at once: loading the model takes seconds, in which it says so."""
        command = [os.environ[VARIABLE], str(SERVER), *map(str, (self._port, *self._size))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llama")
    render_scenes(folder / "scenes", SCENES)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LlamaServer]:
    server = LlamaServer(CONTEXT, 2, folder / "server.log")
    yield server
    server.kill()


def config_of(folder: Path, base_url: str) -> Path:
    """The demo over the scenes, whose text roles the server has; the others are embedded.

    Answers are bounded to what fits the context of the small model.
    """
    name = base_url.rpartition(":")[2].removesuffix("/v1")
    config = {
        "extends": str(ROOT / "configs" / "demo.yaml"),
        "run": {"name": name, "root": str(folder / name), "videos_per_shard": 1, "workers": 1},
        "source": {"kind": "manifest", "path": str(folder / "scenes" / "manifest.jsonl")},
        "engines": {
            "editor": {
                "kind": "http", "base_url": base_url, "model": "smollm2", "revision": "Q4_1",
                "temperatures": [0.7], "timeout_s": CEILING_S,
                "shards": 1,  # one role after the other, so that a slot keeps its prompt
            }
        },
        "nodes": {
            "polish": {"config": {"max_lines": 12, "max_tokens": 768}},
            "change_questions": {"engine": "editor", "config": {"max_questions": 1}},
        },
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def until(folder: Path, pattern: str, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + CEILING_S
    while not list(folder.glob(pattern)):
        assert process.poll() is None and time.monotonic() < until_s
        time.sleep(0.1)


@pytest.fixture(scope="module")
def said(folder: Path, server: LlamaServer) -> Iterator[str]:
    """What a run says whose server is started with it, then killed and started again."""
    config = config_of(folder, server.base_url)
    command = [sys.executable, str(ROOT / "pipeline" / "run.py"), "run", "-c", str(config)]
    with (folder / "run.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        try:
            until(folder, "*/parts/rewrite/*/part-*", running)
            server.kill()
            time.sleep(1)
            server.start()
            assert running.wait(CEILING_S) == 0, (folder / "run.log").read_text()
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGTERM)
                running.wait(CEILING_S)
    yield (folder / "run.log").read_text(encoding="utf-8")


def rows(folder: Path, pattern: str) -> list[dict[str, Any]]:
    tables = [pq.read_table(path) for path in sorted(folder.glob(pattern))]
    return [row for table in tables for row in table.to_pylist()]


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts_in(each)


def test_every_ask_has_an_answer_or_a_named_error(folder: Path, said: str) -> None:
    outcomes: Counter[str] = Counter()
    for node in TEXT_NODES:
        replies = rows(folder, f"*/parts/{node}/*/replies-*")
        assert replies, f"{node} asked nothing"
        for reply in replies:
            assert (reply["text"] is None) != (reply["error"] is None)
            assert reply["error"] is None or reply["error"] in MEANINGS
            assert reply["engine_version"].startswith("openai-http llamacpp")
            outcomes[f"{node}: {reply['error'] or 'answer'}"] += 1
    answers = sum(count for name, count in outcomes.items() if name.endswith(": answer"))
    assert answers > outcomes.total() / 2, outcomes


def test_a_killed_server_was_waited_for_and_lost_no_ask(folder: Path, said: str) -> None:
    assert "waiting for http://127.0.0.1" in said
    assert "is there, after" in said
    errors = {reply["error"] for reply in rows(folder, "*/parts/*/*/replies-*")}
    assert not errors & {"connection", "timeout", "server_error"}
    assert "Traceback" not in said


def test_no_text_of_the_corpus_loops(folder: Path, said: str) -> None:
    written = rows(folder, "*/corpus/data/**/*.parquet")
    texts = [text for row in written for text in texts_in([row["questions"], row["responses"]])]
    assert any("smollm2@Q4_1" in row["models"] for row in written)
    assert [text for text in texts if loops(text)] == []


def test_it_asks_about_the_clips_of_streambridge(folder: Path, server: LlamaServer) -> None:
    config = folder / "streambridge.yaml"
    editor = yaml.safe_load(config_of(folder, server.base_url).read_text())["engines"]["editor"]
    sections = {
        "extends": str(ROOT / "configs" / "recipes" / "streambridge.yaml"),
        "run": {"root": str(folder / "clips"), "workers": 1},
        "source": {"kind": "manifest", "path": str(folder / "scenes" / "manifest.jsonl")},
        "engines": {"editor": editor},
        "nodes": {
            "chain": {"config": {"clips": len(SCENES), "least_quantile": 0}},
            "interleave": {"config": {"drop": 0}},
        },
    }
    config.write_text(yaml.safe_dump(sections), encoding="utf-8")
    assert main(["run", "-c", str(config)]) == 0
    close_engines()
    replies = rows(folder, "clips/parts/clip_questions/*/replies-*")
    assert len(replies) == len(SCENES), "one a clip"
    assert all(reply["error"] is None or reply["error"] in MEANINGS for reply in replies)
    asked = rows(folder, "clips/parts/clip_questions/*/part-*")
    texts = [text for row in asked for text in texts_in([row["questions"], row["responses"]])]
    assert texts and [text for text in texts if loops(text)] == []


def test_it_remembers_and_asks_for_streaming_train_248k(folder: Path, server: LlamaServer) -> None:
    config = folder / "streaming_train.yaml"
    editor = yaml.safe_load(config_of(folder, server.base_url).read_text())["engines"]["editor"]
    nodes = ("summarise", "merge_summaries", "taxonomy_questions", "memory_questions")
    sections = {
        "extends": str(ROOT / "configs" / "recipes" / "streaming_train_248k.yaml"),
        "run": {"root": str(folder / "memory"), "workers": 1},
        "source": {"kind": "manifest", "path": str(folder / "scenes" / "manifest.jsonl")},
        "engines": {"captioner": editor},
        "nodes": {name: {"engine": "captioner"} for name in nodes},
    }
    config.write_text(yaml.safe_dump(sections), encoding="utf-8")
    assert main(["run", "-c", str(config)]) == 0
    close_engines()
    for name in nodes:
        replies = rows(folder, f"memory/parts/{name}/*/replies-*")
        assert replies, f"{name} asked nothing"
        assert all(reply["error"] is None or reply["error"] in MEANINGS for reply in replies)
    windows = rows(folder, "memory/parts/remember/*/part-*")
    remembered = [each["text"] for row in windows for each in row["memory"]]
    assert remembered and [text for text in remembered if loops(text)] == []
    assert any("smollm2@Q4_1" in row["models"] for row in windows if row["memory"])


def findings(config: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    capsys.readouterr()
    main(["doctor", "-c", str(config), "--no-probe", "--json"])
    close_engines()
    report = json.loads(capsys.readouterr().out)
    return [found for found in report["findings"] if found["check"].startswith("engines.editor")]


def wait_for(server: LlamaServer, folder: Path) -> None:
    """``doctor`` waits for no server, and says that this one loads its model."""
    until_s = time.monotonic() + CEILING_S
    port = int(server.base_url.rpartition(":")[2].removesuffix("/v1"))
    while "model loaded" not in (folder / "small.log").read_text(encoding="utf-8"):
        assert time.monotonic() < until_s
        time.sleep(0.1)
    with socket.create_connection(("127.0.0.1", port), CEILING_S):
        pass


def test_doctor_finds_the_editor_well(
    folder: Path, said: str, server: LlamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    found = findings(config_of(folder, server.base_url), capsys)
    assert not [each for each in found if each["level"] == "failure"]
    texts = " ".join(each["text"] for each in found)
    assert f"takes {CONTEXT} tokens" in texts
    assert "requests at once: 2 are answered, 2 are asked" in texts
    assert "answered a test ask by its schema" in texts


def test_doctor_names_a_context_that_is_too_small(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = LlamaServer(256, 1, folder / "small.log")
    try:
        wait_for(small, folder)
        found = findings(config_of(folder, small.base_url), capsys)
    finally:
        small.kill()
    failed = [each["text"] for each in found if each["level"] == "failure"]
    assert any(text.startswith("takes 256 tokens; the longest ask is about") for text in failed)
