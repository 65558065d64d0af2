"""The rehearsal of the flagship's corpus, in small: what it holds of a run, and that it would see a
fault."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from benchmarks.made_up_videos import ALL, lengths
from benchmarks.rehearsal import Rehearsal
from benchmarks.stand_in.engine import RECORD
from benchmarks.tokens import VIDEOS

ROOT = Path(__file__).resolve().parents[2]


def test_every_beginning_has_the_lengths_of_the_paper() -> None:
    given = [*lengths(ALL)]
    assert Counter(given) == VIDEOS
    for seconds, number in VIDEOS.items():
        so_far = accumulate(each == seconds for each in given)
        assert all(abs(n - number * k / ALL) < 2 for k, n in enumerate(so_far, 1))


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_run_is_killed_goes_on_and_gives_what_an_undisturbed_one_gives(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/rehearsal.py", "--videos", "100", "--control", "40"]
    places = ["--folder", str(tmp_path / "runs"), "--json", str(tmp_path / "found.json")]
    done = subprocess.run([*command, *places], cwd=ROOT, check=False, capture_output=True)
    assert not done.returncode, done.stderr.decode()
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert 0 < found["asks_at_kill"] < found["whole"]["asks"]
    assert found["files_compared"] > 0 and found["whole"]["taken_twice"] == 0
    counts = found["counts"]
    assert set(counts["samples"]) == {
        *("tsqa", "event_grounding", "offline_qa", "narration", "event_caption", "action_caption")
    }
    assert counts["videos_annotated"] > 90 and counts["negatives"]["event_grounding"]


def shards(run: Rehearsal, count: int, said: str = "") -> Path:
    """Lays parts of every node that sees a shard alone; returns one of them."""
    for node in run.nodes:
        for shard in range(count):
            for kind in ("part", "rejects"):
                file = run.root / f"parts/{node}/recipe/{kind}-{shard:05d}-0-0-0.parquet"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(said, encoding="utf-8")
    return run.root / "parts/verify/recipe"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda parts: (parts / "part-00000-0-0-0.parquet").write_text("another"),
        lambda parts: (parts / "rejects-00000-0-0-0.parquet").write_text("another"),
        lambda parts: (parts / "part-00000-0-0-0.parquet").unlink(),
        lambda parts: (parts / "part-00000-0-0-0.parquet").rename(
            parts / "part-00000-1-0-0.parquet"
        ),
    ],
)
def test_a_part_that_is_another_is_seen(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    control, whole = Rehearsal(tmp_path / "a", 40), Rehearsal(tmp_path / "b", 70)
    shards(control, 2)
    parts = shards(whole, 3)
    assert whole.same_as(control) == 2 * sum(
        scope in ("source", "shard") and name != "apply_mixture"
        for name, scope in whole.nodes.items()
    )
    (parts / "part-00001-0-0-0.parquet").write_text("of a shard that is not full in both")
    whole.same_as(control)
    spoil(parts)
    with pytest.raises(SystemExit, match="verify"):
        whole.same_as(control)


def test_what_is_asked_again_is_seen(tmp_path: Path) -> None:
    run = Rehearsal(tmp_path / "run", 2)
    for process, (asked, taken) in enumerate([((1, 2, 3), (1, 2)), ((3, 2), (3, 2))]):
        for name, asks in (("asked", asked), ("taken", taken)):
            records = np.array([(ask, 1000) for ask in asks], RECORD)
            records.tofile(tmp_path / f"run/asks/{name}-{process}")
    assert run.asked() == {
        "asks": 5, "taken": 4, "taken_twice": 1, "asked_twice": 2, "engine_cpu_s": 0.004,
    }  # fmt: skip
