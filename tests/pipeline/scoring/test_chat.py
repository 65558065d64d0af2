"""What a model of chats is shown while it watches: the chat of a corpus, with its own answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline.corpus.formats.turn_messages import Speakers, turn_messages
from pipeline.dialogue.memory import Reach, held, remembering, span_of
from pipeline.dialogue.memory_text import MemoryLayout, memory_text
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.records import Dialogue, FramedSegment, Question, Remembered, Response
from pipeline.scoring.chat import Chat, ChatSettings, Decision, watch_chat
from pipeline.scoring.items import Prediction, prediction_of
from pipeline.scoring.stream import Failure, Watching
from tests.pipeline.corpus.formats.samples import dialogue_of

TOKENS = STATE_TOKENS["official"]
DIALOGUE = dialogue_of(
    12,
    1,
    [Question(qid="q0", text="What now?", asked_s=2), Question(qid="q1", text="Else?", asked_s=5)],
    [Response.event("r0", "it ended", 3, 5), Response.instant("r1", "more", 8)],
)


def watching(dialogue: Dialogue = DIALOGUE) -> Watching:
    return dialogue, [
        FramedSegment(
            video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1, jpeg=b"%d" % i
        )
        for i in range(len(dialogue.turns))
    ]


class Knowing:
    """It does what the dialogue says, and keeps what it was shown."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._turns = list(dialogue.turns)
        self.chats: list[Chat] = []

    def decide(self, chat: Chat) -> Decision:
        turn = self._turns[len(self.chats)]
        self.chats.append(chat)
        return Decision(turn.state, turn.text, (0.0, 0.0, 0.0))


def spoken(chat: Chat, answers: Sequence[str]) -> list[str]:
    texts = [text for text, _ in chat.shown]
    return [each for pair in zip(texts, answers, strict=True) for each in pair]


def test_the_chat_is_the_one_that_an_export_writes() -> None:
    model = Knowing(DIALOGUE)
    (made,) = watch_chat([watching()], model, ChatSettings(system="S"))
    assert isinstance(made, Prediction)
    assert made.model_copy(update={"latencies_s": (), "responses": ()}) == prediction_of(
        DIALOGUE
    ).model_copy(update={"responses": ()})
    assert [(r.time_s, r.text) for r in made.responses] == [(5, "it ended"), (8, "more")]
    assert len(made.latencies_s) == 12
    last = model.chats[-1]
    written = turn_messages(DIALOGUE, TOKENS, "<image>", Speakers("by", "text", "user", "it"))
    texts = [str(each["text"]).removesuffix("<image>") for each in written]
    assert spoken(last, [*last.answers, texts[-1]]) == texts
    assert [jpeg for _, jpeg in last.shown] == [b"%d" % i for i in range(12)]
    assert last.system == "S"


def test_a_turn_shows_nothing_of_later_ones() -> None:
    model = Knowing(DIALOGUE)
    list(watch_chat([watching()], model, ChatSettings()))
    for place, chat in enumerate(model.chats):
        assert [jpeg for _, jpeg in chat.shown] == [b"%d" % i for i in range(place + 1)]
        assert len(chat.answers) == place


@pytest.mark.parametrize("overlap_s", [0, 2])
def test_a_full_window_is_followed_by_one_with_its_latest_turns(overlap_s: int) -> None:
    model = Knowing(DIALOGUE)
    list(watch_chat([watching()], model, ChatSettings(window_s=6, overlap_s=overlap_s)))
    begins = [int(chat.shown[0][1]) for chat in model.chats]
    assert begins == [0] * 6 + ([6] * 6 if not overlap_s else [4] * 4 + [8] * 2)
    first, last = model.chats[6], model.chats[-1]
    carried = "What now?\nElse?\n" if not overlap_s else "What now?\n"
    assert first.shown[0][0] == f"{carried}<{begins[6]}s-{begins[6] + 1}s>\n"
    if overlap_s:
        assert first.answers == (TOKENS.standby, f"{TOKENS.response} it ended")
        assert first.shown[1][0] == "Else?\n<5s-6s>\n"
        assert last.answers == (f"{TOKENS.response} more", *[TOKENS.silence] * 2)
    assert last.shown[0][0].startswith("What now?\nElse?\n")


def test_a_window_that_would_not_move_on_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap_s must be less"):
        ChatSettings(window_s=5, overlap_s=5)


REACH = Reach(raw_s=4, middle=1, long=2)


def windows() -> list[Dialogue]:
    """Those of a dialogue of twelve seconds, with the memory that each begins with."""
    places = {place for stretches in range(4) for place in held(stretches, REACH)}
    summaries = [
        Remembered(level=place.level, start_s=start_s, end_s=end_s, text=f"{place.level} {start_s}")
        for place in sorted(places)
        for start_s, end_s in [span_of(place, REACH)]
    ]
    found = list(remembering(DIALOGUE, summaries, REACH).dialogues)
    assert [len(each.memory) for each in found] == [0, 0, 2]
    return found


@pytest.mark.parametrize("layout", ["lines", "tags"])
def test_what_a_window_remembers_is_shown_as_an_export_writes_it(layout: MemoryLayout) -> None:
    for window in windows():
        model = Knowing(window)
        list(watch_chat([watching(window)], model, ChatSettings(layout=layout)))
        memory = memory_text(window.memory, layout)
        speakers = Speakers("by", "text", "user", "it")
        written = turn_messages(window, TOKENS, "<image>", speakers, memory)
        texts = [str(each["text"]).removesuffix("<image>") for each in written]
        last = model.chats[-1]
        assert spoken(last, [*last.answers, texts[-1]]) == texts
        # From the first turn on: what is shown of a turn does not change behind it.
        assert all(chat.shown == last.shown[: len(chat.shown)] for chat in model.chats)


def test_a_window_with_memory_is_not_cut_once_more() -> None:
    *_, long = windows()
    model = Knowing(long)
    settings = ChatSettings(window_s=len(long.turns) - 1, overlap_s=1)
    (made,) = watch_chat([watching(long)], model, settings)
    assert isinstance(made, Failure) and made.sample_id == long.sample_id
    assert "not supported" in made.detail and "--window-s" in made.detail
    assert not model.chats
    fits = ChatSettings(window_s=len(long.turns), overlap_s=1)
    assert isinstance(next(watch_chat([watching(long)], model, fits)), Prediction)
