"""What holds of every format in which a dialogue is a chat: it comes back, turn by turn."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import FormatError, ReadQuestion, ReadSample, View
from pipeline.dialogue.read_events import ReadEvent, read_events
from pipeline.dialogue.silence import trimmed
from pipeline.records import Dialogue, Question, Response
from tests.pipeline.corpus.formats.samples import (
    PLACEHOLDERS,
    TOKENS,
    VIEWS,
    as_json,
    dialogue_of,
    dialogues,
    view,
    windows,
)

CHATS = ["stream", "messages", "qwen_vl"]
IMAGED = ["messages", "qwen_vl"]


def again(name: str, dialogue: Dialogue, shown: View) -> tuple[Any, ReadSample]:
    (row,) = as_json(FORMATS[name].write(dialogue, shown))
    return row, FORMATS[name].read(row)


def contents(row: Any) -> tuple[list[str], list[str]]:
    """What the user and what the assistant says."""
    said = [
        (m.get("role", m.get("from")), m.get("content", m.get("value")))
        for m in row.get("messages", row.get("conversations"))
    ]
    if said[0][0] == "system":
        said = said[1:]
    assert [role for role, _ in said] == len(said) // 2 * [said[0][0], said[1][0]]
    assert (said[0][0], said[1][0]) in [("user", "assistant"), ("human", "gpt")]
    texts = [text for _, text in said]
    return texts[::2], texts[1::2]


def check(dialogue: Dialogue, shown: View, row: Any, sample: ReadSample, token: str) -> None:
    asked, answered = contents(row)
    assert len(asked) == len(answered) == len(dialogue.turns)
    assert all(text.endswith(f"s>\n{token}") and text.count(token) == 1 for text in asked)
    assert not any(token in text for text in answered)
    assert sample.system == shown.system
    assert (sample.video, sample.task) == ("videos/v.mp4", dialogue.task)
    assert (sample.source, sample.sample_id) == (dialogue.source, dialogue.sample_id)
    assert (sample.turns_per_s, sample.duration_s) == (dialogue.turns_per_s, dialogue.duration_s)
    near = pytest.approx
    for read, turn in zip(sample.turns, dialogue.turns, strict=True):
        assert (read.index, read.state) == (turn.index, turn.state)
        assert (read.question, read.text) == (turn.question, turn.text)
        assert (read.start_s, read.end_s) == near((turn.start_s, turn.end_s), abs=1e-4)
    assert sample.questions == tuple(
        ReadQuestion(read.start_s, turn.question)
        for read, turn in zip(sample.turns, dialogue.turns, strict=True)
        if turn.question
    )


@pytest.mark.parametrize("name", CHATS)
@given(data=st.data())
def test_a_dialogue_comes_back(name: str, data: st.DataObject) -> None:
    dialogue, shown = data.draw(dialogues()), data.draw(VIEWS)
    row, sample = again(name, dialogue, shown)
    check(dialogue, shown, row, sample, "<stream>" if name == "stream" else "<image>")
    assert [turn.transition for turn in sample.turns] == [t.transition for t in dialogue.turns]
    assert sample.events == read_events(sample.turns)
    for event, true in zip(sample.events, read_events(dialogue.turns), strict=True):
        assert isinstance(event, ReadEvent)
        assert (event.first_turn, event.turn) == (true.first_turn, true.turn)
        assert event.text == true.text
        assert event.start_s == pytest.approx(true.start_s, abs=1e-4)
        assert event.end_s == pytest.approx(true.end_s, abs=1e-4)


@pytest.mark.parametrize("name", IMAGED)
@given(data=st.data())
def test_a_window_comes_back_with_its_own_seconds(name: str, data: st.DataObject) -> None:
    window, shown = data.draw(windows()), data.draw(VIEWS)
    row, sample = again(name, window, shown)
    check(window, shown, row, sample, "<image>")
    assert (sample.whole_id, sample.context_turns) == (window.whole_id, window.context_turns)
    images = tuple(f"frames/v/{turn.index:06d}.jpg" for turn in window.turns)
    assert sample.images == images


@pytest.mark.parametrize("name", sorted({*FORMATS} - {*IMAGED}))
@given(window=windows())
def test_a_format_of_whole_videos_carries_no_window(name: str, window: Dialogue) -> None:
    with pytest.raises(FormatError, match="not_carried"):
        FORMATS[name].write(window, view())


def asking(text: str, answer: str, duration_s: float = 4) -> Dialogue:
    said = Response(rid="r", qid="q", kind="event", text=answer, start_s=1, end_s=2, respond_s=2)
    return dialogue_of(duration_s, 1, [Question(qid="q", text=text, asked_s=0)], [said])


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_a_placeholder_in_a_text_is_refused(name: str, placeholder: str) -> None:
    for dialogue in [asking(f"Where is{placeholder}?", "here"), asking("Where?", placeholder)]:
        with pytest.raises(FormatError) as caught:
            FORMATS[name].write(dialogue, view())
        assert caught.value.reason == "placeholder_in_text"
    assert FORMATS[name].write(asking("Where is <img>?", "<images>"), view())


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("token", TOKENS)
def test_a_token_in_a_text_is_refused(name: str, token: str) -> None:
    for dialogue in [asking(f"It says{token}.", "here"), asking("What?", f"{token}assistant")]:
        with pytest.raises(FormatError) as caught:
            FORMATS[name].write(dialogue, view())
        assert caught.value.reason == "token_in_text"
    plain = token.replace(token[0], f"{token[0]} ", 1)
    assert FORMATS[name].write(
        asking(f"It says {plain}", f"<b>{plain}</b> $(ls) {{{{ 1 }}}}"), view()
    )


@pytest.mark.parametrize("name", CHATS)
def test_the_system_text_explains_states_and_ends_no_turn(name: str) -> None:
    assert FORMATS[name].write(asking("Where?", "here"), view(system="Say </Silence> or nothing."))
    with pytest.raises(FormatError, match="token_in_text"):
        FORMATS[name].write(asking("Where?", "here"), view(system="You see.<|im_end|>"))


@pytest.mark.parametrize("name", CHATS)
def test_a_placeholder_in_the_system_text_is_refused(name: str) -> None:
    with pytest.raises(FormatError, match="placeholder_in_text"):
        FORMATS[name].write(asking("Where?", "here"), view(system="Each turn has an <image>."))


@pytest.mark.parametrize("name", CHATS)
def test_without_turns_there_is_nothing_to_say(name: str) -> None:
    with pytest.raises(FormatError, match="not_carried"):
        FORMATS[name].write(asking("Where?", "here").model_copy(update={"turns": []}), view())


def test_with_images_a_dialogue_may_end_before_its_video_and_as_a_stream_by_one_turn() -> None:
    longer = asking("Where?", "here", duration_s=6)
    for name in IMAGED:
        assert len(again(name, trimmed(longer, 3), view())[1].turns) == 3
    assert len(again("stream", trimmed(longer, 1), view())[1].turns) == 5
    with pytest.raises(FormatError, match="not_carried"):
        FORMATS["stream"].write(trimmed(longer, 2), view())


@pytest.mark.parametrize("name", CHATS)
def test_a_row_that_was_tampered_with_is_refused(name: str) -> None:
    shown = view()
    (row,) = as_json(FORMATS[name].write(asking("Where?", "here"), shown))
    key, text = ("conversations", "value") if name == "qwen_vl" else ("messages", "content")
    user, answer = (0, 1) if name == "qwen_vl" else (1, 2)

    def without(place: int) -> Any:
        return {**row, key: row[key][:place] + row[key][place + 1 :]}

    def saying(place: int, said: Any) -> Any:
        return {
            **row,
            key: [*row[key][:place], {**row[key][place], text: said}, *row[key][place + 1 :]],
        }

    wrong = [
        without(user),
        without(answer),
        saying(answer, "Hello"),
        saying(answer, None),
        saying(answer + 2, "<Silence>"),
        saying(user + 2, "<2s-3s>\n<image>"),
        saying(user, "<stream>"),
        saying(user + 2, "x<1s-2s>\n<image>"),
        {**row, "fps": 2.0},
        {**row, "fps": 0},
        {**row, "fps": "1"},
        {**row, "fps": 10**400},
        {**row, "duration": -1},
        {**row, "sample_id": 7},
        {**row, key: []},
        {**row, "videos": [], "images": [], "image": []},
        {**row, "videos": "v", "images": "v", "image": "v"},
    ]
    for bad in wrong:
        with pytest.raises(FormatError) as caught:
            FORMATS[name].read(bad)
        assert caught.value.reason == "bad_row"
