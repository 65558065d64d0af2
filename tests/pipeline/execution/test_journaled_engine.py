from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.engines.base import Ask, EmbeddedConfig, EngineError, Frame, Reply, Sampling
from pipeline.engines.configured import ContractError
from pipeline.engines.errors import ErrorName
from pipeline.execution import journaled_engine
from pipeline.execution.ask_digest import ask_digest
from pipeline.execution.busy_clock import BusyClock
from pipeline.execution.journal import Entry, Journal, journal_path, read_journal
from pipeline.execution.journaled_engine import JournaledEngine
from pipeline.records import Reject
from pipeline.store.location import Location
from pipeline.store.part_names import replies_path
from pipeline.store.parts import write_part
from tests.pipeline.engines.contract import replies_to


@dataclass
class Answering:
    """An engine that keeps what it was asked, fails where a test wants it, and may break down."""

    errors: Mapping[str, ErrorName] = field(default_factory=dict)
    breaks_before: str = ""
    version: str = "1"
    text: str = "said"
    asked: list[str] = field(default_factory=list)

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        for i, ask in enumerate(asks):
            if ask.request_id == self.breaks_before:
                raise EngineError("gone")
            self.asked.append(ask.request_id)
            error = self.errors.get(ask.request_id)
            text = None if error else self.text
            yield i, [Reply(ask.request_id, text, error)] * sampling.samples


Opening = Callable[[Answering], JournaledEngine]
ASKS = [Ask(name, f"What is {name}?", {"title": "T"}, (Frame(1.0, b"jpeg"),)) for name in "abc"]


@pytest.fixture
def slot(tmp_path: Path) -> Location:
    return Location.of(tmp_path / "part-00000-0")


@pytest.fixture
def journaled(slot: Location, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """``journaled(engine)``: that engine, with the journal of the one slot."""

    def opened(engine: Answering) -> JournaledEngine:
        monkeypatch.setattr(journaled_engine, "open_engine", lambda config: engine)
        return JournaledEngine(EmbeddedConfig(), slot)

    return opened


def test_an_engine_is_busy_while_it_has_asks(
    slot: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    busy = BusyClock(lambda: now_s)
    monkeypatch.setattr(journaled_engine, "open_engine", lambda config: Answering())
    engine = JournaledEngine(EmbeddedConfig(), slot, None, busy)
    now_s = 1.0
    for _ in engine.generate(ASKS, Sampling()):
        now_s += 1.0
    now_s += 2.0
    assert busy.share() == 3 / 6
    for _ in engine.generate(ASKS, Sampling()):
        now_s += 1.0
    assert busy.share() == 3 / 9, "replies of before cost it nothing"


def test_a_resumed_shard_asks_the_rest_and_has_the_same_replies(
    journaled: Opening, slot: Location
) -> None:
    sampling = Sampling(samples=2)
    whole = journaled(Answering())
    expected = replies_to(whole, ASKS, sampling)
    journal_path(slot).remove_tree()

    yielded: list[int] = []
    with pytest.raises(EngineError):
        for i, _ in journaled(Answering(breaks_before="c")).generate(ASKS, sampling):
            yielded.append(i)
    assert yielded == [0, 1]
    engine = Answering()
    resumed = journaled(engine)
    assert replies_to(resumed, ASKS, sampling) == expected
    assert engine.asked == ["c"]
    assert resumed.asks == whole.asks == 3
    assert [(r.request_id, r.sample, r.attempts) for r in resumed.replies] == [
        (name, i, 1) for name in "abc" for i in range(2)
    ]


def test_the_same_ask_under_another_id_has_its_replies(journaled: Opening) -> None:
    replies_to(journaled(Answering()), ASKS)
    engine = Answering()
    renumbered = [replace(ask, request_id=f"{ask.request_id}2") for ask in ASKS]
    found = replies_to(journaled(engine), renumbered)
    assert not engine.asked
    assert [reply.request_id for (reply,) in found] == ["a2", "b2", "c2"]


def test_what_is_the_same_is_asked_once(journaled: Opening) -> None:
    engine = Answering()
    opened = journaled(engine)
    twice = [*ASKS, replace(ASKS[1], request_id="b2", video_id="another")]
    assert [reply.request_id for (reply,) in replies_to(opened, twice)] == ["a", "b", "c", "b2"]
    assert engine.asked == list("abc")
    assert opened.asks == 4 and [reply.video_id for reply in opened.replies][-1] == "another"


def test_an_ask_is_journaled_before_it_is_yielded_and_before_another_is_asked(
    journaled: Opening, slot: Location
) -> None:
    engine = Answering()
    replies = journaled(engine).generate(ASKS, Sampling())
    for i, _ in replies:
        assert engine.asked == list("abc")[: i + 1]
        assert read_journal(journal_path(slot)).keys() == {
            ask_digest(a, Sampling()) for a in ASKS[: i + 1]
        }
        if i == 1:
            break
    replies.close()  # type: ignore[attr-defined]  # a generator
    resumed = Answering()
    replies_to(journaled(resumed), ASKS)
    assert resumed.asked == ["c"]


def test_a_journal_that_cannot_be_written_ends_the_asking(
    journaled: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(journal: Journal, entry: Entry) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Journal, "append", full)
    engine = Answering()
    with pytest.raises(OSError, match="no space left"):
        replies_to(journaled(engine), ASKS)
    assert engine.asked == ["a"]


def test_what_failed_for_a_passing_cause_is_asked_again_and_counted(journaled: Opening) -> None:
    failing: dict[str, ErrorName] = {"a": "timeout", "b": "truncated"}
    with pytest.raises(EngineError):
        replies_to(journaled(Answering(failing, breaks_before="c")), ASKS)
    engine = Answering()
    opened = journaled(engine)
    replies = replies_to(opened, ASKS)
    assert engine.asked == ["a", "c"]
    assert [samples[0].error for samples in replies] == [None, "truncated", None]
    assert [reply.attempts for reply in opened.replies] == [2, 1, 1]
    assert all(reply.first_at <= reply.last_at for reply in opened.replies)


def test_what_fails_whenever_it_is_asked_does_not_hold_a_shard_up_for_ever(
    journaled: Opening,
) -> None:
    for _ in range(2):
        engine = Answering({"a": "timeout"}, breaks_before="b")
        with pytest.raises(EngineError):
            replies_to(journaled(engine), ASKS)
        assert engine.asked == ["a"]
    engine = Answering()
    opened = journaled(engine)
    assert replies_to(opened, ASKS)[0][0].error == "timeout"
    assert engine.asked == ["b", "c"]
    assert opened.replies[0].attempts == 2


def test_a_reply_keeps_the_version_of_the_engine_that_gave_it(journaled: Opening) -> None:
    with pytest.raises(EngineError):
        replies_to(journaled(Answering(breaks_before="b", version="old")), ASKS)
    replies = replies_to(journaled(Answering(version="new")), ASKS)
    assert [samples[0].engine_version for samples in replies] == ["old", "new", "new"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "Where is a?"),
        ("answer_schema", {"title": "U"}),
        ("frames", ()),
        ("frames", (Frame(1.5, b"jpeg"),)),
        ("frames", (Frame(1.0, b"jpeh"),)),
        ("frames", (Frame(1.0, b"jpeg"), Frame(1.0, b""))),
        ("variables", {"n": 2}),
        ("system", "You see."),
    ],
)
def test_another_ask_is_not_taken_for_the_same(name: str, value: object) -> None:
    changed: Ask = replace(ASKS[0], **{name: value})  # type: ignore[arg-type]
    assert ask_digest(changed, Sampling()) != ask_digest(ASKS[0], Sampling())
    assert ask_digest(replace(changed), Sampling()) == ask_digest(changed, Sampling())


@pytest.mark.parametrize("sampling", [Sampling(2), Sampling(temperature=0.1), Sampling(seed=1)])
def test_other_samples_are_not_taken_for_the_same(sampling: Sampling) -> None:
    assert ask_digest(ASKS[0], sampling) != ask_digest(ASKS[0], Sampling())


@pytest.mark.parametrize(
    ("yielded", "message"),
    [
        ([], "ends with 3 of 3 asks left"),
        ([0, 2], "ends with 1 of 3 asks left"),
        ([0, 0, 1, 2], "yields ask 0 of 3 with 1 replies, 1 wanted; 2 asks are left"),
        ([3], "yields ask 3 of 3 with 1 replies"),
    ],
)
def test_an_engine_that_does_not_yield_each_ask_once_is_found_out(
    journaled: Opening, monkeypatch: pytest.MonkeyPatch, yielded: list[int], message: str
) -> None:
    engine = Answering()
    monkeypatch.setattr(
        engine, "generate", lambda asks, sampling: ((i, [Reply("id", "x")]) for i in yielded)
    )
    with pytest.raises(ContractError, match=message):
        replies_to(journaled(engine), ASKS)


def test_an_engine_with_too_few_samples_is_found_out(
    journaled: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Answering()
    generate = engine.generate
    monkeypatch.setattr(engine, "generate", lambda asks, sampling: generate(asks, Sampling()))
    with pytest.raises(ContractError, match="with 1 replies, 2 wanted"):
        replies_to(journaled(engine), ASKS, Sampling(samples=2))


def test_a_reply_with_a_lone_surrogate_is_stored_and_yielded_with_its_escape(
    journaled: Opening, slot: Location
) -> None:
    opened = journaled(Answering(text="a \ud83d"))
    assert replies_to(opened, ASKS[:1])[0][0].text == "a \\ud83d"
    (entry,) = read_journal(journal_path(slot)).values()
    assert entry.replies[0].text == "a \\ud83d"
    part = write_part(slot, Reject, [], [], {}, opened.replies)
    (row,) = pq.read_table(Path(replies_path(part))).to_pylist()
    assert row["text"] == "a \\ud83d"
