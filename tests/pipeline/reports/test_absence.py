"""What was not there, or not wanted, is counted apart from what was refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.execution.failure_limits import FailureLimitExceeded
from pipeline.execution.runner import execute, missing_tasks
from pipeline.records import Record, Reject
from pipeline.records.digest import canonical_json
from pipeline.reports.outcomes import causes_of
from pipeline.reports.rejects import read_rejects, rejects_text
from pipeline.reports.status import summarize
from pipeline.store.location import Location
from pipeline.store.parts import read_counts, write_part
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.plan import NodePlan, planned_again
from pipeline.workflow.stage import Reason
from pipeline.workflow.video_counts import videos_absent, videos_failed
from tests.pipeline import toys

Planner = Callable[..., Sequence[NodePlan]]
DEMO = Path(__file__).resolve().parents[3] / "configs" / "demo.yaml"


@pytest.fixture
def none_is_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A video without letters is no fault of it."""
    declared = replace(toys.SPELL, reasons=(Reason("none", "It has no letters.", absence=True),))
    monkeypatch.setattr(toys, "TOYS", {**toys.TOYS, "spell": declared})


def run_toys(plans: Sequence[NodePlan], inline: Any, root: Location) -> list[NodePlan]:
    """Those that have a count a video, made."""
    chosen = [plan for plan in plans if plan.node.name != "count"]
    list(execute(chosen, missing_tasks(chosen, {"admit", "spell"}), inline, root))
    return list(planned_again(chosen))


@pytest.mark.usefixtures("none_is_absence")
@pytest.mark.parametrize("made_before", [False, True])
def test_absence_is_counted_apart(
    plan_toys: Planner, inline: Any, tmp_path: Path, made_before: bool
) -> None:
    root = Location.of(tmp_path / "run")
    plans = run_toys(plan_toys([1, 0, 9, 0], admit={"most": 5}), inline, root)
    if made_before:
        for part in plans[1].parts.values():
            count_as_before(part)
    admit, spell = summarize(plans, root).nodes
    assert (admit.videos_rejected, admit.rejected, admit.absent) == (1, {"too_many": 1}, {})
    assert (spell.videos_in, spell.videos_out) == (3, 1)
    assert (spell.videos_rejected, spell.videos_absent) == (0, 2)
    assert (spell.rejected, spell.absent) == ({}, {"none": 2})
    text = rejects_text(read_rejects(plans, root), plans)
    assert "1 rows rejected, 2 absent" in text
    assert "none (spell)\n    It has no letters.\n    such as v1\n" in text
    assert "too_many (admit)\n    such as v2\n" in text, "nobody said what it means"


def count_as_before(part: Location) -> None:
    """Count as versions did that knew no absence."""
    counts = read_counts(part)
    counts["videos_rejected"] += counts.pop("videos_absent")
    path = Path(part)
    metadata = {b"turnwise.counts": canonical_json(counts)}
    pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)


@pytest.mark.usefixtures("none_is_absence")
def test_absence_stops_no_run(plan_toys: Planner, inline: Any, tmp_path: Path) -> None:
    run_toys(plan_toys([0] * 60), inline, Location.of(tmp_path / "run"))


def test_without_a_declaration_it_is_a_refusal(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    with pytest.raises(FailureLimitExceeded, match="spell: 100% of 21 videos were rejected"):
        run_toys(plan_toys([0] * 60), inline, Location.of(tmp_path / "run"))


def test_one_refusal_makes_a_video_refused() -> None:
    stage = replace(toys.SPELL, reasons=(Reason("none", "Nothing.", absence=True),))
    rejects = [("a", "none"), ("b", "none"), ("b", "bad"), ("c", "none"), ("a", "none")]
    assert videos_absent(stage, {"c"}, rejects) == 1
    assert videos_absent(replace(stage, scope="dataset"), set(), rejects) == 0
    assert videos_absent(replace(stage, scope="source"), {"c"}, rejects) == 4


def test_what_a_policy_turns_down_is_no_fault() -> None:
    reasons = (
        Reason("none", "Nothing.", absence=True),
        Reason("all_or_nothing", "Another one failed.", policy=True),
        Reason("bad", "It is wrong."),
    )
    asking = replace(toys.SPELL, reasons=reasons, answer=Record)
    rejects = [("a", "none"), ("b", "none"), ("b", "bad"), ("c", "bad"), ("d", "all_or_nothing")]
    rejects += [("d", "bad"), ("e", "not declared"), ("a", "none")]
    assert videos_failed(asking, {"c"}, rejects) == 2, "b and e"
    rules = replace(asking, answer=None)
    assert videos_failed(rules, {"c"}, rejects) == 1, "what rules are declared to turn down is none"
    assert videos_failed(replace(asking, scope="source"), (), rejects) == 4


def test_the_cause_is_a_refusal_unless_dialogues_were_not_wanted(tmp_path: Path) -> None:
    nodes = {node.name: node for node in build_graph(load_config(DEMO))}
    rejected = {
        "apply_mixture": [("d", "not_drawn")],
        "narrate": [("a", "one_frame"), ("b", "one_frame"), ("d", "inconsistent")],
        "caption": [("b", "bad_span"), ("c", "no_events")],
        "change_points": [("b", "no_change")],
    }
    parts = []
    for name, rows in rejected.items():
        slot = Location.of(tmp_path / name / "part-00000-0")
        rejects = [Reject(video_id=video_id, reason=reason) for video_id, reason in rows]
        part = write_part(slot, nodes[name].stage.writes, [], rejects, {})
        parts.append((nodes[name], part))
    assert causes_of(parts) == {
        "a": ("one_frame", True),
        "b": ("bad_span", False),
        "c": ("no_events", True),
        "d": ("not_drawn", True),
    }
