from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.manifest.adapters.transcript import LONGEST_S, PAUSE_S, Transcript, sentences

WORD = st.sampled_from(["one", "two.", 'three."', " four?", "five\u2026)", "Mr"])
GAPS = st.tuples(st.floats(0, 3), st.floats(0, 9), WORD)


def spans_and_texts(*words: tuple[float, float, str]) -> list[tuple[float, float, str]]:
    transcript = Transcript("a.mp4", None, None, words, (), "1/content/0")
    found = []
    for annotation in sentences(transcript, "7", 0.0):
        assert annotation.start_s is not None
        assert annotation.end_s is not None
        assert annotation.text is not None
        found.append((annotation.start_s, annotation.end_s, annotation.text))
    return found


def test_a_mark_ends_a_sentence_also_within_quotes() -> None:
    words = (0.0, 1.0, "He"), (1.0, 2.0, 'said."'), (2.0, 3.0, "And"), (3.0, 4.0, "left")
    assert spans_and_texts(*words) == [(0, 2, 'He said."'), (2, 4, "And left")]


def test_a_silence_ends_a_sentence() -> None:
    words = (0.0, 1.0, "one"), (1.0 + PAUSE_S, 3.0, "two"), (2.99 + PAUSE_S, 5.0, "three")
    assert spans_and_texts(*words) == [(0, 1, "one"), (2, 5, "two three")]


def test_a_sentence_without_an_end_is_cut() -> None:
    words = [(float(i), i + 1.0, "on") for i in range(40)]
    assert [(start, end) for start, end, _ in spans_and_texts(*words)] == [
        (0, 15),
        (15, 30),
        (30, 40),
    ]


@given(st.lists(GAPS, max_size=40))
def test_every_word_stands_once_and_in_order(steps: list[tuple[float, float, str]]) -> None:
    words: list[tuple[float, float, str]] = []
    now_s = 0.0
    for pause_s, length_s, word in steps:
        words.append((now_s + pause_s, now_s + pause_s + length_s, word))
        now_s += pause_s + length_s
    found = spans_and_texts(*words)
    assert " ".join(text for _, _, text in found) == " ".join(w.strip() for _, _, w in words)
    starts, ends = {word[0] for word in words}, {word[1] for word in words}
    for start_s, end_s, text in found:
        assert start_s in starts
        assert end_s in ends
        assert end_s - start_s <= LONGEST_S or " " not in text


def test_a_sentence_points_to_its_first_word() -> None:
    words = ((5.0, 6.0, "One."), (6.0, 7.0, "Two."))
    transcript = Transcript("a.mp4", 5, 9, words, (), "1/content/0")
    found = list(sentences(transcript, "7", 5.0))
    assert [one.pointer for one in found] == [
        "7/1/content/0/text_stream/0",
        "7/1/content/0/text_stream/1",
    ]
    assert found[1].start_s == pytest.approx(1)
