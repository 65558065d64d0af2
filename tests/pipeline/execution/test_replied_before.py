from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from pipeline.engines.base import Ask, EmbeddedConfig, Reply, Sampling
from pipeline.execution import journaled_engine
from pipeline.execution.ask_digest import ask_digest, earlier_digest
from pipeline.execution.journal import Entry, journal_path, replace_journal
from pipeline.execution.journaled_engine import JournaledEngine
from pipeline.execution.replies_index import RepliesIndex
from pipeline.execution.stored_replies import stored_entries
from pipeline.records import Reject
from pipeline.store.location import Location
from pipeline.store.part_names import replies_path
from pipeline.store.parts import write_part
from pipeline.workflow.task import Replied
from tests.pipeline.engines.contract import replies_to
from tests.pipeline.execution.test_journaled_engine import ASKS, Answering, slot

__all__ = ["slot"]  # a fixture
Reopening = Callable[..., JournaledEngine]


@pytest.fixture
def reopened(monkeypatch: pytest.MonkeyPatch) -> Reopening:
    """``reopened(engine, slot, *folders)``: with what was replied before in these folders."""

    def opened(engine: Answering, slot: Location, *folders: Location) -> JournaledEngine:
        monkeypatch.setattr(journaled_engine, "open_engine", lambda config: engine)
        return JournaledEngine(EmbeddedConfig(), slot, Replied(folders, uuid.uuid4().hex))

    return opened


def written(slot: Location, engine: JournaledEngine) -> Location:
    """The replies of a part that is done."""
    part = write_part(slot, Reject, [], [], {}, engine.replies)
    journal_path(slot).remove_tree()
    return replies_path(part)


ABOUT = [replace(ask, video_id=f"video {ask.request_id}") for ask in ASKS]


@pytest.mark.parametrize("asks", [ASKS, ABOUT])
def test_what_was_answered_under_another_recipe_or_for_other_inputs_is_not_asked_again(
    slot: Location, reopened: Reopening, asks: Sequence[Ask]
) -> None:
    older = slot.parent / "older/part-00000-1"
    before = reopened(Answering({"b": "timeout"}), older)
    replies_to(before, asks)
    replies_to(before, asks)  # a cause that may pass has its attempts
    replies = written(older, before)

    engine = Answering()
    after = reopened(engine, slot, slot.parent, older.parent)
    assert [reply.text for (reply,) in replies_to(after, asks)] == ["said"] * 3
    assert engine.asked == ["b"], "what failed for a passing cause is asked once more"
    assert after.asks == len(after.replies) == 3
    assert (before.reused, after.reused) == (3, 2), "the three of before were asked twice"
    journal_path(slot).remove_tree()

    # What retry marked in a journal is asked, although a part has a copy of the answer.
    copied = reopened(Answering(), older.with_name("part-00000-2"), older.parent)
    replies_to(copied, asks)
    assert copied.reused == 0, "its own recipe was told"
    copy = written(older.with_name("part-00000-2"), copied)
    marked = older.with_name("part-00000-1")
    replace_journal(journal_path(marked), stored_entries(copy, (), {"c"}))
    engine = Answering()
    replies_to(reopened(engine, slot, older.parent), asks)
    assert engine.asked == ["c"]
    journal_path(slot).remove_tree()
    journal_path(marked).remove_tree()

    # What cannot be read is asked.
    for file in (replies, copy):
        file.write_bytes(b"damaged")
    engine = Answering()
    replies_to(reopened(engine, slot, older.parent), asks)
    assert engine.asked == list("abc")


def test_a_video_keeps_its_replies_in_other_shards(slot: Location, reopened: Reopening) -> None:
    for shard, asks in enumerate((ABOUT[:1], ABOUT[1:])):
        place = slot.with_name(f"part-{shard:05d}-1")
        before = reopened(Answering(), place)
        replies_to(before, asks)
        if shard == 0:
            written(place, before)  # the other one is left unfinished, with its journal
    index = RepliesIndex([slot.parent])
    assert [place.name.partition("-")[0] for place in index.about({"video a"}, 7)] == ["replies"]
    assert [place.name.partition("-")[0] for place in index.about({"video b"}, 7)] == ["journal"]
    assert len(index.about({"video a", "video c"}, 7)) == 2
    assert not index.about({"video d"}, 0)

    engine = Answering()
    new = replace(ABOUT[0], request_id="d", text="What is d?")
    after = reopened(engine, slot.with_name("part-00007-3"), slot.parent)
    replies_to(after, [*reversed(ABOUT), new])
    assert engine.asked == ["d"]


def test_what_earlier_versions_kept_counts_by_their_digest(
    slot: Location, reopened: Reopening
) -> None:
    """In the journal of the shard itself, and in that of another recipe."""
    other = slot.parent / "a/part-00000-1"
    for place, ask in ((slot, ABOUT[0]), (other, ABOUT[1])):
        key, at = earlier_digest(ask, Sampling()), "2026-01-01"
        entry = Entry(key, 1, at, at, (Reply("x", "kept"),), video_id=ask.video_id)
        replace_journal(journal_path(place), [entry])
    engine = Answering()
    after = reopened(engine, slot, other.parent)
    found = replies_to(after, ABOUT[:3])
    assert [found[0][0].text, found[1][0].text] == ["kept", "kept"]
    assert engine.asked == [ABOUT[2].request_id]
    assert after.replies[0].ask == ask_digest(ABOUT[0], Sampling())


@pytest.mark.parametrize("left_as", ["replies", "journal"])
def test_frames_are_read_for_an_earlier_digest_only_where_one_lies(
    slot: Location, reopened: Reopening, monkeypatch: pytest.MonkeyPatch, left_as: str
) -> None:
    """Of a new ask beside answers to others, in a file of replies and in a journal."""
    older = slot.parent / "older/part-00000-1"
    # Both of one video, so that the file of the other one is looked at.
    new = replace(ABOUT[1], video_id=ABOUT[0].video_id)
    before = reopened(Answering(), older)
    replies_to(before, ABOUT[:1])
    if left_as == "replies":
        written(older, before)
    taken: list[str] = []

    def counted(ask: Ask, sampling: Sampling) -> str:
        taken.append(ask.request_id)
        return earlier_digest(ask, sampling)

    monkeypatch.setattr("pipeline.execution.ask_digest.earlier_digest", counted)
    engine = Answering()
    replies_to(reopened(engine, slot, older.parent), [ABOUT[0], new])
    assert engine.asked == [new.request_id] and not taken

    key, at = earlier_digest(new, Sampling()), "2026-01-01"
    entry = Entry(key, 1, at, at, (Reply("x", "kept"),), video_id=new.video_id)
    third = slot.parent / "third/part-00000-1"
    replace_journal(journal_path(third), [entry])
    journal_path(slot).remove_tree()
    engine = Answering()
    replies_to(reopened(engine, slot, older.parent, third.parent), [ABOUT[0], new])
    assert not engine.asked and taken == [new.request_id]


def test_of_several_answers_to_an_ask_the_newest_counts(
    slot: Location, reopened: Reopening
) -> None:
    for name, at in (("b", "2026-01-02"), ("a", "2026-01-01"), ("c", "2026-01-03")):
        place = slot.parent / f"{name}/part-00000-1"
        entry = Entry(
            ask_digest(ABOUT[0], Sampling()), 1, at, at,
            (Reply("x", None, "timeout") if name == "c" else Reply("x", name),), name == "c",
            ABOUT[0].video_id,
        )  # fmt: skip
        replace_journal(journal_path(place), [entry])
    folders = [slot.parent / name for name in "abc"]
    found = replies_to(reopened(Answering(), slot, *folders), ABOUT[:1])
    assert found[0][0].text == "b", "and a failure that may pass is no answer"
