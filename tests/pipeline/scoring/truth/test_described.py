"""Spans of a run against human ones, counted by hand over parts that hold them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.records import (
    Annotation,
    GroundedEvent,
    Provenance,
    Question,
    Record,
    Response,
    SourceAnnotation,
    Video,
)
from pipeline.records.spans import TimeSpan
from pipeline.scoring.truth.described import score_human
from pipeline.scoring.truth.described_report import FoundScore, GroundedScore, HumanReport
from pipeline.store.location import Location
from pipeline.store.parts import write_part
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.plan import NodePlan, make_plan
from pipeline.workflow.source import read_source

DEMO = Path(__file__).resolve().parents[4] / "configs" / "demo.yaml"
CALL = Provenance(
    stage="s", prompt="p", prompt_sha="", model="m", revision="1", engine="embedded",
    engine_version="1", temperature=0, max_tokens=1, seed=0, samples=1, tokens_in=0, tokens_out=0,
    request_id="q",
)  # fmt: skip


def video(video_id: str, *spans: TimeSpan, source: str = "a", **entry: Any) -> Video:
    known = {"kind": "event", "text": "It happens.", "origin": "human"}
    return Video(
        video_id=video_id, uri=f"{video_id}.mp4", source=source, duration_s=60, width=1, height=1,
        rotation_deg=0, codec="h264", frame_rate=25, sha256="0",
        annotations=[
            SourceAnnotation.model_validate({**known, "start_s": a, "end_s": b, **entry})
            for a, b in spans
        ],
    )  # fmt: skip


def found(video_id: str, task: str, *spans: TimeSpan, **fields: Any) -> Annotation:
    return Annotation.model_validate(
        {
            "video_id": video_id,
            "annotation_id": f"{video_id}-{task}",
            "task": task,
            "questions": [Question(qid="q", text="", asked_s=0)],
            "responses": [
                Response(
                    rid=str(n), qid="q", kind="event", text="", start_s=a, end_s=b, respond_s=b
                )
                for n, (a, b) in enumerate(spans)
            ],
            "provenance": [CALL],
            **fields,
        }
    )


def grounded(
    video_id: str,
    span: TimeSpan,
    located: TimeSpan | None,
    caption: str = "It.",
    origin: str = "human",
) -> GroundedEvent:
    return GroundedEvent.model_validate(
        {
            "video_id": video_id,
            "event_id": f"{video_id}-{span}",
            "family": "event",
            "caption": caption,
            "start_s": span[0],
            "end_s": span[1],
            "provenance": None if origin else CALL,
            "origin": origin,
            "grounded_start_s": located and located[0],
            "grounded_end_s": located and located[1],
            "grounding": CALL,
        }
    )


@pytest.fixture
def scored(tmp_path: Path) -> Callable[..., HumanReport]:
    """The report on a run of the demo, one video a shard, with these rows in its parts.

    ``annotations`` stand in the part of the node ``query``, ``located`` in that of
    ``ground_source_events``.
    """

    def run(
        videos: Sequence[Video],
        annotations: Sequence[Annotation] = (),
        located: Sequence[GroundedEvent] = (),
        left_out: Sequence[tuple[str, int]] = (),
    ) -> HumanReport:
        manifest = tmp_path / "manifest.jsonl"
        rows = [json.dumps({"video_id": v.video_id, "uri": v.uri}) for v in videos]
        manifest.write_text("\n".join(rows), encoding="utf-8")
        source = json.dumps({"kind": "manifest", "path": str(manifest)})
        config = load_config(DEMO, [f"source={source}"])
        root = Location.of(tmp_path / "r")
        plans = make_plan(build_graph(config), read_source(config.source), 1, root)
        written: dict[str, Sequence[Record]] = {
            "ingest": videos,
            "query": annotations,
            "event_caption": (),
            "ground_source_events": located,
        }
        made = []
        for plan in plans:
            name = plan.node.name
            parts = {
                task.shard: write_shard(plan, task.shard, videos, written[name])
                for task in (plan.tasks if name in written else ())
                if (name, task.shard) not in left_out
            }
            made.append(replace(plan, parts=parts))
        return score_human(made)

    def write_shard(
        plan: NodePlan, shard: int, videos: Sequence[Video], rows: Sequence[Record]
    ) -> Location:
        own = [row for row in rows if getattr(row, "video_id", "") == videos[shard].video_id]
        slot = plan.listing.folder / f"part-{shard:05d}-0"
        return write_part(slot, plan.node.stage.writes, own, [], {})

    return run


def of(report: HumanReport, task: str, source: str | None = None) -> FoundScore:
    (score,) = (s for s in report.found if (s.task, s.source) == (task, source))
    return score


def test_found_spans_by_hand(scored: Callable[..., HumanReport]) -> None:
    report = scored(
        [video("v", (0, 10), (20, 30), (40, 50)), video("w", (0, 10)), video("x")],
        [
            found("v", "event_caption", (1, 10), (24, 30)),
            found("v", "event_grounding", (1, 10), (0, 60)),
            found("w", "event_caption"),
            found("x", "event_caption", (0, 10)),
        ],
    )
    assert (report.videos, report.videos_annotated, report.videos_open) == (3, 2, 0)
    assert (report.spans, report.spans_impossible) == (4, 0)
    caption = of(report, "event_caption")
    # of the human spans 0.9, 0.6, 0 and, in the second video, 0; the third video has none
    assert caption.recall.whole == 4
    assert caption.recall.mean == pytest.approx(1.5 / 4)
    assert (caption.recall.at_0_3, caption.recall.at_0_5, caption.recall.at_0_7) == (0.5, 0.5, 0.25)
    assert (caption.precision.whole, caption.precision.mean) == pytest.approx((2, 0.75))
    assert (caption.precision.at_0_5, caption.precision.at_0_7) == (1, 0.5)
    assert (caption.starts.times, caption.starts.mean_s, caption.starts.median_s) == (2, 2.5, 2.5)
    assert (caption.starts.p10_s, caption.starts.p90_s) == pytest.approx((1.3, 3.7))
    assert caption.ends.mean_s == 0
    assert of(report, "event_grounding").recall.mean == pytest.approx((0.9 + 2 / 6) / 4)
    # both tasks have (1, 10): together it counts once
    assert of(report, "any").precision.whole == 3
    silent = of(report, "action_caption")
    assert (silent.recall.whole, silent.recall.mean, silent.starts.mean_s) == (0, None, None)
    text = report.to_text()
    assert text.startswith("human spans: 4 in 2 of 3 videos\n")
    assert "\nevent_caption        4  0.375  50.0%  50.0%  25.0%          2  0.750" in text


@pytest.mark.parametrize(
    "fields",
    [
        {"provenance": [], "origins": ["human"]},
        {"provenance": [], "origins": []},
        {"origins": ["human"]},
        {"task": "offline_qa"},
    ],
)
def test_source_annotations_are_not_found_by_models(
    scored: Callable[..., HumanReport], fields: dict[str, Any]
) -> None:
    copied = found("v", "event_grounding", (0, 10)).model_copy(update=fields)
    report = scored([video("v", (0, 10))], [copied])
    assert {score.precision.whole for score in report.found} == {0}
    assert scored([video("v", (0, 10))], [found("v", "event_grounding", (0, 10))]) != report


def test_impossible_human_spans(scored: Callable[..., HumanReport]) -> None:
    videos = [
        video("past", (50, 61.5)),
        video("clipped", (50, 60.5), (50, 60)),
        video("empty", (5, 5)),
        video("open", (5, 6), end_s=None),
        video("whole", (5, 6), start_s=None, end_s=None),
        video("model", (5, 6), origin="model"),
        video("asked", (5, 6), kind="qa"),
        video("step", (5, 6), kind="step"),
    ]
    report = scored(videos)
    assert (report.spans, report.videos_annotated, report.spans_impossible) == (2, 2, 3)
    assert "3 more are impossible" in report.to_text()


def test_located_captions_by_hand(scored: Callable[..., HumanReport]) -> None:
    rows = [
        grounded("v", (0, 10), (0, 8), "a"),
        grounded("v", (20, 30), None, "b"),
        grounded("v", (40, 50), (52, 60), "c"),
        # one caption of two spans, always located at the second
        grounded("w", (0, 10), (21, 30), "d"),
        grounded("w", (20, 30), (21, 30), "d"),
        grounded("w", (0, 10), (0, 60), "e", origin=""),
    ]
    report = scored([video("v", (0, 10)), video("w", (0, 10), source="b")], (), rows)
    whole, of_a, of_b = report.grounded
    assert [(s.node, s.source) for s in report.grounded] == [
        ("ground_source_events", None),
        ("ground_source_events", "a"),
        ("ground_source_events", "b"),
    ]
    assert (whole.captions.whole, whole.starts.times) == (4, 3), "a model found the fifth"
    assert whole.captions.mean == pytest.approx((0.8 + 0 + 0 + 0.9) / 4)
    assert (whole.captions.at_0_3, whole.captions.at_0_7) == (0.5, 0.5)
    assert (of_a.captions.whole, of_a.captions.mean) == pytest.approx((3, 0.8 / 3))
    assert (of_a.starts.mean_s, of_a.ends.mean_s) == (6, 4)
    assert isinstance(of_b, GroundedScore)
    figures = (of_b.captions.mean, of_b.starts.median_s, of_b.ends.p90_s)
    assert figures == pytest.approx((0.9, 1, 0))
    assert "ground_source_events [b]" in report.to_text()


def test_shards_that_are_not_finished_are_left_out(scored: Callable[..., HumanReport]) -> None:
    videos = [video(name, (0, 10)) for name in ("v", "w", "x")]
    annotations = [found(v.video_id, "event_caption", (0, 10)) for v in videos]
    report = scored(videos, annotations, left_out=[("event_caption", 1), ("ingest", 2)])
    assert (report.videos, report.videos_open, report.spans) == (2, 1, 2)
    assert of(report, "event_caption").recall.whole == 1
    assert "1 of these videos not finished" in report.to_text()


def test_sources_are_separate_where_there_are_several(scored: Callable[..., HumanReport]) -> None:
    videos = [video("v", (0, 10)), video("w", (0, 10), source="")]
    report = scored(videos, [found("v", "event_caption", (0, 10))])
    shares = [of(report, "event_caption", source).recall.at_0_7 for source in (None, "a", "")]
    assert shares == [0.5, 1, 0]
    assert "event_caption [no source]" in report.to_text()
    alone = scored(videos[:1], [found("v", "event_caption", (0, 10))])
    assert {score.source for score in alone.found} == {None}
