"""The verb ``forecast``: of parts whose numbers are known, and of scenes that are then run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from pipeline.dialogue.tiling import even_tiling
from pipeline.execution.runner import save_settings
from pipeline.records import (
    Annotation,
    Dialogue,
    Question,
    Record,
    Reject,
    Response,
    TaskMixture,
    Video,
)
from pipeline.records.hash_sampling import hash_fraction
from pipeline.reports.forecast.interval import total
from pipeline.reports.forecast.pilot import read_pilot
from pipeline.run import main
from pipeline.store.location import Location
from pipeline.store.parts import read_table, write_part
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph, refusal_of
from pipeline.workflow.plan import NodePlan, make_plan, planned_again
from pipeline.workflow.source import read_source
from tests.conftest import LONG
from tests.pipeline.dialogue.annotations import made_of
from tests.pipeline.dialogue.samples import dialogue_of, video_of
from tests.runs.random_scenes import random_manifest

STREAMO = Path(__file__).resolve().parents[2] / "configs" / "streamo.yaml"
ROWS, PER_SHARD = 60, 5
NODES = {
    "ingest": {"stage": "ingest"},
    "segment": {"stage": "segment", "after": ["ingest"]},
    "source_annotations": {"stage": "source_annotations", "after": ["ingest"]},
    "dialogue": {"stage": "dialogue", "after": ["source_annotations", "segment", "ingest"]},
    "plan_mixture": {
        "stage": "plan_mixture",
        "after": ["dialogue"],
        "config": {"shares": {"offline_qa": 1, "event_grounding": 1}},
    },
}


def plans_of(config: Path, limit: int | None = None) -> Sequence[NodePlan]:
    settings = load_config(config)
    nodes = build_graph(settings)
    source = read_source(settings.source, limit, refusal_of(nodes))
    return make_plan(nodes, source, PER_SHARD, Location.of(settings.run.root))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Rows in random order, none of whose files is there."""
    names = [f"{number:03}" for number in range(ROWS)]
    Random(1).shuffle(names)
    lines = [json.dumps({"video_id": name, "uri": f"{name}.mp4"}) + "\n" for name in names]
    (tmp_path / "manifest.jsonl").write_text("".join(lines))
    sections = {
        "run": {"root": str(tmp_path / "run"), "videos_per_shard": PER_SHARD},
        "source": {"path": str(tmp_path / "manifest.jsonl")},
        "nodes": NODES,
    }
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(sections))
    return path


def given(video_id: str) -> Mapping[str, int]:
    """The samples of a video: none of one in six, which is turned down; else some of each task."""
    chance = int(60 * hash_fraction(video_id, 0))
    if chance < 10:
        return {}
    return {"offline_qa": 1, "event_grounding": chance % 4}


def write_parts(config: Path, limit: int) -> None:
    """The parts of a pilot, as if its stages had given what ``given`` says."""
    plans = plans_of(config, limit)
    save_settings(
        load_config(config), [plan.node for plan in plans], Location.of(config.parent / "run")
    )
    for node in ("ingest", "segment", "source_annotations", "dialogue"):
        plans = planned_again(plans)
        plan = next(plan for plan in plans if plan.node.name == node)
        manifest = plans[0].manifest
        assert manifest is not None
        for shard, rows in enumerate(manifest):
            ids = [str(row["video_id"]) for row in rows.rows]
            write_shard(plan, shard, ids)


def annotations_of(video_id: str) -> list[Annotation]:
    said = Response.instant("r", "x", 1)
    made = [
        (task, number, made_of([Question(qid="q0", text="?", asked_s=0)], [said], task))
        for task, samples in given(video_id).items()
        for number in range(samples)
    ]
    ids = {"video_id": video_id}
    return [
        each.model_copy(update={**ids, "annotation_id": f"{video_id}{task}{number}"})
        for task, number, each in made
    ]


def write_shard(plan: NodePlan, shard: int, ids: Sequence[str]) -> None:
    kind: type[Record] = plan.node.stage.writes
    rows: list[Record] = []
    rejects: list[Reject] = []
    admitted = [video_id for video_id in ids if given(video_id)]
    if kind is Video:
        rows = [video_of(even_tiling(video_id, 4, 1)) for video_id in admitted]
        gone = [video_id for video_id in ids if video_id not in admitted]
        rejects = [Reject(video_id=i, stage="ingest", reason="too_short") for i in gone]
    elif kind is Annotation:
        rows = [each for video_id in admitted for each in annotations_of(video_id)]
    elif kind is Dialogue:
        rows = [
            dialogue_of(each, even_tiling(video_id, 4, 1)).model_copy(
                update={"sample_id": each.annotation_id}
            )
            for video_id in admitted
            for each in annotations_of(video_id)
        ]
    out = admitted if rows else []
    entered = len(ids) if kind is Video else len(out)
    counts: dict[str, Any] = {
        "videos_in": entered, "videos_out": len(out), "videos_rejected": entered - len(out),
        "videos_absent": 0, "rows_out": len(rows), "asks": 0, "tokens_in": 0, "tokens_out": 0,
        "rejected": dict(Counter(reject.reason for reject in rejects)),
    }  # fmt: skip
    write_part(plan.slots[shard], kind, rows, rejects, counts)


def forecast(capsys: pytest.CaptureFixture[str], config: Path, *options: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["forecast", "-c", str(config), "--json", *options]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_it_counts_rows_that_gave_nothing_and_scales_the_others(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_parts(config, 20)
    found = forecast(capsys, config, "--limit", "20")
    names = [json.loads(line)["video_id"] for line in (config.parent / "manifest.jsonl").open()]
    samples = Counter[str]()
    for name in names[:20]:
        samples.update(given(name))
    assert (found["rows"], found["pilot_rows"], found["inside"]) == (60, 20, True)
    admitted = sum(bool(given(name)) for name in names[:20])
    assert 0 < admitted < 20 and found["videos"]["estimate"] == pytest.approx(3 * admitted)
    for each in found["tasks"]:
        assert each["in_pilot"] == samples[each["task"]]
        assert each["samples"]["estimate"] == pytest.approx(3 * samples[each["task"]])
        true = sum(given(name).get(each["task"], 0) for name in names)
        assert each["samples"]["low"] <= true <= each["samples"]["high"]
    least = min(samples, key=samples.__getitem__)
    assert found["scarcest"] == least
    assert found["drawn"]["estimate"] == pytest.approx(2 * 3 * samples[least], abs=1)
    assert found["doubts"] == []
    (short,) = found["turned_down"]
    assert (short["node"], short["reason"], short["settings"]) == (
        *("ingest", "too_short", {"min_duration_s": 2.0}),
    )
    assert short["rows"] == 20 - admitted
    lost = 3 * samples.total() / admitted * (20 - admitted)
    assert short["samples"] == pytest.approx(lost), "as many a video as the others gave"
    again = forecast(capsys, config, "--pilot", str(config.parent / "run"), "--limit", "20")
    assert again == found, "the pilot's root says what its source was"
    assert main(["forecast", "-c", str(config), "--limit", "20"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_without_a_pilot_it_says_how_to_run_one(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["forecast", "-c", str(config)]) == 2
    assert (
        "no shard has dialogues of this config yet (dialogue): run a pilot"
        in capsys.readouterr().err
    )
    assert main(["forecast", "-c", str(config), "--pilot", str(tmp_path / "none")]) == 2
    assert "--pilot: no run has left its settings in" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.skipif(not LONG, reason="it runs sixty scenes: make laws")
def test_a_pilot_of_twenty_scenes_forecasts_sixty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that is forecast comes true within its interval, and all of it at once nine times of ten
    and more for pilots of any other twenty of them."""
    every = ("caption", "agree")
    shares = {"tsqa": 3, "event_grounding": 3, "offline_qa": 1, "narration": 1, "event_caption": 1}
    sections = {
        "extends": str(STREAMO),
        "run": {"root": str(tmp_path / "run"), "videos_per_shard": PER_SHARD},
        "source": {"path": str(random_manifest(tmp_path, ROWS, seed=7))},
        "nodes": {name: {"config": {"policy": "event"}} for name in every}
        | {"plan_mixture": {"config": {"shares": shares}}},
    }
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump(sections))
    assert main(["run", "-c", str(config), "--limit", "20"]) == 0
    said = forecast(capsys, config, "--limit", "20")
    assert main(["run", "-c", str(config)]) == 0
    plans = plans_of(config)
    (mixture,) = next(plan for plan in plans if plan.node.name == "plan_mixture").parts.values()
    rows = read_table(mixture, TaskMixture.model_fields).to_pylist()
    there = {(row["task"], row["is_negative"]): row["samples"] for row in rows}
    forecast_of = {
        (each["task"], kind == "negatives"): each[kind]
        for each in said["tasks"]
        for kind in ("samples", "negatives")
    }
    assert said["doubts"] == [] or all("fewer than" in doubt for doubt in said["doubts"])
    for key, interval in forecast_of.items():
        assert interval["low"] <= there.get(key, 0) <= interval["high"], key
    assert there.keys() <= forecast_of.keys()
    assert said["drawn"]["low"] <= sum(row["drawn"] for row in rows) <= said["drawn"]["high"]

    whole = read_pilot(plans)
    kinds = [whole.counts(kind) for kind in whole.kinds]
    hits = 0
    for seed in range(200):
        pilot = Random(seed).sample(range(ROWS), 20)
        found = [total([counts[i] for i in pilot], ROWS, among=len(kinds)) for counts in kinds]
        hits += all(
            each.low - 1e-6 <= sum(counts) <= each.high + 1e-6
            for each, counts in zip(found, kinds, strict=True)
        )
    assert hits / 200 >= 0.9
