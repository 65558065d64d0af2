"""A run measured by what people described in its videos."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.run import main

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "configs" / "demo.yaml"
CLIP = ROOT.parent / "shared" / "videos" / "bbb_480p24_30s.mp4"
LEVELS = ("at_0_3", "at_0_5", "at_0_7")

BY_EYE = (
    (11.9, 15.8, "A stream runs through a meadow with white flowers"),
    (15.8, 20.9, "A fat bird sings on a branch until something hits it on the head"),
    (25.0, 29.9, "The title of the film fades in and out over a burrow"),
)
"""What the clip shows, in seconds: two shots, whose cuts are at 11.88, 15.75 and 23.04 s, and a
title. Judged from its frames, four a second."""

Capture = pytest.CaptureFixture[str]


def reported(capsys: Capture, *arguments: str) -> Any:
    capsys.readouterr()
    assert main(["score", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def of(scores: list[Any], **keys: str) -> Any:
    (score,) = (s for s in scores if all(s[key] == value for key, value in keys.items()))
    return score


def test_two_scenes_against_what_their_script_describes(
    scenes: Path, write_config: Callable[..., Path], tmp_path: Path, capsys: Capture
) -> None:
    config = str(write_config("run", extends=DEMO))
    chosen = ("-c", config, "--limit", "2")
    assert main(["score", *chosen]) == 2
    assert "run it first" in capsys.readouterr().err
    assert main(["run", *chosen]) == 0
    report = reported(capsys, *chosen)
    # scene 1: a square comes and goes; scene 2: two backgrounds, a motion, and a square
    assert (report["videos"], report["videos_annotated"], report["spans"]) == (2, 2, 5)
    together = of(report["found"], task="any")
    assert [together["recall"][level] for level in LEVELS] == [1, 1, 1]
    assert [together["precision"][level] for level in LEVELS] == [1, 1, 1]
    assert abs(together["starts"]["median_s"]) < 0.5 > abs(together["ends"]["median_s"])
    # the embedded engine does not know what "slides" is
    located = of(report["grounded"], node="ground_source_events")
    assert (located["captions"]["whole"], located["captions"]["at_0_7"]) == (5, 0.8)
    assert main(["score", *chosen]) == 0
    assert "\nground_source_events         5" in capsys.readouterr().out

    # Human annotations do not raise the score of models, and both reach the corpus.
    scripted = reported(capsys, *chosen, "--truth", str(scenes / "truth"))
    data = tmp_path / "run" / "corpus" / "data"
    tasks = {path.name: pq.read_table(path).to_pylist() for path in data.iterdir()}
    asked = tasks["event_grounding"]
    by_models = [row for row in asked if row["models"]]
    assert of(scripted["spans"], task="event_grounding")["agreed"]["whole"] == len(by_models)
    assert [row["origins"] for row in asked if not row["models"]] == [["human"]] * 5
    assert [row["origins"] for row in tasks["offline_qa"]] == [["human"]] * 4


def test_videos_without_human_spans_have_no_such_truth(
    scenes: Path, write_config: Callable[..., Path], tmp_path: Path, capsys: Capture
) -> None:
    rows = [json.loads(line) for line in (scenes / "manifest.jsonl").read_text().splitlines()]
    manifest = tmp_path / "manifest.jsonl"
    uri, entry = str(scenes / rows[0]["uri"]), rows[0]["annotations"][-1]
    source = {"kind": "manifest", "path": str(manifest)}
    config = str(write_config("run", extends=DEMO, source=source))
    for fields, message in (
        ({"origin": "model"}, "has a human span; that is"),
        ({"end_s": 999}, "has a human span (1 are impossible); that is"),
    ):
        row = {"video_id": "v", "uri": uri, "annotations": [entry | fields]}
        manifest.write_text(json.dumps(row), encoding="utf-8")
        assert main(["run", "-c", config, "--until", "ingest"]) == 0
        capsys.readouterr()
        assert main(["score", "-c", config]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.skipif(not CLIP.is_file(), reason="there are no ../shared/videos")
def test_a_real_clip_against_spans_judged_by_eye(
    write_config: Callable[..., Path], tmp_path: Path, capsys: Capture
) -> None:
    entries = [
        {"kind": "event", "text": text, "start_s": start_s, "end_s": end_s, "origin": "human"}
        for start_s, end_s, text in BY_EYE
    ]
    manifest = tmp_path / "manifest.jsonl"
    row = {"video_id": "clip", "uri": str(CLIP), "annotations": entries}
    manifest.write_text(json.dumps(row), encoding="utf-8")
    source = {"kind": "manifest", "path": str(manifest)}
    config = str(write_config("run", extends=DEMO, source=source))
    assert main(["run", "-c", config]) == 0
    report = reported(capsys, "-c", config)
    assert (report["videos_annotated"], report["spans"], report["spans_impossible"]) == (1, 3, 0)
    data = tmp_path / "run" / "corpus" / "data"
    for task in ("event_caption", "action_caption", "event_grounding"):
        files = list((data / task).iterdir()) if (data / task).is_dir() else []
        spans = {
            (response["start_s"], response["end_s"])
            for file in files
            for sample in pq.read_table(file).to_pylist()
            if sample["models"]
            for response in sample["responses"]
        }
        score = of(report["found"], task=task)
        if not spans:
            assert score["recall"]["mean"] is None
            continue
        best = [
            max(overlap(start_s, end_s, *span) for span in spans) for start_s, end_s, _ in BY_EYE
        ]
        assert score["recall"]["mean"] == pytest.approx(sum(best) / len(best))
        assert score["recall"]["at_0_5"] == pytest.approx(sum(x >= 0.5 for x in best) / 3)
    located = of(report["grounded"], node="ground_source_events")
    assert located["captions"]["whole"] == 3
    (file,) = (data / "event_grounding").iterdir()
    asked = [row["questions"] for row in pq.read_table(file).to_pylist() if not row["models"]]
    assert len(asked) == 3
    for *_, text in BY_EYE:
        said = text.rstrip(".").casefold()
        assert sum(said in question["text"].casefold() for (question,) in asked) == 1


def overlap(start_s: float, end_s: float, other_start_s: float, other_end_s: float) -> float:
    """Length of what two spans share, over the length of both together."""
    shared = max(0.0, min(end_s, other_end_s) - max(start_s, other_start_s))
    return shared / (end_s - start_s + other_end_s - other_start_s - shared)
