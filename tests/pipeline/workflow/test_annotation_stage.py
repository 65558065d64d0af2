from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import BaseModel

from pipeline.engines.answer import answer_schema
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.execution.ask_digest import ask_digest
from pipeline.records import THIS_CALL, FramedSegment, Provenance, Record, Reject
from pipeline.workflow.annotation_stage import AnnotationConfig, Answers, Case, annotation_stage
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.stage import Context, Stage, VideoRows


class Statement(Record):
    """What was answered about a segment."""

    video_id: str = ""
    text: str
    provenance: Provenance = THIS_CALL


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
            FramedSegment(
                video_id=self.video_id,
                index=i,
                start_s=i,
                end_s=i + 1,
                frame_s=i,
                turns_per_s=1,
                jpeg=b"jpeg",
            )
            for i in range(self.n)
        ]


Made = Iterator[Statement | Case[FramedSegment]]


def cases(rows: VideoRows, config: Config) -> Iterator[Case[FramedSegment] | Reject]:
    if not rows[FramedSegment]:
        yield Reject(reason="empty")
    for segment in rows[FramedSegment]:
        yield Case(segment, {"i": segment.index}, [segment])


def accept(case: Case[FramedSegment], answers: Answers[Word], config: Config) -> Made:
    yield Statement(text=answers[0].word)


def accept_and_ask(case: Case[FramedSegment], answers: Answers[Word], config: Config) -> Made:
    """Asks the even ones twice more, by what was answered before."""
    yield Statement(text=answers[0].word)
    if case.subject.index % 2 == 0 and len(answers[0].word) < 3:
        yield Case(case.subject, {"i": answers[0].word + "+"})
        yield Statement(text=f"{answers[0].word} done")


def unanswered(case: Case[FramedSegment], config: Config) -> Iterator[Statement]:
    yield Statement(text="")


def stage(**more: Any) -> Stage[Config]:
    return annotation_stage(
        name="say", version=1, reads=(FramedSegment,), writes=Statement, config=Config, answer=Word,
        variables={"i": 0}, **{"cases": cases, "accept": accept} | more,
    )  # fmt: skip


class RecordingEngine:
    kind, model, revision, version = "embedded", "m", "7", "9"
    timed_frames = True

    def __init__(self, reply: Callable[[Ask], Reply]) -> None:
        self.reply = reply
        self.calls: list[list[Ask]] = []

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """The last ask is answered first."""
        self.calls.append(list(asks))
        for i in reversed(range(len(asks))):
            yield i, [self.reply(asks[i])] * sampling.samples


PROMPT = "Segment {{ i }}?"


def run(
    reply: Callable[[Ask], Reply],
    *videos: Rows,
    config: Config | None = None,
    prompt: str = PROMPT,
    timed: bool = True,
    **more: Any,
) -> tuple[list[Any], RecordingEngine]:
    engine = RecordingEngine(reply)
    engine.timed_frames = timed
    context = Context(engine=engine, prompts={"p": Prompt("p", prompt)})
    return list(stage(**more).run(videos, config or Config(), context)), engine


def word(asked: Ask) -> Reply:
    return Reply(asked.request_id, f'{{"word": "{asked.variables["i"]}"}}', None, "", 3, 2)


def test_a_shard_is_asked_at_once_and_rows_keep_their_order() -> None:
    rows, engine = run(word, Rows("a", 2), Rows("none", 0), Rows("b", 1))
    assert [(r.video_id, getattr(r, "text", r.__class__.__name__)) for r in rows] == [
        ("a", "0"),
        ("a", "1"),
        ("none", "Reject"),
        ("b", "0"),
    ]
    (asks,) = engine.calls
    assert [a.text for a in asks] == ["Segment 0?", "Segment 1?", "Segment 0?"]
    assert len({a.request_id for a in asks}) == 3
    assert asks[0].answer_schema["title"] == "Word"


def test_an_answer_in_another_script_is_none() -> None:
    def drifting(asked: Ask) -> Reply:
        said = "一个" if asked.variables["i"] else "one"
        return Reply(asked.request_id, f'{{"word": "{said}"}}')

    rows, _ = run(drifting, Rows("a", 2))
    assert [getattr(row, "text", getattr(row, "reason", None)) for row in rows] == [
        "one",
        "wrong_language",
    ]
    assert "where 'en' was asked for" in rows[1].detail
    rows, _ = run(drifting, Rows("a", 2), config=Config(language="zh"))
    assert [getattr(row, "text", getattr(row, "reason", None)) for row in rows] == [
        "wrong_language",
        "一个",
    ]


def test_rows_name_the_call_they_come_from() -> None:
    (row,), engine = run(word, Rows("a", 1), config=Config(samples=2, seed=5, temperature=0.5))
    p = row.provenance
    assert (p.stage, p.prompt, p.model, p.revision, p.engine, p.engine_version) == (
        "say", "p", "m", "7", "embedded", "9",
    )  # fmt: skip
    assert (p.samples, p.seed, p.temperature, p.tokens_in, p.tokens_out) == (2, 5, 0.5, 6, 4)
    assert p.request_id == engine.calls[0][0].request_id


def test_what_an_answer_leads_to_is_asked_in_a_next_round_of_all_videos() -> None:
    rows, engine = run(word, Rows("a", 3), Rows("b", 1), accept=accept_and_ask)
    assert [[a.variables["i"] for a in asks] for asks in engine.calls] == [
        [0, 1, 2, 0],
        ["0+", "2+", "0+"],
        ["0++", "2++", "0++"],
    ]
    asks = [ask for call in engine.calls for ask in call]
    assert len({ask.request_id for ask in asks}) == len(asks)
    thread = ["{}", "{}+", "{}++", "{}+ done", "{} done"]
    expected = [("a", t.format(0)) for t in thread] + [("a", "1")]
    expected += [("a", t.format(2)) for t in thread] + [("b", t.format(0)) for t in thread]
    assert [(row.video_id, row.text) for row in rows] == expected
    calls = {row.text: row.provenance.request_id for row in rows if row.video_id == "a"}
    assert calls["0"] == calls["0 done"] != calls["0+"]


def test_a_prompt_may_name_the_times_of_its_frames_and_have_a_system_part() -> None:
    prompt = "Write {{ language }}.\n---\nSegment {{ i }} at {{ frame_times | join(', ') }}?"
    _, engine = run(word, Rows("a", 2), prompt=prompt, config=Config(language="de"), timed=False)
    (asks,) = engine.calls
    assert [ask.text for ask in asks] == ["Segment 0 at 0.0?", "Segment 1 at 1.0?"]
    assert {ask.system for ask in asks} == {"Write de."}
    assert asks[1].variables == {"i": 1, "frame_times": [1.0]}


def test_times_that_frames_are_shown_with_are_not_printed_again() -> None:
    prompt = "{{ i }}{% if frame_times %} at {{ frame_times | join(', ') }}{% endif %}"
    _, engine = run(word, Rows("a", 2), prompt=prompt)
    assert [ask.text for ask in engine.calls[0]] == ["0", "1"]


def choosing(rows: VideoRows, config: Config) -> Iterator[Case[None]]:
    for i, _ in enumerate(rows[FramedSegment]):
        yield Case(None, {"i": i}, choices={"word": [f"{i}", "unknown"]})


def accept_chosen(case: Case[None], answers: Answers[Word], config: Config) -> Made:
    yield Statement(text=answers[0].word)


def test_what_a_case_lets_choose_is_in_the_schema_of_its_ask_alone() -> None:
    rows, engine = run(word, Rows("a", 2), cases=choosing, accept=accept_chosen)
    fields = [ask.answer_schema["properties"]["word"] for ask in engine.calls[0]]
    assert [field["enum"] for field in fields] == [["0", "unknown"], ["1", "unknown"]]
    assert fields[0]["type"] == "string"
    assert "enum" not in answer_schema(Word)["properties"]["word"]
    first, second = engine.calls[0]
    assert ask_digest(first, Sampling()) != ask_digest(
        replace(first, answer_schema=second.answer_schema), Sampling()
    )
    assert [row.text for row in rows] == ["0", "1"]


def test_a_choice_for_a_field_that_the_answer_has_not_is_an_error() -> None:
    def misspelt(rows: VideoRows, config: Config) -> Iterator[Case[None]]:
        yield Case(None, {"i": 0}, choices={"wrod": ["a"]})

    with pytest.raises(ValueError, match="'Word' has no field 'wrod'"):
        run(word, Rows("a", 1), cases=misspelt, accept=accept_chosen)


def test_shared_frames_come_first() -> None:
    def shared(rows: VideoRows, config: Config) -> Iterator[Case[None]]:
        first, *rest = rows[FramedSegment]
        yield Case(None, {"i": 0}, rest[-1:], shared=[first])

    _, engine = run(word, Rows("a", 3), cases=shared)
    assert [frame.time_s for frame in engine.calls[0][0].frames] == [0, 2]


@pytest.mark.parametrize("text", ["", "no json", '{"word": 3}', '{"other": "x"}', None])
def test_a_case_without_an_answer_is_refused_alone(text: str | None) -> None:
    def reply(asked: Ask) -> Reply:
        if asked.variables["i"] != 0:
            return word(asked)
        if text is None:
            return Reply(asked.request_id, error="timeout", detail="after 3 s")
        return Reply(asked.request_id, text)

    (reject, row), engine = run(reply, Rows("a", 2))
    expected = "timeout" if text is None else "no_valid_answer"
    assert isinstance(reject, Reject) and reject.reason == expected
    assert reject.request_id == engine.calls[0][0].request_id
    assert ("timeout: after 3 s" if text is None else "unparsable") in reject.detail
    assert row.text == "1"
    (reject, beside, row), _ = run(reply, Rows("a", 2), unanswered=unanswered)
    assert isinstance(reject, Reject) and beside.text == ""


def test_a_reply_to_another_ask_is_never_taken() -> None:
    with pytest.raises(ValueError, match="came for ask"):
        run(lambda asked: Reply("another", '{"word": "x"}'), Rows("a", 1))


def test_nothing_to_ask_asks_nothing() -> None:
    rows, engine = run(word, Rows("a", 0))
    assert len(rows) == 1 and not engine.calls


def test_without_an_engine_it_is_an_error() -> None:
    with pytest.raises(TypeError, match="needs an engine"):
        list(stage().run([Rows("a", 1)], Config(), Context()))
