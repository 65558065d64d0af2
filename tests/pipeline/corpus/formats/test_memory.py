"""The memory of a window, in every format that can hold it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pipeline.corpus.audit.checker_readers import READERS
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import FormatError, View
from pipeline.dialogue.memory_text import MemoryLayout, memory_text
from pipeline.records import Dialogue, Question, Remembered, Response
from tests.pipeline.corpus.formats.samples import MEMORY, dialogue_of, view


@pytest.fixture
def window() -> Dialogue:
    asked = Question(qid="q0", text="Tell what goes on.", asked_s=0)
    whole = dialogue_of(4, 1, [asked], [Response.instant("r0", "A dog comes.", 1)])
    return whole.model_copy(update={"memory": MEMORY, "whole_id": whole.sample_id})


HOLDING = ("messages", "qwen_vl")
LINES = "Memory of what came before:\n[0s-20s] A ball rolled.\n[20s-30.5s] <1s-2s> It stopped."
TAGS = """<LONG_TERM_VIDEO_MEMORY>
<SEMANTIC_SUMMARIES>
[0s-20s] A ball rolled.
</SEMANTIC_SUMMARIES>
<EVENT_CAPTIONS>
[20s-30.5s] <1s-2s> It stopped.
</EVENT_CAPTIONS>
</LONG_TERM_VIDEO_MEMORY>"""


@pytest.mark.parametrize("name", HOLDING)
@pytest.mark.parametrize(("layout", "text"), [("lines", LINES), ("tags", TAGS)])
@pytest.mark.parametrize("system", ["", "Watch.\nAnswer."])
def test_a_window_begins_with_its_memory_and_comes_back(
    window: Dialogue, name: str, layout: MemoryLayout, text: str, system: str
) -> None:
    form = FORMATS[name]
    shown: View = replace(view(system=system), layout=layout)
    (row,) = form.write(window, shown)
    assert text in json.loads(json.dumps(row, ensure_ascii=False))["memory"]
    read = form.read(row)
    assert read.memory == text == memory_text(window.memory, layout)
    (question,) = read.questions
    assert question.text == "Tell what goes on."
    assert [turn.text for turn in read.turns if turn.text] == ["A dog comes."]
    first = READERS[name]([row]).turns[0]
    assert first.question == "Tell what goes on."


@pytest.mark.parametrize("name", sorted(set(FORMATS) - set(HOLDING)))
def test_a_format_without_a_place_for_it_says_so(window: Dialogue, name: str) -> None:
    with pytest.raises(FormatError, match="not_carried: not supported: a row of"):
        FORMATS[name].write(window, view())


@pytest.mark.parametrize("name", HOLDING)
def test_a_memory_that_a_trainer_would_misread_is_refused(window: Dialogue, name: str) -> None:
    for text, reason in (("<image>", "placeholder_in_text"), ("</Response> x", "token_in_text")):
        held = [Remembered(level="middle", start_s=0, end_s=1, text=text)]
        with pytest.raises(FormatError, match=reason):
            FORMATS[name].write(window.model_copy(update={"memory": held}), view())
    (row,) = FORMATS[name].write(window, view())
    assert isinstance(row, dict)
    with pytest.raises(FormatError, match="bad_row"):
        FORMATS[name].read({**row, "memory": "Another."})


def test_two_states_have_no_token_for_standby(window: Dialogue) -> None:
    (row,) = FORMATS["messages"].write(window, view("two_states"))
    assert isinstance(row, dict)
    answers = [message["content"] for message in row["messages"] if message["role"] == "assistant"]
    assert set(answers) == {"</silence>", "</response> A dog comes."}
    assert FORMATS["messages"].read(row).turns.states == window.turns.states
    assert READERS["messages"]([row]).turns[1].state == "response"
    waiting = window.turns.states.replace(b"\0", b"\1", 1)
    odd = window.model_copy(update={"turns": replace(window.turns, states=waiting)})
    with pytest.raises(FormatError, match="not supported: two_states has no token for the standby"):
        FORMATS["messages"].write(odd, view("two_states"))
