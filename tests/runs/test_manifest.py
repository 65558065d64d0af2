"""``manifest``: from a dataset's own files to a corpus, through the command line."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.manifest.registry import adapter_names
from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.truth_of import truth_of
from tests.runs.raw_files import call, lines_of

Capture = pytest.CaptureFixture[str]

SHOWN = SCENES[:3]
TRUE = {scene.name: truth_of(scene).events for scene in SHOWN}
NODES = {
    "ingest": {"stage": "ingest"},
    "segment": {"stage": "segment", "after": ["ingest"]},
    "source_annotations": {"stage": "source_annotations", "after": ["ingest"]},
    "dialogue": {"stage": "dialogue", "after": ["source_annotations", "segment", "ingest"]},
    "plan_mixture": {"stage": "plan_mixture", "after": ["dialogue"]},
    "apply_mixture": {"stage": "apply_mixture", "after": ["dialogue", "plan_mixture"]},
    "write_files": {"stage": "write_files", "after": ["apply_mixture", "segment"]},
    "write_corpus": {"stage": "write_corpus", "after": ["write_files"]},
}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """What three datasets would publish about the scenes, each in its own way."""
    described = {
        f"v_{name}": {
            "duration": 1.0,
            "timestamps": [[e.start_s, e.end_s] for e in events] + [[9, 3]],
            "sentences": [f" {e.caption} " for e in events] + ["Nothing of the kind."],
        }
        for name, events in TRUE.items()
    }
    steps = {
        name: {
            "annotation": [
                {"id": str(i), "segment": [e.start_s, e.end_s], "label": f"step {i}"}
                for i, e in enumerate(events)
            ],
            "recipe_type": 7,
            "subset": "training",
        }
        for name, events in [*TRUE.items(), ("-gone", [])]
    }
    questions = [
        {
            "id": name,
            "video": f"{name}.mp4",
            "data_source": "0_30_s_academic_v0_1",
            "conversations": [
                {"from": "human", "value": "<image>\nWhat moves in the video?"},
                {"from": "gpt", "value": "A shape."},
            ],
        }
        for name in TRUE
    ]
    files = {
        "captions/train.json": described,
        "coin/COIN.json": {"database": steps},
        "llava/0_30_s_academic_v0_1/0_30_s_academic_oe_v0_1_qa_processed.json": questions,
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


@pytest.fixture
def corpus(
    published: Path, scenes: Path, write_config: Callable[..., Path], capsys: Capture
) -> Path:
    """Of a run over the three manifests, one behind the other."""
    whole = published / "whole.jsonl"
    for source, folder in (
        ("activitynet_captions", "captions"),
        ("coin", "coin"),
        ("llava_video", "llava"),
    ):
        out = published / f"{source}.jsonl"
        options = ("--annotations", published / folder, "--videos", scenes / "videos", "-o", out)
        assert call(capsys, "manifest", source, *options)[0] == 0
        with whole.open("a", encoding="utf-8") as file:
            file.write(out.read_text(encoding="utf-8"))
    extends = published / "alone.yaml"
    extends.write_text(json.dumps({"nodes": NODES}), encoding="utf-8")
    config = write_config("run", extends=extends, source={"path": str(whole)})
    assert call(capsys, "run", "-c", config)[0] == 0
    return published / "run" / "corpus"


def samples(corpus: Path, task: str) -> list[dict[str, Any]]:
    (path,) = (corpus / "data" / task).glob("*.parquet")
    return pq.read_table(path).to_pylist()


def test_annotations_reach_the_corpus_with_their_origins(corpus: Path) -> None:
    grounding = samples(corpus, "event_grounding")
    spans = {(d["video_id"], r["start_s"], r["end_s"]) for d in grounding for r in d["responses"]}
    prefix = "activitynet_captions/v_"
    every = {(f"{prefix}{n}", e.start_s, e.end_s) for n, es in TRUE.items() for e in es}
    # The background of the first scene is grey all the time.
    assert every - spans == {(f"{prefix}{SHOWN[0].name}", 0.0, 22.0)} and spans < every
    for dialogue in grounding:
        assert dialogue["origins"] == ["human"] and not dialogue["models"]
        assert all(p.startswith("train.json#v_") for p in dialogue["parent_ids"])
        for response in dialogue["responses"]:
            assert response["turn"] >= response["end_s"] - 1
    steps = samples(corpus, "action_caption")
    assert {d["video_id"]: len(d["responses"]) for d in steps} == {
        f"coin/{name}": len(events) for name, events in TRUE.items()
    }
    asked = samples(corpus, "offline_qa")
    assert len(asked) == len(TRUE)
    assert all(d["origins"] == ["model"] and not d["provenance"] for d in asked)
    card = (corpus / "README.md").read_text(encoding="utf-8")
    people = len(grounding) + len(steps)
    assert f"| a dataset's annotators | {people:,} |" in card
    assert f"| a model, for a dataset | {len(asked)} |" in card
    assert "annotations: CC BY-NC 4.0; videos: YouTube, of their owners" in card


def test_the_report_accounts_for_every_record(
    published: Path, scenes: Path, capsys: Capture
) -> None:
    out = published / "m.parquet"
    given = ("--annotations", published / "coin", "--videos", scenes / "videos", "-o", out)
    status, text, _ = call(capsys, "manifest", "coin", *given, "--json")
    report = json.loads(text)
    steps = sum(map(len, TRUE.values()))
    assert (status, report["records"], report["rows"], report["accepted"]) == (0, 4, 3, steps)
    assert report["entries_rejected"] == {"missing_file": 1}
    assert report["videos_by_split"] == {"train": {"missing_file": 1, "with_file": 3}}
    assert report["accepted_by_kind"] == {"step": {"human": steps}}
    assert report["manifests"] == [str(out)] and report["proven"] is True
    (reject,) = lines_of(published / "m.parquet.rejects.jsonl")
    assert (reject["name"], reject["reason"]) == ("-gone", "missing_file")
    given = ("--annotations", published / "captions", "--videos", scenes, "-o", out)
    status, text, error = call(capsys, "manifest", "activitynet_captions", *given, "--limit", 2)
    assert status == 0 and f"manifest: {out}" in text and "rejects.jsonl" in error
    assert "no file      val_1.json" in text
    assert "3 = 2 in 2 rows + 0 rejected + 1 left out (limit 1)" in text
    assert "reversed_span 2" in text
    given = ("--annotations", published / "llava", "--videos", scenes, "-o", published / "l.jsonl")
    status, text, _ = call(capsys, "manifest", "llava_video", *given, "--without", "model-written")
    assert "NOT PROVEN on real files" in text and "0 accepted + 3 refused (model_written 3)" in text
    assert all("annotations" not in row for row in lines_of(published / "l.jsonl"))


def test_a_manifest_without_rows_is_a_failure_and_is_there_to_look_at(
    published: Path, scenes: Path, capsys: Capture
) -> None:
    out = published / "none.jsonl"
    given = ("--annotations", published / "coin", "--videos", scenes / "truth", "-o", out)
    status, text, error = call(capsys, "manifest", "coin", *given)
    assert status == 1 and "has no row" in error
    assert "train: 4 videos, 0 with a file (missing_file 1, unsupported 3)" in text
    assert out.read_text() == "" and len(lines_of(published / "none.jsonl.rejects.jsonl")) == 4


def test_the_list_has_every_adapter_and_whether_it_is_proven(capsys: Capture) -> None:
    status, text, _ = call(capsys, "manifest", "--list", "--json")
    rows = json.loads(text)
    assert status == 0 and [row["name"] for row in rows] == list(adapter_names())
    proven = {row["name"]: row["proven"] for row in rows}
    assert proven["coin"] is True and proven["koala36m"] is False and proven["table"] is None
    assert all(row["licence"] for row in rows if row["proven"] is not None)
    text = call(capsys, "manifest", "--list")[1]
    assert "koala36m               not proven  Koala-36M" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("coins",), "there is no adapter 'coins'; did you mean 'coin'"),
        ((), "give a SOURCE, --annotations and --videos"),
        (("coin", "--annotations", "nowhere"), "there is no folder nowhere"),
        (("coin", "--videos", "nowhere"), r"there is no folder \S+/nowhere"),
        (("coin", "-o", "m.json"), "m.json is no file that ends in .jsonl or .parquet"),
        (("coin", "--without", "share_alike"), "did you mean 'share-alike'"),
        (("coin", "--option", "reversed=swop"), "--option.reversed: 'swop' is not one of"),
        (("coin", "--option", "revers=swap"), "--option revers: .*did you mean 'reversed'"),
        (("coin", "--option", "reversed"), "must be name=value"),
        (("coin", "--option", "a=1", "--option", "a=2"), "stands there twice"),
        (("qvhighlights",), "has no file .*highlight_"),
    ],
)
def test_wrong_usage_is_named(
    published: Path, capsys: Capture, arguments: tuple[str, ...], message: str
) -> None:
    coin, videos = str(published / "coin"), str(published)
    whole = ("--annotations", coin, "--videos", videos, "-o", str(published / "m.jsonl"))
    given = (*arguments[:1], *whole, *arguments[1:]) if arguments else ()
    status, _, error = call(capsys, "manifest", *given)
    assert status == 2
    assert re.search(message, error), error
    assert not list(published.glob("m.jsonl*"))


def test_a_file_combines_sources_and_runs_as_it_is(
    published: Path, scenes: Path, write_config: Callable[..., Path], capsys: Capture
) -> None:
    combined = published / "all.yaml"
    combined.write_text(
        json.dumps(
            {
                "sources": [
                    {"source": "coin", "annotations": "coin", "videos": str(scenes / "videos")},
                    {
                        "source": "activitynet_captions",
                        "name": "captions",
                        "annotations": "captions",
                        "videos": [str(scenes / "videos")],
                        "options": {"reversed": "swap"},
                    },
                    {"source": "llava_video", "annotations": "llava", "videos": str(scenes)},
                ],
                "hold_out": ["bench.jsonl"],
                "identity": ["content"],
                "same_video": "first",
                "videos": 9,
                "durations": [{"end_s": 600, "share": 1}],
            }
        ),
        encoding="utf-8",
    )
    tested = SHOWN[0].name
    (published / "bench.jsonl").write_text(json.dumps({"video": f"{tested}.mp4"}) + "\n")
    out = published / "m.jsonl"
    status, text, error = call(capsys, "manifest", combined, "-o", out)
    assert (status, f"manifest: {out}" in text, f"{out}.rejects" in error) == (0, True, True)
    assert "held out     3 rows that would have been leaks" in text
    assert "all: 9, 2, 2, 7 SHORT" in text and "0-600 s: 9, 2, 2, 7 SHORT" in text
    status, text, _ = call(capsys, "manifest", combined, "-o", out, "--json")
    report = json.loads(text)
    assert (status, report["rows"], len(report["sources"])) == (0, 2, 3)
    # The files of one scene are one file, by whatever name the sources know it; one has no file.
    assert report["identities"] == {"known": len(SHOWN) + 1, "shared": len(SHOWN)}
    assert [row["video_id"] for row in lines_of(out)] == [f"coin/{s.name}" for s in SHOWN[1:]]
    by_reason = Counter(reject["reason"] for reject in lines_of(Path(f"{out}.rejects.jsonl")))
    assert by_reason == {"held_out": 3, "same_video": 4, "missing_file": 1}
    extends = published / "alone.yaml"
    extends.write_text(json.dumps({"nodes": {"ingest": {"stage": "ingest"}}}), encoding="utf-8")
    config = write_config("run", extends=extends, source={"path": str(out)})
    assert call(capsys, "run", "-c", config)[0] == 0


def test_one_source_holds_out_by_options_too(
    published: Path, scenes: Path, capsys: Capture
) -> None:
    listed = published / "ids.txt"
    listed.write_text(f"{SHOWN[0].name}\n", encoding="utf-8")
    out = published / "m.jsonl"
    given = ("--annotations", published / "coin", "--videos", scenes / "videos", "-o", out)
    more = ("--hold-out", listed, "--identity", "frames", "--identity", "content", "--json")
    status, text, _ = call(capsys, "manifest", "coin", *given, *more)
    report = json.loads(text)
    assert status == 0 and report["entries_rejected"] == {"held_out": 1, "missing_file": 1}
    assert report["leaks_prevented"]["by_source"] == [
        {"source": "coin", "list": "ids.txt", "rows": 1}
    ]
    assert all(row["identity"] == row["platform_id"] for row in lines_of(out))


def test_wrong_usage_of_a_combination_is_named(
    published: Path, scenes: Path, capsys: Capture
) -> None:
    combined, out = published / "all.yaml", published / "m.jsonl"
    item = {"source": "coin", "annotations": "coin", "videos": str(scenes)}
    for change, arguments, message in (
        ({"source": "coins"}, (), "there is no adapter 'coins'; did you mean 'coin'"),
        ({"annotations": "none"}, (), r"all\.yaml: sources\.0: --annotations: there is no folder"),
        ({"options": {"reversed": "x"}}, (), r"sources\.0: --option\.reversed: 'x' is not one of"),
        ({}, ("--limit", 3), "all but -o stands in"),
        ({}, ("--hold-out", combined), "all but -o stands in"),
        ({"videos": "none"}, (), "there is no folder"),
    ):
        combined.write_text(json.dumps({"sources": [item | change]}), encoding="utf-8")
        status, _, error = call(capsys, "manifest", combined, "-o", out, *arguments)
        assert status == 2 and re.search(message, error), error
    status, _, error = call(capsys, "manifest", published / "none.yml", "-o", out)
    assert status == 2 and "none.yml: cannot be read" in error
    assert not list(published.glob("m.jsonl*"))
