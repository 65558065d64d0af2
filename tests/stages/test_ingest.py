from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pipeline.records import Reject, Video
from pipeline.workflow.stage import Context
from stages import ingest

DURATIONS_S = {"a.mp4": 10.0, "short.mp4": 1.0, "long.mp4": 601.0}


@pytest.fixture
def ingested(scripted_media: Callable[..., Any]) -> Callable[..., list[Any]]:
    def run(*rows: Any, **settings: Any) -> list[Any]:
        context = Context(manifest=rows, media=scripted_media(DURATIONS_S))
        return list(ingest.STAGE.run((), ingest.Config(**settings), context))

    return run


def test_a_video_is_its_row_and_what_probing_found(ingested: Callable[..., list[Any]]) -> None:
    annotation = {"kind": "qa", "text": "Red.", "question": "Which colour?"}
    (video,) = ingested(
        {"video_id": "v", "uri": "a.mp4", "licence": "CC0", "annotations": [annotation]}
    )
    assert isinstance(video, Video)
    assert (video.duration_s, video.codec, video.licence) == (10.0, "h264", "CC0")
    assert video.annotations[0].text == "Red."


@pytest.mark.parametrize(
    ("row", "video_id", "reason", "detail"),
    [
        ("v", "row 0", "bad_manifest_row", "row:"),
        (None, "row 0", "bad_manifest_row", "row:"),
        ({}, "row 0", "bad_manifest_row", "video_id: Field required"),
        ({"uri": "a.mp4"}, "a.mp4", "bad_manifest_row", "video_id: Field required"),
        ({"video_id": 3, "uri": "a.mp4"}, "a.mp4", "bad_manifest_row", "video_id:"),
        ({"video_id": " ", "uri": "a.mp4"}, "a.mp4", "bad_manifest_row", "video_id: empty"),
        ({"video_id": "v"}, "v", "bad_manifest_row", "uri: Field required"),
        ({"video_id": "v", "uri": "a.mp4", "x": 1}, "v", "bad_manifest_row", "x: Extra"),
        ({"video_id": "\ud800", "uri": "a.mp4"}, "\\ud800", "bad_manifest_row", "video_id:"),
        (
            {"video_id": "v", "uri": "a.mp4", "annotations": [{"kind": "x", "text": ""}]},
            "v",
            "bad_manifest_row",
            "annotations.0.kind:",
        ),
        (
            {"video_id": "v", "uri": "a.mp4", "clip_start_s": 2, "clip_end_s": 2},
            "v",
            "bad_manifest_row",
            "clip_end_s:",
        ),
        ({"video_id": "v", "uri": "a.mp4", "split": "val-1"}, "v", "bad_manifest_row", "split:"),
        ({"video_id": "v", "uri": "a.mp4", "split": ""}, "v", "bad_manifest_row", "split:"),
        ({"video_id": "v", "uri": "http://x/a.mp4"}, "v", "unsafe_uri", "scheme 'http'"),
        ({"video_id": "v", "uri": "b.mp4"}, "v", "missing_file", "no such file"),
        ({"video_id": "v", "uri": "short.mp4"}, "v", "too_short", "1.00 s"),
        ({"video_id": "v", "uri": "long.mp4"}, "v", "too_long", "601.00 s"),
    ],
)
def test_every_other_row_is_refused(
    ingested: Callable[..., list[Any]],
    row: Mapping[str, Any],
    video_id: str,
    reason: str,
    detail: str,
) -> None:
    (reject,) = ingested(row)
    assert isinstance(reject, Reject)
    assert (reject.video_id, reject.reason) == (video_id, reason)
    assert detail in reject.detail
    assert reject.row
    reject.model_dump_json().encode()
    if isinstance(row, Mapping) and video_id != "\\ud800":
        known_from_the_row = reason in {"bad_manifest_row", "unsafe_uri"}
        assert bool(ingest.refusal(row, ingest.Config())) == known_from_the_row


def test_a_second_row_of_a_name_is_refused(ingested: Callable[..., list[Any]]) -> None:
    row = {"video_id": "v", "uri": "a.mp4"}
    first, second = ingested(row, {"video_id": "v", "duplicate_of": "row 1"})
    assert isinstance(first, Video)
    assert second.reason == "duplicate_id"


def test_a_scheme_can_be_allowed(ingested: Callable[..., list[Any]]) -> None:
    row = {"video_id": "v", "uri": "s3://x/a.mp4"}
    assert ingest.refusal(row, ingest.Config())
    assert not ingest.refusal(row, ingest.Config(schemes=("s3",)))
    (reject,) = ingested(row, schemes=["s3"])
    assert reject.reason == "missing_file"


def test_a_line_that_could_not_be_read_is_refused_by_its_place(
    ingested: Callable[..., list[Any]],
) -> None:
    (reject,) = ingested({"video_id": "row 7", "unreadable": "not JSON"})
    assert (reject.video_id, reject.reason) == ("row 7", "bad_manifest_row")
    assert reject.detail == "not JSON"


def test_a_stream_is_the_clips_of_its_row(ingested: Callable[..., list[Any]]) -> None:
    clips = [
        {"uri": "a.mp4", "clip_start_s": 2.5, "licence": "CC0"},
        {"uri": "short.mp4", "source": "theirs"},
    ]
    about = {"source": "ours", "licence": "mine", "identity": "day 1"}
    (video,) = ingested({"video_id": "v", "clips": clips, **about}, min_duration_s=2)
    assert isinstance(video, Video), video
    assert (video.uri, video.sha256, video.duration_s) == ("", "", 11.0)
    assert (video.source, video.licence, video.identity) == ("ours + theirs", "CC0 + mine", "day 1")
    assert [(c.video_id, c.uri, c.clip_start_s, c.duration_s) for c in video.clips] == [
        ("v", "a.mp4", 2.5, 10.0),
        ("v", "short.mp4", 0, 1.0),
    ]
    assert [(c.source, c.licence) for c in video.clips] == [("ours", "CC0"), ("theirs", "mine")]


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        ({"clips": []}, "bad_manifest_row", "uri: Field required"),
        ({"clips": [{}]}, "bad_manifest_row", "clips.0.uri: Field required"),
        ({"clips": [{"uri": "a.mp4", "x": 1}]}, "bad_manifest_row", "clips.0.x: Extra"),
        ({"uri": "a.mp4", "clips": [{"uri": "a.mp4"}]}, "bad_manifest_row", "clips: beside a uri"),
        ({"clip_end_s": 3, "clips": [{"uri": "a.mp4"}]}, "bad_manifest_row", "clips: beside a uri"),
        (
            {"clips": [{"uri": "a.mp4", "clip_start_s": 2, "clip_end_s": 1}]},
            "bad_manifest_row",
            "clips.0.clip_end_s: not after",
        ),
        ({"clips": [{"uri": "a.mp4"}, {"uri": "-x"}]}, "unsafe_uri", "clip 2: name begins"),
        (
            {"clips": [{"uri": "a.mp4"}, {"uri": "b.mp4"}]},
            "missing_file",
            "clip 2, b.mp4: no such file",
        ),
        ({"clips": [{"uri": "short.mp4"}]}, "too_short", "1.00 s"),
        ({"clips": [{"uri": "long.mp4"}, {"uri": "a.mp4"}]}, "too_long", "611.00 s"),
    ],
)
def test_a_bad_clip_refuses_its_stream(
    ingested: Callable[..., list[Any]], row: Mapping[str, Any], reason: str, detail: str
) -> None:
    (reject,) = ingested({"video_id": "v", **row})
    assert isinstance(reject, Reject)
    assert (reject.video_id, reject.reason) == ("v", reason)
    assert reject.detail.startswith(detail)
    known_from_the_row = reason in {"bad_manifest_row", "unsafe_uri"}
    assert bool(ingest.refusal({"video_id": "v", **row}, ingest.Config())) == known_from_the_row
