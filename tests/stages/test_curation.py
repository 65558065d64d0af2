"""What people decided goes through the compiler: the laws hold for it, and it is undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.records import Annotation, Dialogue, Reject, Segment, Video
from pipeline.store.location import Location
from pipeline.workflow.curation import Curation, Decision, read_decisions
from pipeline.workflow.prompt import load_prompts
from pipeline.workflow.stage import Context
from stages._spans import stated
from stages.dialogue import STAGE, Config

PROMPTS = load_prompts("instructions")
WHO = {"who": "ann", "at": "2026-11-29T09:00:00+00:00"}
BY = "ann@2026-11-29T09:00:00+00:00"


def events(name: str, *spans: tuple[float, float], task: str = "event_caption") -> Annotation:
    whole = Annotation.instants(task, "What happens?", [(0, "x")], video_id="v", annotation_id=name)
    responses = [
        whole.responses[0].event(f"r{i}", f"It is {i}.", *span) for i, span in enumerate(spans)
    ]
    return whole.model_copy(update={"responses": responses})


@pytest.fixture
def make(video_rows: Callable[..., Any]) -> Callable[..., tuple[list[Dialogue], list[Reject]]]:
    def made(
        *annotations: Annotation, decisions: Any = (), **settings: Any
    ) -> tuple[list[Dialogue], list[Reject]]:
        segments = [
            Segment(video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1)
            for i in range(10)
        ]
        video = Video(
            video_id="v", uri="v.mp4", duration_s=10, width=64, height=48, rotation_deg=0,
            codec="h264", frame_rate=25, sha256="0", source="s", licence="CC0", split="train",
        )  # fmt: skip
        rows = video_rows({Annotation: annotations, Segment: segments, Video: [video]})
        config = Config.model_validate({"decisions": decisions, **settings})
        found = list(STAGE.run([rows], config, Context(prompts=PROMPTS)))
        return (
            [row for row in found if isinstance(row, Dialogue)],
            [row for row in found if isinstance(row, Reject)],
        )

    return made


def decide(sample: Dialogue, decision: str, **fields: Any) -> dict[str, Any]:
    return {"sample_id": sample.sample_id, "decision": decision, **fields, **WHO}


def test_a_changed_span_is_said_when_it_is_over(make: Any) -> None:
    one = events("a", (1, 3), (5, 6))
    (before,), _ = make(one)
    change = decide(before, "change", rid="r0", end_s=7.5, text="It is longer.")
    (after,), refused = make(one, decisions=[change])
    assert not refused and after.sample_id == before.sample_id
    said = {r.rid: r for r in after.responses}
    assert (said["r0"].text, said["r0"].end_s, said["r0"].turn) == ("It is longer.", 7.5, 8)
    assert said["r0"].evidence[0].end_s == 7.5, "nothing is early"
    assert said["r1"] == next(r for r in before.responses if r.rid == "r1")
    assert [(c.name, c.rid, c.model) for c in after.checks] == [("human", "r0", BY)]
    assert after.provenance == before.provenance and after.models == before.models
    assert make(one, decisions=[])[0] == [before]
    taken_back = [change, decide(before, "none", rid="r0")]
    assert make(one, decisions=taken_back)[0] == [before], "the last about a response holds"


def test_a_change_that_no_dialogue_can_hold_is_refused_by_name(make: Any) -> None:
    one = events("a", (1, 3), (5, 6))
    (before,), _ = make(one)
    (after,), (refused,) = make(one, decisions=[decide(before, "change", rid="r0", end_s=0.5)])
    assert [r.rid for r in after.responses] == ["r1"] and not after.checks
    assert refused.reason in {reason.name for reason in STAGE.reasons} and "r0" in refused.detail


def test_rejects_are_a_policy_with_who_and_why(make: Any) -> None:
    one, other = events("a", (1, 3)), events("b", (2, 4), (6, 7))
    (first, second), _ = make(one, other)
    decisions = [
        decide(first, "reject", note="nothing happens"),
        decide(second, "reject", rid="r1"),
        decide(second, "accept"),
    ]
    (kept,), (refused,) = make(one, other, decisions=decisions)
    assert kept.sample_id == second.sample_id and [r.rid for r in kept.responses] == ["r0"]
    assert [(c.name, c.rid, c.passed) for c in kept.checks] == [("human", "", True)]
    assert (refused.reason, refused.detail) == ("rejected_by_person", f"{BY}: nothing happens")
    assert first.sample_id in refused.row and refused.video_id == "v"
    (reason,) = (each for each in STAGE.reasons if each.name == refused.reason)
    assert reason.policy
    nothing = [decide(second, "reject", rid=rid) for rid in ("r0", "r1")]
    assert [d.sample_id for d in make(one, other, decisions=nothing)[0]] == [first.sample_id]


def test_mixed_dialogues_and_windows_are_decided_of_by_themselves(make: Any) -> None:
    one, other = events("a", (1, 3)), events("b", (2, 4), (6, 7), task="action_caption")
    made, _ = make(one, other, mixed="also")
    mixed = next(d for d in made if len(d.annotation_ids) == 2)
    change = decide(mixed, "change", rid="b/r1", start_s=7, end_s=9)
    after, _ = make(one, other, mixed="also", decisions=[change])
    assert [d.sample_id for d in after] == [d.sample_id for d in made]
    assert [a == b for a, b in zip(after, made, strict=True)] == [d != mixed for d in made]
    (changed,) = (r for d in after for r in d.responses if r.rid == "b/r1")
    assert (changed.start_s, changed.end_s, changed.turn) == (7, 9, 9)


def test_a_stated_span_follows_and_what_a_verifier_said_of_it_goes(make: Any) -> None:
    span = Annotation.instants("tsqa", "Where?", [(2, "left")], video_id="v", annotation_id="c")
    confirmed = span.responses[0].model_copy(
        update={"earliest_answerable_s": 1.0, "confirmed_s": [1.0, 2.0], "still_until_s": 6.0}
    )
    span = span.model_copy(update={"responses": [confirmed]})
    grounding = events("a", (1, 3), task="event_grounding")
    own = grounding.responses[0].model_copy(update={"text": stated(1, 3)})
    grounding = grounding.model_copy(update={"responses": [own]})
    policy = {"due": {"tsqa": {"by": "earliest_reliable"}}}
    made, _ = make(span, grounding, **policy)
    assert made[0].responses[0].turn == 1, "confirmed"
    changes = [
        decide(made[0], "change", rid="r0", start_s=4),
        decide(made[1], "change", rid="r0", end_s=5),
    ]
    (tsqa, when), _ = make(span, grounding, decisions=changes, **policy)
    assert (tsqa.responses[0].turn, tsqa.responses[0].confirmed_s) == (4, [])
    assert when.responses[0].text == stated(1, 5)


def test_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    place = Location.of(file)
    assert read_decisions(place) == () and Curation(decisions=str(file)).decisions == ()
    lines = [
        '{"sample_id": "b", "decision": "accept"}',
        '{"sample_id": "a", "decision": "reject", "who": "x"}',
        '{"sample_id": "b", "decision": "none"}',
        '{"sample_id": "a", "decision": "acc',
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert Curation(decisions=str(file)).decisions == (
        Decision(sample_id="a", decision="reject", who="x"),
    )
    unusual = Decision(sample_id="c", rid="r0", decision="change", text="one\u2028two\x85three")
    file.write_text(json.dumps(unusual.model_dump(), ensure_ascii=False), encoding="utf-8")
    assert read_decisions(place) == (unusual,), "these end no line of JSON"
    for line, said in (
        ('{"sample_id": "a", "decision": "maybe"}', "line 1: decision"),
        ('{"sample_id": "a", "decision": "change"}', "rid"),
        ("[]", "line 1"),
    ):
        file.write_text(line + "\n", encoding="utf-8")
        with pytest.raises(ValidationError, match=said):
            Curation(decisions=str(file))
