from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.embedded.texts import narration, query, rewritten, shortened

Lines = list[tuple[float, str]]
RIGHT, LEFT, STILL = "The red circle moves right.", "The red circle moves left.", "A man sits."
WORDS = st.lists(st.sampled_from(["finally", "a", "dog", "runs", "the", "video", "ends", "with,"]))


@pytest.mark.parametrize(
    ("caption", "sentence"),
    [
        ("Finally, a man opens the door", "A man opens the door."),
        ("Then the dog runs away.", "The dog runs away."),
        ("The video ends with a woman waving.", "A woman waving."),
        ("At the beginning of the video, a cat sleeps.", "A cat sleeps."),
        ("And then, at the end, the car stops.", "The car stops."),
        ("A car stops at the end of the video.", "A car stops."),
        ("In this video, first, she cuts bread.", "She cuts bread."),
        ("The thenar muscle moves.", "The thenar muscle moves."),
        ("A man stands at the start of the race.", "A man stands at the start of the race."),
        ("A ball falls. Nobody looks.", "A ball falls."),
        ("A   red circle is in view.", "A red circle is in view."),
        ("Finally", "Finally."),
        (" . ", ""),
    ],
)
def test_rewritten(caption: str, sentence: str) -> None:
    assert rewritten(caption) == sentence


@given(WORDS)
def test_rewriting_adds_nothing_and_is_done_once(words: list[str]) -> None:
    once = rewritten(" ".join(words))
    assert rewritten(once) == once
    assert set(once.lower().rstrip(".").split()) <= {w.rstrip(",") for w in words} | set(words)


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("A red circle moves right.", "a red circle moves right"),
        ("A red circle is in view.", "a red circle in view"),
        ("There is a dog on the sofa.", "a dog on the sofa"),
        ("NASA launches a rocket.", "NASA launches a rocket"),
        ("Then I wave.", "I wave"),
    ],
)
def test_query(caption: str, text: str) -> None:
    assert query(caption) == text


@pytest.mark.parametrize(
    ("sentence", "max_words", "short"),
    [
        ("A red circle appears on the left.", 7, "A red circle appears on the left."),
        ("A red circle appears on the left.", 5, "A red circle appears."),
        ("The circle turns from red to green.", 5, "The circle turns green."),
        ("The scene cuts to a blue background.", 5, "The background turns blue."),
        ("A man walks into the house and sits down.", 5, "A man walks."),
        ("the", 5, "The."),
    ],
)
def test_shortened(sentence: str, max_words: int, short: str) -> None:
    assert shortened(sentence, max_words) == short


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ([(5, RIGHT), (6, RIGHT), (7, RIGHT)], [(5, RIGHT)]),
        ([(5, RIGHT), (6, RIGHT), (9, RIGHT)], [(5, RIGHT), (9, RIGHT)]),
        ([(5, RIGHT), (6, LEFT), (7, LEFT)], [(5, RIGHT), (6, LEFT)]),
        ([(5, RIGHT), (6, STILL), (7, RIGHT)], [(5, RIGHT), (6, STILL)]),
        ([(0.5, RIGHT), (1, RIGHT), (2, RIGHT)], [(0.5, RIGHT), (2, RIGHT)]),
        ([(1, STILL), (2, STILL), (3, STILL)], []),
        ([(1, STILL)], [(1, STILL)]),
        ([(1, "  ")], []),
        ([], []),
    ],
)
def test_narration(lines: Lines, kept: Lines) -> None:
    assert narration(lines, 20) == kept


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from([RIGHT, LEFT, STILL])), unique=True),
    st.integers(1, 8),
)
def test_narration_keeps_times_and_order(drafted: list[tuple[int, str]], max_words: int) -> None:
    lines = [(float(time_s), text) for time_s, text in sorted(drafted)]
    kept = narration(lines, max_words)
    assert {time_s for time_s, _ in kept} <= {time_s for time_s, _ in lines}
    assert kept == sorted(kept, key=lambda line: line[0])
    assert all(len(text.split()) <= max_words for _, text in kept)
