"""The benchmark of the paper's mix, small: of each video the same tasks, and no video twice."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.corpus.read import read_corpus
from pipeline.run import main
from pipeline.scoring.items import items_of
from tests.runs.raw_files import call

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "benchmark.yaml"
VIDEOS = 7
MIX = {"event_grounding": 2, "event_caption": 1, "narration": 1, "tsqa": 2}


def test_its_videos_have_the_whole_mix_and_none_of_them_is_trained_on(
    finished_config: Callable[..., Path],
    write_config: Callable[..., Path],
    scenes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = (scenes / "manifest.jsonl").read_text(encoding="utf-8").splitlines()[1 : 1 + VIDEOS]
    manifest = tmp_path / "manifest.jsonl"
    moved = [{**json.loads(row), "uri": str(scenes / json.loads(row)["uri"])} for row in rows]
    manifest.write_text("\n".join(map(json.dumps, moved)), encoding="utf-8")
    finished_config("trained")
    config = write_config(
        "benchmark",
        extends=CONFIG,
        source={"kind": "manifest", "path": str(manifest)},
        nodes={
            "benchmark_tasks": {"config": {"per_video": MIX}},
            "plan_mixture": {"config": {"shares": MIX, "samples": 2 * sum(MIX.values())}},
        },
    )
    assert main(["run", "-c", str(config)]) == 0
    corpus = tmp_path / "benchmark" / "corpus"
    dialogues = [d for sample in read_corpus(corpus, frames=False) for d in sample.dialogues]
    by_video: dict[str, Counter[str]] = defaultdict(Counter)
    directions: dict[str, set[str]] = defaultdict(set)
    for dialogue in dialogues:
        by_video[dialogue.video_id][dialogue.task] += 1
        (item,) = items_of(dialogue, None)
        if dialogue.task == "event_grounding":
            directions[dialogue.video_id].add(item.direction)
            assert len(item.expected) >= 1, "the answer is in the dialogue, whenever it is asked"
    assert len(by_video) == 2, "as many as samples were asked for, of all that have the mix"
    assert all(counts == MIX for counts in by_video.values())
    assert all(each == {"forward", "backward"} for each in directions.values())

    scoring = ("score", str(corpus), "--against", str(corpus), "--json")
    status, printed, _ = call(capsys, *scoring)
    assert status == 0
    for score in json.loads(printed)["scores"]:
        assert score["protocol"]
    trained = tmp_path / "trained" / "corpus"
    of_training = {d.video_id for s in read_corpus(trained, frames=False) for d in s.dialogues}
    leaked = of_training & by_video.keys()
    status, _, error = call(capsys, *scoring, "--trained-on", str(trained))
    assert status == (2 if leaked else 0)
    status, _, error = call(capsys, *scoring, "--trained-on", str(corpus))
    assert status == 2 and "has 2 of the videos that are scored with" in error
