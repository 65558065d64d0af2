from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pipeline.execution.executors import run_metrics
from pipeline.execution.executors.run_metrics import COUNTERS, TASKS, RunMetrics
from pipeline.workflow.task import ShardResult

COUNTS = {
    "videos_in": 6, "videos_out": 3, "videos_rejected": 2, "videos_absent": 1,
    "videos_failed": 1, "rows_out": 7, "rejected": {"blurred": 4, "dark": 1},
    "asks": 5, "tokens_in": 100, "tokens_out": 20,
}  # fmt: skip


class Recorded:
    """A metric that keeps what was recorded, under its name and tags in order."""

    values: Counter[tuple[str, ...]]
    fails = False

    def __init__(self, name: str, description: str, keys: tuple[str, ...]) -> None:
        assert description.endswith(".")
        self.name, self.keys = name, keys

    def inc(self, value: float = 1.0, tags: dict[str, str] | None = None) -> None:
        assert value > 0, "Ray refuses others"
        self.values[self._key(tags)] += value  # type: ignore[assignment]

    def set(self, value: float | None, tags: dict[str, str] | None = None) -> None:
        assert value is not None
        self.values[self._key(tags)] = value  # type: ignore[assignment]

    def _key(self, tags: dict[str, str] | None) -> tuple[str, ...]:
        if self.fails:
            raise ValueError("no agent")
        assert tags is not None and set(tags) == set(self.keys)
        return self.name, *(tags[key] for key in self.keys)


@pytest.fixture
def recorded() -> type[Recorded]:
    return type("Fresh", (Recorded,), {"values": Counter()})


def test_every_count_of_a_shard_is_in_a_counter(recorded: Any) -> None:
    metrics = RunMetrics("demo", recorded, recorded)
    for shard in range(2):
        metrics.add(ShardResult(node="caption", shard=shard, counts=COUNTS))
    metrics.add(ShardResult(node="caption", shard=2, unchanged=True))
    metrics.add(ShardResult(node="caption", shard=3, error="ValueError"))
    here = "demo", "caption"
    assert recorded.values == {
        ("turnwise_videos", *here, "out"): 6,
        ("turnwise_videos", *here, "rejected"): 4,
        ("turnwise_videos", *here, "absent"): 2,
        ("turnwise_rejects", *here, "blurred"): 8,
        ("turnwise_rejects", *here, "dark"): 2,
        ("turnwise_asks", *here): 10,
        ("turnwise_tokens", *here, "in"): 200,
        ("turnwise_tokens", *here, "out"): 40,
    }
    assert {name for name, *_ in recorded.values} == COUNTERS.keys()


def test_tasks_are_shown_by_state_and_not_at_every_call(
    recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = RunMetrics("demo", recorded, recorded)
    metrics.show({"caption": 3}, {"caption": 2})
    shown = {
        (TASKS[0], "demo", "caption", "waiting"): 3,
        (TASKS[0], "demo", "caption", "in_flight"): 2,
    }
    assert recorded.values == shown
    metrics.show({"caption": 0}, {"caption": 0})
    assert recorded.values == shown, "a moment later"
    monkeypatch.setattr(run_metrics, "SHOWN_EVERY_S", 0.0)
    metrics.show({"caption": 0}, {"caption": 0})
    assert not any(recorded.values.values())


def test_a_metric_that_fails_is_one_line(recorded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    recorded.fails = True
    metrics = RunMetrics("demo", recorded, recorded)
    for shard in range(2):
        metrics.add(ShardResult(node="caption", shard=shard, counts=COUNTS))
        metrics.show({"caption": 3}, {})
    assert capsys.readouterr().err == "metrics are no longer recorded: ValueError('no agent')\n"
