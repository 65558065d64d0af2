from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pipeline.records import Annotation, Candidate, Question, Reject, Response, Video
from pipeline.workflow.stage import Context
from stages import other_events


def asks(video_id: str, *texts: str) -> list[Annotation]:
    """Annotations of event grounding, one a text; their ids are video and text."""
    return [
        Annotation(
            video_id=video_id,
            annotation_id=f"{video_id} {text}",
            task="event_grounding",
            questions=[Question(qid="q0", text=text, asked_s=0)],
            responses=[Response.event("r0", "then", 2.0, 5.0)],
        )
        for text in texts
    ]


@pytest.fixture
def drawn(
    video: Callable[..., Video], video_rows: Callable[..., Any]
) -> Callable[..., dict[str, list[Candidate | Reject]]]:
    """``drawn({video: texts}, config, {video: fields})``: the rows of each video of a shard."""

    def known(name: str, fields: Mapping[str, Any]) -> Video:
        return video(video_id=name, uri=name, sha256="", **fields)

    def run(
        shard: Mapping[str, Sequence[str]],
        config: other_events.Config | None = None,
        fields: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> dict[str, list[Any]]:
        more = fields or {}
        rows = [
            video_rows(
                {Video: [known(name, more.get(name, {}))], Annotation: asks(name, *texts)}, name
            )
            for name, texts in shard.items()
        ]
        made: dict[str, list[Any]] = {name: [] for name in shard}
        for row in other_events.STAGE.run(rows, config or other_events.Config(), Context()):
            assert isinstance(row, (Candidate, Reject))
            made[row.video_id].append(row)
        return made

    return run


SHARD = {"a": ["a dog runs"], "b": ["a cat jumps", "a cup falls"], "c": ["a door opens"]}


def test_each_video_gets_an_event_of_another_and_one_of_its_own(drawn: Any) -> None:
    for name, rows in drawn(SHARD).items():
        other, own = rows
        assert (other.kind, own.kind) == ("other_event", "planted")
        assert own.caption in SHARD[name] and own.parent_id == f"{name} {own.caption}"
        (home,) = [video for video, texts in SHARD.items() if other.caption in texts]
        assert home != name and other.parent_id.startswith(home)
        assert (other.start_s, other.end_s, other.provenance) == (2.0, 5.0, None)
        assert other.event_id and other.event_id != own.event_id


def test_the_draw_follows_from_names_and_seed_alone(drawn: Any) -> None:
    backwards = drawn(dict(reversed(SHARD.items())))
    assert drawn(SHARD) == backwards
    captions = {
        tuple(rows[0].caption for rows in drawn(SHARD, other_events.Config(seed=n)).values())
        for n in range(8)
    }
    assert len(captions) > 1, "another seed draws others"


def test_a_video_that_is_alone_has_no_other_event(drawn: Any) -> None:
    (reject, own) = drawn({"a": ["a dog runs"]})["a"]
    assert reject.reason == "no_other_event" and own.kind == "planted"
    assert reject.reason in other_events.STAGE.absences


@pytest.mark.parametrize(
    "fields",
    [
        {"a": {"split": "test"}},
        {"a": {"identity": "x"}, "b": {"identity": "x"}},
        {"a": {"platform_id": "youtube:x"}, "b": {"platform_id": "youtube:x"}},
    ],
)
def test_nothing_comes_from_another_split_or_another_clip_of_the_video(
    drawn: Any, fields: Mapping[str, Any]
) -> None:
    rows = drawn({"a": ["a dog runs"], "b": ["a cat jumps"]}, None, fields)
    for name in ("a", "b"):
        assert [getattr(row, "reason", "planted") for row in rows[name]] == [
            "no_other_event",
            "planted",
        ]


def test_what_is_asked_of_the_video_itself_is_not_taken_from_another(drawn: Any) -> None:
    config = other_events.Config(events=5, planted=0)
    rows = drawn({"a": ["a dog runs"], "b": ["A dog runs.", "a cat jumps"]}, config)["a"]
    assert [row.caption for row in rows] == ["a cat jumps"]


def test_a_video_without_questions_is_asked_for_events_of_others(drawn: Any) -> None:
    (other,) = drawn({"a": [], "b": ["a cat jumps"]})["a"]
    assert other.kind == "other_event"
