from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pipeline.engines.answer import answer_schema
from pipeline.records import Annotation, Change, Provenance
from pipeline.workflow.annotation_stage import Case, ask_of
from pipeline.workflow.prompt import load_prompts
from stages import polish


@pytest.fixture
def polished(
    provenance: Provenance, video_rows: Callable[..., Any], asking: Callable[..., Any]
) -> Callable[..., list[Any]]:
    """What becomes of a video with changes at these times when the editor says this."""

    def run(times: Sequence[float], said: Mapping[str, Any], **settings: Any) -> list[Any]:
        changes = [
            Change(
                video_id="v",
                index=i,
                time_s=t,
                changed=i % 5 > 0,
                text=f"change {i}" if i % 5 else "",
                provenance=provenance,
            )
            for i, t in enumerate(times)
        ]
        context, engine = asking("polish", lambda ask: said)
        made = list(
            polish.STAGE.run([video_rows({Change: changes})], polish.Config(**settings), context)
        )
        for ask in engine.asks:
            assert not ask.frames
            assert [x["sentence"] for x in ask.variables["lines"]] == [
                c.text for c in changes if c.changed
            ]
        return made

    return run


def lines(*times: float) -> dict[str, Any]:
    return {
        "seen": "It moves.",
        "negative": False,
        "lines": [{"time_s": t, "sentence": f"at {t}"} for t in times],
    }


TIMES = [0.0, 1.0, 2.0016, 3.0, 4.0]


def test_lines_become_instant_responses(polished: Callable[..., list[Any]]) -> None:
    (annotation,) = polished(TIMES, lines(4, 2.0))
    assert isinstance(annotation, Annotation)
    assert annotation.task == "narration"
    assert [(q.text, q.asked_s) for q in annotation.questions] == [("", 0.0)]
    assert [(r.kind, r.respond_s, r.text) for r in annotation.responses] == [
        ("instant", 2.0016, "at 2.0"),
        ("instant", 4.0, "at 4"),
    ]
    assert len(annotation.provenance) == 5
    assert annotation.checks[0].passed


def test_a_line_left_out_is_refused_by_itself(polished: Callable[..., list[Any]]) -> None:
    *rejects, annotation = polished(TIMES, lines(1, 2.0, 2.5, 4, 4))
    assert [(r.reason, r.detail) for r in rejects] == [
        ("too_close", "line at 2.00 s"),
        ("invented_time", "line at 2.50 s"),
        ("too_close", "line at 4.00 s"),
    ]
    assert [r.respond_s for r in annotation.responses] == [1.0, 4.0]
    assert [(c.name, c.passed, c.score) for c in annotation.checks] == [("known_times", False, 0.8)]


def test_a_line_can_only_stand_at_a_time_of_the_log(
    provenance: Provenance, video_rows: Callable[..., Any]
) -> None:
    changes = [
        Change(
            video_id="v", index=i, time_s=t, changed=t > 0, text="It moves.", provenance=provenance
        )
        for i, t in enumerate([0.0, 1.0, 2.0016, 2.0024])
    ]
    (case,) = polish.cases(video_rows({Change: changes}), polish.Config())
    assert isinstance(case, Case)
    assert case.choices == {"lines.time_s": [1.0, 2.0]}
    ask = ask_of(
        case,
        "id",
        load_prompts("polish")["polish"],
        answer_schema(polish.Narration),
        timed_frames=True,
    )
    line = ask.answer_schema["properties"]["lines"]["items"]
    assert line["properties"]["time_s"]["enum"] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("times", "said", "settings", "reason"),
    [
        (TIMES, {"seen": "It moves.", "negative": True, "lines": []}, {}, "negative"),
        (
            TIMES,
            {"seen": "It moves.", "negative": True, "lines": lines(1)["lines"]},
            {},
            "negative",
        ),
        (TIMES, lines(), {}, "too_few_lines"),
        (TIMES, lines(1), {"min_lines": 2}, "too_few_lines"),
        (TIMES, lines(1, 4), {"max_lines": 1}, "too_many_lines"),
        (TIMES, {"seen": "It moves.", "negative": False}, {}, "no_valid_answer"),
        ([0.0], lines(), {}, "nothing_changed"),
    ],
)
def test_a_video_may_be_refused(
    polished: Callable[..., list[Any]],
    times: list[float],
    said: Mapping[str, Any],
    settings: Mapping[str, Any],
    reason: str,
) -> None:
    (reject,) = polished(times, said, **settings)
    assert reject.reason == reason
