"""Texts that go round in circles are told from what people write."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.answer import Choice
from pipeline.engines.base import Ask
from pipeline.engines.repetition import loops, repeated_characters
from pipeline.engines.sampling import Sample

ANNOTATIONS = Path(__file__).resolve().parents[4] / "shared" / "annotations"
HUMAN = (
    "The man spins the lady over and over and over.",
    "He waves again and again and again and again.",
    "The square is red. Then it is blue. Then it is red. Then it is blue.",
    "fry dark meats together and white meats together",
    "A girl jumps rope, a girl jumps down, a boy jumps rope.",
    "knock knock knock",
    "no, no, no, no, no",
    "一個男人走進房間,然後一個女人走出房間。",
    "",
)
LOOPS = (
    ("The deed is set apart. " * 20)[:400],
    "The deed is set apart. The deed is set apart. The deed is set apart.",
    "A ball rolls, and a ball rolls, and a ball rolls, and a ball rolls",
    "the the the the the the the the the the",
    "The ball rolls to the left. The ball rolls to the right. " * 3,
    "一個男人走進房間," * 8,
    "." * 60,
    "A red square. " + "\n  A   blue\tSQUARE." * 4,
)


@pytest.mark.parametrize("text", HUMAN)
def test_what_people_write_does_not_loop(text: str) -> None:
    assert not loops(text)


@pytest.mark.parametrize("text", LOOPS)
def test_a_loop_is_seen_as_one(text: str) -> None:
    assert loops(text)


def test_what_is_said_twice_is_half_of_the_text() -> None:
    assert repeated_characters("a red ball rolls") == (0, 16)
    repeated, whole = repeated_characters("a red ball rolls. A  red ball rolls.")
    assert (repeated, whole) == (17, 35)
    assert repeated_characters("x" * 100_000)[1] == 4096, "the rest is not read"


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] if " " in value.strip() and "http" not in value else []
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts_in(each)


def written_by_people() -> list[str]:
    """Captions, queries, questions and answers of what datasets publish of theirs."""
    found: set[str] = set()
    for path in sorted(ANNOTATIONS.rglob("*")):
        if path.suffix == ".json":
            found.update(texts_in(json.loads(path.read_text(encoding="utf-8"))))
        elif path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8").splitlines()
            found.update(text for line in lines if line for text in texts_in(json.loads(line)))
        elif path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                found.update(text for row in csv.reader(file) for text in texts_in(row))
    return sorted(found)


@pytest.mark.skipif(not ANNOTATIONS.is_dir(), reason="shared/annotations is not there")
def test_no_text_that_people_wrote_loops_and_nearly_all_made_of_them_do() -> None:
    texts = written_by_people()
    assert len(texts) > 1000
    assert [text for text in texts if loops(text)] == []

    draw = random.Random(0)
    made = []
    for _ in range(1000):
        words = draw.choice(texts).split()
        first = draw.randrange(len(words))
        phrase = " ".join(words[first : first + draw.randint(2, 12)])
        beginning = " ".join(draw.choice(texts).split()[: draw.randint(0, 6)])
        made.append((f"{beginning} " + f"{phrase}. " * 200)[:400].strip())
    assert sum(map(loops, made)) / len(made) == 1.0


def test_a_loop_is_drawn_again_and_refused_by_its_name() -> None:
    schema = {
        "type": "object",
        "properties": {"seen": {"type": "array", "items": {"type": "string"}}},
    }
    ask = Ask("a", "", schema)
    looping = json.dumps({"seen": ["A dog barks.", LOOPS[0]]})
    sample = Sample()
    sample.take(ask, Choice(looping), str)
    assert sample.reply(ask, repair=True).error == "text_loops"
    assert sample.reply(ask, repair=True).detail == LOOPS[0]
    sample.take(ask, Choice('{"seen": ["A dog barks."]}'), str)
    assert sample.reply(ask, repair=True).text == '{"seen": ["A dog barks."]}'


def test_neither_a_value_that_was_offered_nor_a_repair_is_a_loop_in_disguise() -> None:
    chosen = {"properties": {"seen": {"enum": [LOOPS[0]], "type": "string"}}, "type": "object"}
    sample = Sample()
    sample.take(Ask("a", "", chosen), Choice(json.dumps({"seen": LOOPS[0]})), str)
    assert sample.error is None
    free = {"properties": {"seen": {"type": "string"}}, "type": "object", "required": ["seen"]}
    broken = Sample()
    broken.take(Ask("a", "", free), Choice('{"seen": "' + LOOPS[0]), str)
    reply = broken.reply(Ask("a", "", free), repair=True)
    assert (reply.text, reply.error) == (None, "unparsable")
