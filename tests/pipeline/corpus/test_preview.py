"""A dialogue as it is shown: each thing at its time, within the width, nothing that controls."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from pipeline.corpus.preview import plain_preview, preview
from pipeline.dialogue.budget import Budget
from pipeline.dialogue.window import windows
from pipeline.records import Check, Dialogue, Question, Response, Span, Turns
from pipeline.store.files.terminal import escaped
from tests.conftest import examples
from tests.pipeline.corpus.formats.samples import dialogue_of, dialogues

ASKED = Question(qid="q", text="Which colour is it?\nA. red\nB. blue", asked_s=1.2)
LATE = Response(
    rid="r1", qid="q", kind="event", text="B. blue", start_s=14, end_s=30.5, respond_s=30.5,
    evidence=[Span(start_s=3, end_s=4.25), Span(start_s=14, end_s=30.5)],
)  # fmt: skip
EARLY = Response(
    rid="r0", qid="q", kind="instant", text="A. red", start_s=12, end_s=12, respond_s=12
)
CHECKS = [
    Check(name="answerable", passed=True, score=1.0, model="judge@1", rid="r0"),
    Check(name="premature", passed=False, score=0.25, model="judge@1", rid="r0"),
    Check(name="distinct_answers", passed=True, score=2, model=""),
]
DIALOGUE = dialogue_of(31, 1, [ASKED], [EARLY, LATE]).model_copy(
    update={"models": ["embedded@1"], "checks": CHECKS}
)

SHOWN = """\
video   v
length  31 s, 64 x 48 pixels, split train
task    tsqa
sample  v-a
source  films, licence CC0
models  embedded@1
        not for training: a stand-in for a model wrote it

  |0 s      |10 s     |20 s     |30 s
  ...---------#-----------------#
   ?
  . silence 3   - standby 26   # response 2   ? asked

 1 s  asked  Which colour is it?
             A. red
             B. blue
12 s  said   A. red
             seen at 12 s
             passed answerable 1 (judge@1); failed premature 0.25 (judge@1)
30 s  said   B. blue
             evidence 3 to 4.25 s, 14 to 30.5 s; clamped, due at 30.5 s

checks  passed distinct_answers 2"""


def test_it_reads_from_top_to_bottom() -> None:
    assert plain_preview(DIALOGUE) == SHOWN


def test_the_strip_wraps_to_the_width() -> None:
    lines = plain_preview(DIALOGUE, width=34).split("\n")
    rulers = [line for line in lines if line.startswith("  |")]
    assert rulers == ["  |0 s      |10 s     |20 s", "  |30 s"]
    assert lines[lines.index(rulers[1]) + 1] == "  #"


@given(dialogues(), st.integers(40, 100))
@settings(max_examples=examples(60))
def test_every_turn_and_response_is_there_and_fits(dialogue: Dialogue, width: int) -> None:
    lines = plain_preview(dialogue, width).split("\n")
    assert all(cell_len(line) <= width for line in lines)
    above = [i for i, line in enumerate(lines) if re.match(r"  \|\d", line)]
    strip = "".join(lines[i + 1].strip() for i in above)
    marks = {"silence": ".", "standby": "-", "response": "#"}
    assert strip == "".join(marks[turn.state] for turn in dialogue.turns)
    for which, wanted in (
        ("said", len(dialogue.responses)),
        ("asked", sum(bool(turn.question) for turn in dialogue.turns)),
    ):
        assert sum(bool(re.match(rf" *[\d.]+ s  {which}( |$)", line)) for line in lines) == wanted


CONTROL = "\x1b[2J\x1b]0;title\x07 \u202e\u2066 \x9b31m \r \x00 \u2028 \ud800 \u200f"


@given(st.text())
@settings(max_examples=examples(200))
def test_what_is_escaped_holds_nothing_that_a_terminal_acts_on(text: str) -> None:
    shown = escaped(text + CONTROL)
    assert not [char for char in shown if unicodedata.category(char)[0] == "C"]
    assert escaped("Zug hält; 列車\n", keep="\n") == "Zug hält; 列車\n"


@pytest.mark.parametrize("field", ["video_id", "task", "source", "licence", "sample_id", "split"])
def test_no_text_from_outside_reaches_the_terminal_as_it_is(field: str) -> None:
    hostile: dict[str, Any] = {field: CONTROL, "models": [CONTROL]}
    said = [r.model_copy(update={"text": CONTROL}) for r in DIALOGUE.responses]
    turns = [
        t.model_copy(update={"question": CONTROL if t.question else ""}) for t in DIALOGUE.turns
    ]
    checks = [c.model_copy(update={"name": CONTROL, "model": CONTROL}) for c in CHECKS]
    dialogue = DIALOGUE.model_copy(
        update=hostile | {"responses": said, "turns": Turns.of(turns), "checks": checks}
    )
    console = Console(width=80, force_terminal=True, color_system="truecolor", record=True)
    with console.capture() as capture:
        console.print(preview(dialogue, 80))
    without_styles = re.sub(r"\x1b\[[\d;]*m", "", capture.get())
    assert not [c for c in without_styles if unicodedata.category(c)[0] == "C" and c != "\n"]
    assert r"\u001b[2J" in without_styles and "[2J" in without_styles


def test_a_window_says_what_it_is_part_of() -> None:
    budget = Budget.model_validate({"max_tokens": 300, "overlap_turns": 2})
    bare = [r.model_copy(update={"evidence": []}) for r in (EARLY, LATE)]
    whole = dialogue_of(31, 1, [ASKED], bare[:1])
    second = windows(whole, budget).dialogues[1]
    shown = plain_preview(second)
    assert f"of {whole.sample_id}, its first {second.context_turns} turns repeat" in shown
    assert f"|{second.turns[0].index} s" in shown
