"""Nodes asked about known videos by engines that are right, late, blind or disobedient."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from pipeline.engines.answer import REPAIRED
from pipeline.engines.base import Ask, EmbeddedConfig, Engine, Reply, Sampling
from pipeline.engines.embedded.engine import EmbeddedEngine
from pipeline.engines.errors import ErrorName
from pipeline.media.scenes.truth import Truth
from pipeline.reports.doctor.findings import NodeReport, Thresholds, judge
from pipeline.reports.doctor.probe import probe_node
from pipeline.reports.doctor.scene_inputs import QUESTIONS, KnownVideo
from pipeline.workflow.graph import Node

TIMED = (*("caption", "change_points", "ground", "ground_negatives"),)
ASKING = (
    *TIMED,
    *("change_questions", "verify"),
    *("narrate", "polish", "rewrite", "query", "near_miss"),
)


@dataclass
class LateEngine:
    """Knows the truth of the scenes, and answers with all times this much later."""

    truths: Sequence[Truth]
    late_s: float
    version: str = "1"

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        for i, ask in enumerate(asks):
            yield i, [Reply(ask.request_id, json.dumps(self._answer(ask)))] * sampling.samples

    def _answer(self, ask: Ask) -> Any:
        given = ask.variables
        truth = next(t for t in self.truths if round(t.duration_s, 2) == given["duration_s"])
        match ask.answer_schema["title"]:
            case "SpanSeen":
                (event,) = [e for e in truth.events if e.caption == given["caption"]]
                start_s, end_s = event.start_s + self.late_s, event.end_s + self.late_s
                return {"seen": "It.", "found": True, "start_s": start_s, "end_s": end_s}
            case "Events":
                return {"events": [self._event(e, truth) for e in truth.events
                                   if e.family == given["focus"]]}  # fmt: skip
            case "ChangePoints":
                return {"points": [point for track in truth.tracks if track.aspect in QUESTIONS
                                   for point in self._points(track, ask)]}  # fmt: skip
        raise AssertionError(ask)

    def _event(self, event: Any, truth: Truth) -> Any:
        start_s = min(truth.duration_s - 0.1, event.start_s + self.late_s)
        end_s = min(truth.duration_s, event.end_s + self.late_s)
        return {"start_s": start_s, "end_s": end_s, "caption": f"Words of {event.start_s}"}

    def _points(self, track: Any, ask: Ask) -> Iterator[Any]:
        last_s = ask.frames[-1].time_s
        for i, (before, after) in enumerate(pairwise(track.values)):
            time_s = after.time_s + self.late_s
            held = {"before": f"{before.value} {i}", "after": f"{after.value} {i + 1}"}
            if time_s < last_s:
                named = {"aspect": track.aspect, "subject": track.subject, "seen": "It changes."}
                yield {**named, **held, "time_s": time_s}


@dataclass
class SameReply:
    """Answers every ask alike."""

    text: str | None
    error: ErrorName | None = None
    detail: str = ""
    version: str = "1"

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        for i, ask in enumerate(asks):
            reply = Reply(ask.request_id, self.text, self.error, self.detail)
            yield i, [reply] * sampling.samples


@pytest.fixture(scope="module")
def embedded() -> EmbeddedEngine:
    """It remembers the frames that it has seen."""
    return EmbeddedEngine()


def probed(node: Node, engine: Engine, videos: Sequence[KnownVideo]) -> NodeReport:
    return probe_node(node, EmbeddedConfig(revision="1"), engine, videos)


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(("late_s", "level"), [(0, "ok"), (2, "warning"), (4, "failure")])
def test_a_late_engine_is_found_late(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo], name: str, late_s: float, level: str
) -> None:
    engine = LateEngine([video.truth for video in videos], late_s)
    report = probed(nodes[name], engine, videos)
    means = report.means()
    assert means["start_bias_s"] == pytest.approx(late_s, abs=0.1)
    if name != "change_points":
        # A stage clips what leaves the video by less than a second.
        assert means["end_bias_s"] == pytest.approx(late_s, abs=0.1 if late_s < 3 else 0.5)
    assert report.obeyed == report.replies > 0
    assert report.timing is not None and report.timing.found >= 0.7 * report.timing.whole >= 2
    finding = judge(report, Thresholds())
    assert finding.level == level, finding
    assert f"starts {means['start_bias_s']:+.2f} s from the truth (1 s, 3 s)" in finding.text
    assert bool(finding.fix) == (level != "ok")
    assert judge(report, Thresholds(bias_warning_s=9, bias_failure_s=9)).level == "ok"


@pytest.mark.parametrize("name", ASKING)
def test_the_embedded_engine_passes(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo], embedded: EmbeddedEngine, name: str
) -> None:
    report = probed(nodes[name], embedded, videos)
    assert report.obeyed == report.replies == report.asks > 0
    assert judge(report, Thresholds()).level == "ok"
    measured = name in TIMED or name in ("narrate", "verify")
    assert (report.timing is not None) == measured
    assert (report.means()["error_s"] is not None) == (name in TIMED)
    assert report.turn_s == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("engine", "error"),
    [
        (SameReply('{"what": "ever"}'), "unparsable"),
        (SameReply("I think so."), "unparsable"),
        (SameReply(None, "truncated"), "truncated"),
        (SameReply('{"seen": "It.", "found": false}', detail=REPAIRED), REPAIRED),
    ],
)
def test_disobedience_is_counted_by_name(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo], engine: SameReply, error: str
) -> None:
    report = probed(nodes["ground"], engine, videos)
    assert (report.obeyed, dict(report.errors)) == (0, {error: report.replies})
    finding = judge(report, Thresholds())
    assert finding.level == "failure"
    assert "0.0 % of" in finding.text and error in finding.text and "guided" in finding.fix


def test_a_blind_engine_finds_nothing(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo]
) -> None:
    report = probed(nodes["ground"], SameReply('{"seen": "It.", "found": false}'), videos)
    assert report.timing is not None and report.timing.found == 0 < report.timing.whole
    assert report.means() == {"start_bias_s": None, "end_bias_s": None, "error_s": None}
    assert judge(report, Thresholds()).level == "warning"
    assert judge(report, Thresholds(found_warning=0)).level == "ok"


def test_what_a_verifier_says_of_true_answers_is_right_or_wrong(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo]
) -> None:
    report = probed(nodes["verify"], SameReply('{"seen": "It moves.", "value": "moving"}'), videos)
    assert report.timing is not None
    assert 0 < report.timing.found < report.timing.whole == report.asks


def test_the_stage_says_why_it_refused(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo]
) -> None:
    backwards = SameReply('{"seen": "It.", "found": true, "start_s": 9, "end_s": 3}')
    assert dict(probed(nodes["ground"], backwards, videos).refused) == {"bad_span": 8}


def test_shares_and_means_have_their_limits() -> None:
    thresholds = Thresholds()
    assert [thresholds.obeyed(s) for s in (0.96, 0.95, 0.94, 0.8, 0.79)] == [
        "ok", "ok", "warning", "warning", "failure",
    ]  # fmt: skip
    assert [thresholds.bias(s) for s in (1.0, -1.1, 3.0, -3.1)] == [
        "ok",
        "warning",
        "warning",
        "failure",
    ]
    assert [thresholds.found(s) for s in (0.5, 0.49)] == ["ok", "warning"]
