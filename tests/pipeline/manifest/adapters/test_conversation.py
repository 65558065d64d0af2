from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.manifest.adapters.conversation import Turn, chosen_option, split_options, turn_pairs

WORDS = st.lists(
    st.sampled_from(["red", "a", "Please", "B.", "(A)", "kite"]), min_size=1, max_size=4
)


def turns(*speakers: str) -> list[Turn]:
    return [Turn.model_validate({"from": who, "value": "x"}) for who in speakers]


def test_answers_stand_behind_their_questions() -> None:
    found = turn_pairs(turns("human", "gpt", "human", "gpt"))
    assert found is not None
    assert [one.turn for one in found] == [1, 3]


@pytest.mark.parametrize(
    "speakers", [(), ("gpt",), ("human",), ("gpt", "human"), ("system", "human", "gpt")]
)
def test_other_orders_are_no_conversation(speakers: tuple[str, ...]) -> None:
    assert turn_pairs(turns(*speakers)) is None


@pytest.mark.parametrize(
    "question",
    [
        "Who?\nA. only one",
        "Who?\nB. me\nC. you",
        "Who?\nA. me\nC. you",
        "A. me\nB. you",
        "Please say who.",
        "Who?\nPlease say it.",
        "",
    ],
)
def test_what_is_no_list_of_options_stays_as_it_is(question: str) -> None:
    assert split_options(question) == (question, ())


def test_blank_lines_and_the_way_to_answer_are_dropped() -> None:
    asked = "Who\nis it?\nA. me \n(B) you\n C: we\n\nplease choose.\n"
    assert split_options(asked) == ("Who\nis it?", ("me", "you", "we"))


@given(WORDS, st.lists(WORDS, min_size=2, max_size=26))
def test_options_come_back(question: list[str], options: list[list[str]]) -> None:
    lines = [f"{chr(65 + i)}. {' '.join(words)}" for i, words in enumerate(options)]
    asked = "\n".join([" ".join(question) + "?", *lines, "Please answer."])
    found, listed_options = split_options(asked)
    assert found == " ".join(question) + "?"
    assert list(listed_options) == [" ".join(words) for words in options]
    for i, words in enumerate(options):
        letter = chr(65 + i)
        assert chosen_option(letter, listed_options) == " ".join(words)
        assert chosen_option(f"{letter}. {' '.join(words)}", listed_options) == " ".join(words)


@pytest.mark.parametrize("answer", ["D", "A dog", "", "It is B.", "a", "B. me"])
def test_an_answer_without_a_letter_of_its_option_stays(answer: str) -> None:
    assert chosen_option(answer, ("me", "you")) == answer
