"""A run whose corpus has dialogues of videos and of streams of them, killed, resumed and grown."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.corpus.read import read_corpus
from pipeline.dialogue.tiling import EPSILON_S
from pipeline.records import Dialogue
from pipeline.records.streams import clip_at, clip_spans, clip_starts
from tests.conftest import Cli
from tests.runs.test_parity import digests, results

NODES = (
    *("segment", "caption", "discrete_actions", "ground", "agree", "rewrite", "event_caption"),
    *("query", "dialogue", "plan_mixture", "apply_mixture"),
    *("write_files", "write_corpus"),
)
STREAMS = {"clips": 2, "clips_per_shard": 2, "longest_s": 600.0}


@pytest.fixture
def with_streams(checkout: Path, scenes: Path, tmp_path: Path) -> Callable[[str], list[str]]:
    """``with_streams(name)``: options of a run of few nodes, each of which reads the videos of the
    manifest and streams of two of them; a stream a shard."""
    shutil.copy(Path(__file__).with_name("in_order.py"), checkout / "stages")

    def write(name: str) -> list[str]:
        config = yaml.safe_load((checkout / "configs" / "streamo.yaml").read_text())
        known = {n: node for n, node in config["nodes"].items() if n in (*NODES, "ingest")}
        for node in known.values():
            kept = [other for other in node.get("after", ()) if other in known]
            node["after"] = [*kept, *(["streams"] if "ingest" in kept else [])]
        streams = {"stage": "in_order", "after": ["ingest"], "config": STREAMS}
        config["nodes"] = {"streams": streams, **known}
        config["run"] = {"root": str(tmp_path / name), "videos_per_shard": 2, "workers": 2}
        config["source"] = {"kind": "manifest", "path": str(scenes / "manifest.jsonl")}
        config["corpus"] = {"shards_per_group": 1}
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return ["-c", str(path)]

    return write


def killed_when(there: Callable[[], bool], checkout: Path, *arguments: str) -> None:
    run = subprocess.Popen(
        [sys.executable, "pipeline/run.py", "run", *arguments],
        cwd=checkout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not there():
        assert run.poll() is None
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def check_laws(dialogue: Dialogue) -> int:
    """What holds of the turns of a stream; how much of its evidence lies in a later clip."""
    starts = clip_starts(dialogue.clips)
    turns = dialogue.turns
    assert turns.starts[0] == 0 and starts[-1] == dialogue.duration_s
    assert list(turns.starts) == [float(i) for i in range(len(turns))]
    assert len(turns) - 1 < dialogue.duration_s <= len(turns)
    for start_s, frame_s in zip(turns.starts, turns.frames, strict=True):
        place, _ = clip_at(dialogue.clips, start_s)
        assert starts[place] <= frame_s <= start_s, "of the clip that is on, and not a later one"
    later = 0
    for response in dialogue.responses:
        said_s = turns.starts[response.turn]
        if response.kind == "instant":
            said_s = turns.frames[response.turn]
        ends_s = max((span.end_s for span in response.evidence), default=response.respond_s)
        assert said_s >= ends_s - EPSILON_S or "clamped" in response.flags
        for span in response.evidence:
            of_clips = clip_spans(dialogue.clips, span.start_s, span.end_s)
            later += of_clips[0].clip > 0
            for at in of_clips:
                clip = dialogue.clips[at.clip]
                assert 0 <= at.start_s <= at.end_s <= clip.duration_s + EPSILON_S
    return later


def test_videos_and_streams_are_one_corpus(
    with_streams: Callable[[str], list[str]], checkout: Path, cli: Cli, tmp_path: Path
) -> None:
    options, corpus = [*with_streams("run"), "--limit", "3"], tmp_path / "run" / "corpus"
    cli(checkout, "run", *options)
    said: Any = json.loads(cli(checkout, "status", *options, "--json").stdout)
    assert (said["videos_in"], said["videos_out"], said["videos_in_streams"]) == (3, 3, 0)
    none: dict[str, int] = {}
    assert said["streams"] == {
        **{"made": 2, "annotated": 2, "open": 0, "rejected": none, "absent": none}
    }
    node = next(node for node in said["nodes"] if node["node"] == "streams")
    assert node["shards"] == node["shards_done"] == 2
    assert node["videos_in"] == node["videos_out"] == 3 and node["rows_out"] == 2

    dialogues = [d for sample in read_corpus(corpus, frames=False) for d in sample.dialogues]
    of_streams = [dialogue for dialogue in dialogues if dialogue.clips]
    assert {d.video_id for d in dialogues} > {d.video_id for d in of_streams} != set()
    assert sum(map(check_laws, of_streams)) > 0, "some evidence lies in a second clip"
    assert all(not d.uri and not d.sha256 and len(d.clips) <= 2 for d in of_streams)
    assert {c.source for d in of_streams for c in d.clips} == {"scripted-scenes"}

    raw = ("--format", "raw", "-o", str(tmp_path / "raw"))
    exported = cli(checkout, "export", str(corpus), *raw, expect=3).stdout
    assert f"{len(of_streams)} rejected (not_carried {len(of_streams)})" in exported


@pytest.mark.faults
def test_a_killed_run_goes_on_grows_and_is_rebuilt(
    with_streams: Callable[[str], list[str]], checkout: Path, cli: Cli, scenes: Path, tmp_path: Path
) -> None:
    options = with_streams("run")
    first = (*options, "--limit", "3")
    parts, corpus = tmp_path / "run" / "parts", tmp_path / "run" / "corpus"
    killed_when(lambda: any(parts.glob("segment/*/part-1000000-*")), checkout, *first)
    left = {path: path.stat().st_mtime_ns for path in parts.rglob("part-*")}
    cli(checkout, "run", *first)
    assert {path: path.stat().st_mtime_ns for path in left} == left, "what was done stays"

    bare = tmp_path / "bare"
    shutil.copytree(corpus, bare)
    for name in ("frames", "wds"):
        shutil.rmtree(bare / name)
    cli(checkout, "rebuild", str(bare), "--videos", str(scenes), "-o", str(tmp_path / "again"))
    again = digests(tmp_path / "again")
    again.pop("rejects.jsonl")
    assert again == digests(corpus)

    before = digests(parts / "caption")
    cli(checkout, "run", *options, "--limit", "4")
    after = digests(parts / "caption")
    assert before.items() <= after.items()
    new = {name.rpartition("/")[2].split("-")[1] for name in after.keys() - before.keys()}
    assert new == {"00001", "1000001", "1000002"}, "the first stream is as it was"


@pytest.mark.ray
@pytest.mark.faults
def test_ray_makes_the_same_streams(
    with_streams: Callable[[str], list[str]], checkout: Path, cli: Cli, tmp_path: Path
) -> None:
    cli(checkout, "run", *with_streams("local"), "--limit", "3")
    cli(checkout, "run", *with_streams("ray"), "--limit", "3", "--executor", "ray")
    assert results(tmp_path / "local") == results(tmp_path / "ray")
