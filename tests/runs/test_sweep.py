"""``sweep``: what other values would keep, from the replies that are there."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.options import planned
from pipeline.execution import journaled_engine
from pipeline.execution.replay import replay_run
from pipeline.media.decode import DecodeProcess
from pipeline.records import GroundedEvent, Video
from pipeline.reports.sweep import SweepRow, swept_and_fixed
from pipeline.reports.sweep_plot import sweep_svg
from pipeline.store.location import Location
from pipeline.store.part_names import slot_of
from pipeline.store.parts import discard, read_counts, write_part
from pipeline.workflow.outputs import last_dialogues, rows_of
from stages.agree import Config, agree
from tests.runs.raw_files import call

Capture = pytest.CaptureFixture[str]
MIN_IOU = "nodes.agree.config.min_iou"


@pytest.fixture
def config(finished_config: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run whose engines would fail if they were opened."""

    def closed(_: object) -> None:
        raise AssertionError("an engine was opened")

    made = finished_config("run")
    monkeypatch.setattr(journaled_engine, "open_engine", closed)
    return made


def swept(capsys: Capture, config: Path, *settings: str) -> list[dict[str, Any]]:
    options = [word for each in settings for word in ("--set", each)]
    status, out, error = call(capsys, "sweep", "-c", config, "--limit", 2, "--json", *options)
    assert status == 0, error
    found: list[dict[str, Any]] = json.loads(out)
    return found


def test_what_is_kept_leads_to_the_very_same_parts(config: Path, tmp_path: Path) -> None:
    """All but frames is made again, of the replies alone."""
    _, plans = planned(config, None, 2)
    shown = [p.node.name for p in plans if issubclass(p.node.stage.writes, Video)] + ["segment"]
    bare = [
        plan
        if plan.node.name in shown
        else replace(plan, parts={}, slots={}, listing=replace(plan.listing, parts={}))
        for plan in plans
    ]
    place = Location.of(tmp_path / "scratch")
    made = replay_run(bare, place, DecodeProcess(plans[0].tasks[0].media_root))
    assert not made.asks and last_dialogues(made.plans)
    for own in made.plans:
        (before,) = (plan for plan in plans if plan.node.name == own.node.name)
        names = {shard: part.name for shard, part in own.parts.items()}
        assert names == {shard: part.name for shard, part in before.parts.items()}
        assert own.node.name in shown or all("scratch" in str(p) for p in own.parts.values())


@pytest.fixture
def spread(config: Path) -> list[GroundedEvent]:
    """The events of the run, whose spans were found again elsewhere: each at a distance of its
    own."""
    _, plans = planned(config, None, 2)
    (ground,) = (plan for plan in plans if plan.node.name == "ground")
    found: list[GroundedEvent] = []
    for part in ground.parts.values():
        moved = [
            event.model_copy(
                update={"grounded_end_s": event.end_s + n * (event.end_s - event.start_s)}
            )
            for n, event in enumerate(rows_of(GroundedEvent, part))
        ]
        counts, slot = read_counts(part), slot_of(part)
        discard(part)
        write_part(slot, GroundedEvent, moved, [], counts, [])
        found += moved
    return found


def test_thresholds_keep_what_the_rule_says(
    config: Path, spread: list[GroundedEvent], capsys: Capture
) -> None:
    """The rule of the stage, and that of the slider of ``report``."""
    values = [0.2, 0.3, 0.5, 0.9]
    for policy in ("event", "video"):
        rows = swept(
            *(capsys, config, f"nodes.agree.config.policy={policy}"),
            f"{MIN_IOU}={','.join(map(str, values))}",
        )
        now, *others = [row["kept"]["agree"] for row in rows]
        assert others == sorted(others, reverse=True) and now == others[2], "0.5 is what it is"
        assert policy == "video" or len(set(others)) > 2
        assert not any(row["asks"].get("rewrite") for row in rows), "captions are the same"
    rule = pytest.importorskip("pipeline.reports.kept_at")
    verified = [row.model_dump() for row in agree(spread, Config())]
    assert others == [rule.kept_at(verified, "video")(value) for value in values]


def test_asks_that_were_never_made_are_counted(config: Path, capsys: Capture) -> None:
    """And a grid has each pair of values."""
    rows = swept(capsys, config, "nodes.query.config.max_queries=2,4", f"{MIN_IOU}=0.4,0.5")
    assert [tuple(row["values"].values()) for row in rows] == [
        (), ("2", "0.4"), ("2", "0.5"), ("4", "0.4"), ("4", "0.5"),
    ]  # fmt: skip
    now, *two, more, _ = rows
    assert all(row["samples"] == now["samples"] and not row["asks"] for row in two)
    assert more["asks"]["query"] > 0
    assert more["samples"]["tsqa"] == now["samples"]["tsqa"]
    assert not now["asks"] and now["total"] > 10


def test_it_is_read_and_drawn(config: Path, tmp_path: Path, capsys: Capture) -> None:
    plot = tmp_path / "plot.svg"
    command = ("sweep", "-c", config, "--limit", 2)
    status, text, _ = call(
        capsys, *command, "--set", "nodes.query.config.max_queries=1,2,4", "--plot", plot
    )
    assert status == 0 and "query.max_queries" in text.splitlines()[0]
    assert "query: asks to make" in text and "No reply is kept" in text and "█" in text
    drawn = ET.fromstring(plot.read_text(encoding="utf-8"))
    lines = [each for each in drawn.iter() if each.get("stroke-width") == "2"]
    tasks = text[: text.index("all samples")].splitlines()[1:]
    assert len(lines) == len(tasks) > 3, "a line a task"
    for settings, said in (
        (["nodes.query.config.max_queries=2"], "several values"),
        ([f"{MIN_IOU}=0,1", "run.workers=1,2", "run.name=a,b"], "two at most"),
        ([f"{MIN_IOU}=0.1,7"], "min_iou"),
    ):
        options = [word for each in settings for word in ("--set", each)]
        status, _, error = call(capsys, *command, *options)
        assert status == 2 and said in error and error.count("\n") == 1
    status, _, error = call(capsys, *command, "--set", f"{MIN_IOU}=0,1", "--plot", "plot.png")
    assert status == 2 and "not supported" in error


def test_values_are_spelt_as_they_were_and_shown_as_text() -> None:
    found, fixed = swept_and_fixed(["a.b=0.3,0.5", "c=[1, 2]", "d=<x>,{y: [1, 2]}"])
    assert [each.values for each in found] == [("0.3", "0.5"), ("<x>", "{y: [1, 2]}")]
    assert fixed == ["c=[1, 2]"]
    rows = [
        SweepRow({"a.b": a, "d": d}, {"tsqa": 1}, {}, {})
        for a in found[0].values
        for d in found[1].values
    ]
    ET.fromstring(sweep_svg(rows, found))
