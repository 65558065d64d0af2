from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from pipeline.engines.base import Ask, Frame, Reply, Sampling
from pipeline.records import Provenance, Record, Reject, Segment
from pipeline.workflow.annotation_stage import AnnotationConfig, annotation_stage
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.stage import Context, Stage, VideoRows


class Said(Record):
    """What was answered about a segment."""

    video_id: str
    text: str
    provenance: Provenance


class Word(BaseModel):
    """The answer."""

    word: str


class Config(AnnotationConfig):
    """How it is asked."""

    prompt: str = "p"


@dataclass(frozen=True)
class Rows:
    video_id: str
    n: int

    def __getitem__(self, kind: type[Any]) -> Sequence[Any]:
        return [
            Segment(video_id=self.video_id, index=i, start_s=i, end_s=i + 1, frame_s=i)
            for i in range(self.n)
        ]


def cases(rows: VideoRows, config: Config) -> Iterator[Segment | Reject]:
    if not rows[Segment]:
        yield Reject(video_id=rows.video_id, reason="empty")
    yield from rows[Segment]


def ask(case: Segment, config: Config) -> tuple[Mapping[str, Any], Sequence[Frame]]:
    return {"i": case.index}, [Frame(case.frame_s, b"jpeg")]


def accept(
    case: Segment, answers: Sequence[Word], config: Config, provenance: Provenance
) -> Iterator[Said]:
    yield Said(video_id=case.video_id, text=answers[0].word, provenance=provenance)


def unanswered(case: Segment, config: Config, provenance: Provenance) -> Iterator[Said]:
    yield Said(video_id=case.video_id, text="", provenance=provenance)


def stage(**more: Any) -> Stage[Config]:
    return annotation_stage(
        name="say", version=1, reads=(Segment,), writes=Said, config=Config, answer=Word,
        cases=cases, ask=ask, accept=accept, **more,
    )  # fmt: skip


class JournaledEngine:
    kind, model, revision, version = "embedded", "m", "7", "9"

    def __init__(self, reply: Callable[[Ask], Reply]) -> None:
        self.reply = reply
        self.calls: list[list[Ask]] = []

    @property
    def engine(self) -> JournaledEngine:
        return self

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        self.calls.append(list(asks))
        for i, each in enumerate(asks):
            yield i, [self.reply(each)] * sampling.samples


def run(
    reply: Callable[[Ask], Reply], *videos: Rows, config: Config | None = None, **more: Any
) -> tuple[list[Any], JournaledEngine]:
    seat = JournaledEngine(reply)
    context = Context(seat=seat, prompts={"p": Prompt("p", "Segment {{ i }}?")})
    return list(stage(**more).run(videos, config or Config(), context)), seat


def word(asked: Ask) -> Reply:
    return Reply(asked.request_id, f'{{"word": "{asked.variables["i"]}"}}', None, "", 3, 2)


def test_a_shard_is_asked_at_once_and_rows_keep_their_order() -> None:
    rows, seat = run(word, Rows("a", 2), Rows("none", 0), Rows("b", 1))
    assert [(r.video_id, getattr(r, "text", r.__class__.__name__)) for r in rows] == [
        ("a", "0"),
        ("a", "1"),
        ("none", "Reject"),
        ("b", "0"),
    ]
    (asks,) = seat.calls
    assert [a.text for a in asks] == ["Segment 0?", "Segment 1?", "Segment 0?"]
    assert len({a.request_id for a in asks}) == 3
    assert asks[0].answer_schema["title"] == "Word"


def test_rows_say_who_wrote_them() -> None:
    (row,), seat = run(word, Rows("a", 1), config=Config(samples=2, seed=5, temperature=0.5))
    p = row.provenance
    assert (p.stage, p.prompt, p.model, p.revision, p.engine, p.engine_version) == (
        "say", "p", "m", "7", "embedded", "9",
    )  # fmt: skip
    assert (p.samples, p.seed, p.temperature, p.tokens_in, p.tokens_out) == (2, 5, 0.5, 6, 4)
    assert p.request_id == seat.calls[0][0].request_id


@pytest.mark.parametrize("text", ["", "no json", '{"word": 3}', '{"other": "x"}', None])
def test_a_case_without_an_answer_is_refused_alone(text: str | None) -> None:
    def reply(asked: Ask) -> Reply:
        if asked.variables["i"] != 0:
            return word(asked)
        if text is None:
            return Reply(asked.request_id, error="timeout", detail="after 3 s")
        return Reply(asked.request_id, text)

    (reject, row), _ = run(reply, Rows("a", 2))
    expected = "timeout" if text is None else "no_valid_answer"
    assert isinstance(reject, Reject) and reject.reason == expected
    assert ("timeout: after 3 s" if text is None else "unparsable") in reject.detail
    assert row.text == "1"
    (reject, beside, row), _ = run(reply, Rows("a", 2), unanswered=unanswered)
    assert isinstance(reject, Reject) and beside.text == ""


def test_a_reply_to_another_ask_is_never_taken() -> None:
    with pytest.raises(ValueError, match="came for ask"):
        run(lambda asked: Reply("someone else's", '{"word": "x"}'), Rows("a", 1))


def test_nothing_to_ask_asks_nothing() -> None:
    rows, seat = run(word, Rows("a", 0))
    assert len(rows) == 1 and not seat.calls


def test_without_an_engine_it_says_so() -> None:
    with pytest.raises(TypeError, match="needs an engine"):
        list(stage().run([Rows("a", 1)], Config(), Context()))
