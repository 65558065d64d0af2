"""Runs whose engines ask a server that the test holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import yaml

from pipeline.workflow.config import Role
from tests.runs.answering_server import Server

CONCURRENCY = 4

UNKEPT = 2 * CONCURRENCY
"""The asks that a kill of one process may cost: those at the server, and those whose answers it
has read and not written down, for each frees its place at the server when it is read."""


def write_asking(
    write_config: Callable[..., Path], name: str, server: Server, shard: int = 2, **nodes: Any
) -> Path:
    """A config whose roles all ask the server, ``shard`` videos a shard; ``nodes`` as in a file."""
    engine = {
        "kind": "http", "model": "m", "revision": "r", "base_url": server.base_url,
        "concurrency": CONCURRENCY, "shards": 4, "attempts": 2, "longest_wait_s": 0.1,
    }  # fmt: skip
    lenient = {
        name: {"config": {"policy": "event"}}
        for name in ("caption_events", "caption_actions", "agree_events", "agree_actions")
    }
    engines = dict.fromkeys(get_args(Role), engine)
    path = write_config(name, engines=engines, nodes=lenient | nodes)
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["run"]["videos_per_shard"] = shard
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path
