from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.engines.base import (
    Ask,
    EmbeddedConfig,
    EngineError,
    Frame,
    Heard,
    Reply,
    Sampling,
    unheard,
)
from pipeline.engines.errors import ErrorName
from pipeline.execution import journaled_engine
from pipeline.execution.journal import read_journal, remove_journal
from pipeline.execution.journaled_engine import ContractError, JournaledEngine, ask_digest
from pipeline.records import Reject
from pipeline.store.location import Location
from pipeline.store.parts import write_part


@dataclass
class Answering:
    """An engine that keeps what it was asked, fails where it is told to, and may break down."""

    errors: Mapping[str, ErrorName] = field(default_factory=dict)
    breaks_before: str = ""
    version: str = "1"
    text: str = "said"
    asked: list[str] = field(default_factory=list)

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling, heard: Heard = unheard
    ) -> Sequence[Sequence[Reply]]:
        found = []
        for place, ask in enumerate(asks):
            if ask.request_id == self.breaks_before:
                raise EngineError("gone")
            self.asked.append(ask.request_id)
            error = self.errors.get(ask.request_id)
            text = None if error else self.text
            found.append([Reply(ask.request_id, text, error)] * sampling.samples)
            heard(place, found[-1])
        return found


Opening = Callable[[Answering], JournaledEngine]
ASKS = [Ask(name, f"What is {name}?", {"title": "T"}, (Frame(1.0, b"jpeg"),)) for name in "abc"]


@pytest.fixture
def part(tmp_path: Path) -> Location:
    return Location.of(tmp_path / "part-0.parquet")


@pytest.fixture
def seated(part: Location, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """``seated(engine)``: a seat on the one part whose engine that is."""

    def seat(engine: Answering) -> JournaledEngine:
        monkeypatch.setattr(journaled_engine, "open_engine", lambda config: engine)
        return JournaledEngine(EmbeddedConfig(), part)

    return seat


def test_a_resumed_shard_asks_the_rest_and_is_told_the_same(
    seated: Opening, part: Location
) -> None:
    whole = seated(Answering())
    expected = whole.generate(ASKS, Sampling(samples=2))
    remove_journal(part)

    with pytest.raises(EngineError):
        seated(Answering(breaks_before="c")).generate(ASKS, Sampling(samples=2))
    engine = Answering()
    seat = seated(engine)
    told: list[int] = []
    assert seat.generate(ASKS, Sampling(samples=2), lambda i, _: told.append(i)) == expected
    assert engine.asked == ["c"]
    assert sorted(told) == [0, 1, 2]
    assert seat.asks == whole.asks == 3
    assert [(r.request_id, r.sample, r.attempts) for r in seat.replies] == [
        (name, i, 1) for name in "abc" for i in range(2)
    ]


def test_what_failed_for_a_passing_cause_is_asked_again_and_counted(seated: Opening) -> None:
    failing: dict[str, ErrorName] = {"a": "timeout", "b": "truncated"}
    with pytest.raises(EngineError):
        seated(Answering(failing, breaks_before="c")).generate(ASKS, Sampling())
    engine = Answering()
    seat = seated(engine)
    replies = seat.generate(ASKS, Sampling())
    assert engine.asked == ["a", "c"]
    assert [samples[0].error for samples in replies] == [None, "truncated", None]
    assert [reply.attempts for reply in seat.replies] == [2, 1, 1]
    assert all(reply.first_at <= reply.last_at for reply in seat.replies)


def test_what_fails_whenever_it_is_asked_does_not_hold_a_shard_up_for_ever(
    seated: Opening,
) -> None:
    for _ in range(2):
        engine = Answering({"a": "timeout"}, breaks_before="b")
        with pytest.raises(EngineError):
            seated(engine).generate(ASKS, Sampling())
        assert engine.asked == ["a"]
    engine = Answering()
    seat = seated(engine)
    assert seat.generate(ASKS, Sampling())[0][0].error == "timeout"
    assert engine.asked == ["b", "c"]
    assert seat.replies[0].attempts == 2


def test_a_reply_keeps_the_version_of_the_engine_that_gave_it(seated: Opening) -> None:
    with pytest.raises(EngineError):
        seated(Answering(breaks_before="b", version="old")).generate(ASKS, Sampling())
    replies = seated(Answering(version="new")).generate(ASKS, Sampling())
    assert [samples[0].engine_version for samples in replies] == ["old", "new", "new"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request_id", "z"),
        ("text", "Where is a?"),
        ("answer_schema", {"title": "U"}),
        ("frames", ()),
        ("frames", (Frame(1.5, b"jpeg"),)),
        ("frames", (Frame(1.0, b"jpeh"),)),
        ("frames", (Frame(1.0, b"jpeg"), Frame(1.0, b""))),
        ("variables", {"n": 2}),
    ],
)
def test_another_ask_is_not_taken_for_the_same(name: str, value: object) -> None:
    changed: Ask = replace(ASKS[0], **{name: value})  # type: ignore[arg-type]
    assert ask_digest(changed, Sampling()) != ask_digest(ASKS[0], Sampling())
    assert ask_digest(replace(changed), Sampling()) == ask_digest(changed, Sampling())


@pytest.mark.parametrize("sampling", [Sampling(2), Sampling(temperature=0.1), Sampling(seed=1)])
def test_other_samples_are_not_taken_for_the_same(sampling: Sampling) -> None:
    assert ask_digest(ASKS[0], sampling) != ask_digest(ASKS[0], Sampling())


def test_an_engine_that_does_not_tell_is_found_out(
    seated: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Answering()
    seat = seated(engine)
    generate = engine.generate
    monkeypatch.setattr(engine, "generate", lambda asks, sampling, heard: generate(asks, sampling))
    with pytest.raises(ContractError, match="3 replies to 3 asks, and told of 0"):
        seat.generate(ASKS, Sampling())


def test_a_reply_that_is_not_quite_text_is_seen_as_it_is_kept(
    seated: Opening, part: Location
) -> None:
    seat = seated(Answering(text="a \ud83d"))
    assert seat.generate(ASKS[:1], Sampling())[0][0].text == "a \\ud83d"
    (entry,) = read_journal(part).values()
    assert entry.replies[0].text == "a \\ud83d"
    write_part(part, Reject, [], [], {}, seat.replies)
    (row,) = pq.read_table(Path(part.with_name("replies-0.parquet"))).to_pylist()
    assert row["text"] == "a \\ud83d"
