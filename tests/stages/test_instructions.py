"""Every paraphrase with every kind of content reads as English."""

from __future__ import annotations

import re

import pytest

from pipeline.workflow.prompt import load_prompts
from stages._instructions import instruction, paraphrases, sentence, with_options

PROMPTS = load_prompts("instructions")
QUESTIONS = (
    "What colour is the ball?",
    "what happens after the ball stops",
    "Say how many cups are on the table.",
    "describe what the man does",
    "The man in the iPhone shop is ____.",
    'What does the sign "Gleis 3" say?',
    "What is written on the sign?\nA. yes\nB. no",
)
EVENTS = (
    "the picture is mostly grey",
    "The picture is mostly grey.",
    "A red ball rolls to the left",
    'a woman says "hello"',
    "The ball (a red one) stops!",
)
CONTENT = {
    **dict.fromkeys(("narration", "event_caption", "action_caption"), ("",)),
    **dict.fromkeys(("dense_captioning", "dense_captioning_after"), ("",)),
    **dict.fromkeys(("step_recognition", "step_recognition_after"), ("",)),
    **dict.fromkeys(("tsqa", "offline_qa"), QUESTIONS),
    **dict.fromkeys(("event_grounding", "event_grounding_after"), EVENTS),
}
JOINED_WRONGLY = (
    (re.compile(r"[.!?] +[a-z]"), "a sentence begins with a small letter"),
    (re.compile(r"  "), "two spaces"),
    (re.compile(r"[.,:;]\s*[.,:;?!]|[?!]{2}"), "two marks"),
    (re.compile(r"^\s|\s$"), "space around it"),
    (re.compile(r"[\w\"')] (Whenever|Keep|Answer|If|Let)\b"), "two sentences run into one"),
)


def rendered(task: str) -> list[tuple[str, str]]:
    """Each content of a task in each paraphrase that it can have."""
    said = [(c, instruction(task, c, f"{n}", 0, PROMPTS)) for c in CONTENT[task] for n in range(80)]
    return list(dict.fromkeys(said))


def test_each_task_has_typical_content() -> None:
    tasks = {name.split("/")[1] for name in PROMPTS} - {"options"}
    assert tasks == set(CONTENT)


@pytest.mark.parametrize("task", CONTENT)
def test_every_paraphrase_reads_as_english(task: str) -> None:
    items = paraphrases(PROMPTS[f"instructions/{task}"])
    found = rendered(task)
    assert len({text for content, text in found if "\n" not in content}) == len(items) * sum(
        "\n" not in content for content in set(map(sentence, CONTENT[task]))
    )
    for content, text in found:
        whole, _, options = text.partition("\n")
        for wrong, what in JOINED_WRONGLY:
            assert not wrong.search(whole), f"{what}: {text!r}"
        assert whole[0].isupper() and whole.rstrip("\"')")[-1] in ".?!", text
        if "\n" in content:
            assert options == "A. yes\nB. no"


@pytest.mark.parametrize("question", QUESTIONS[:-1])
def test_options_follow_on_lines_of_their_own(question: str) -> None:
    for number in range(20):
        text = instruction("offline_qa", question, f"{number}", 0, PROMPTS)
        asked, choose, *options = with_options(text, ["red", "blue"], "s", 0, PROMPTS).split("\n")
        assert (asked, options) == (text, ["A. red", "B. blue"])
        assert choose[0].isupper() and choose.endswith(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the picture is mostly grey", "The picture is mostly grey."),
        ("what happens", "What happens?"),
        ("Is it red", "Is it red?"),
        ("isolated trees", "Isolated trees."),
        ("iPhone falls", "iPhone falls."),
        ("3 cups", "3 cups."),
        ("a 3", "A 3."),
        ("he says 'stop.'", "He says 'stop.'"),
        ("he says 'stop'", "He says 'stop'."),
        ("éclairs arrive à l'été", "Éclairs arrive à l'été."),
        ("列車が停車", "列車が停車"),
        ("猫は何をしていますか\uff1f", "猫は何をしていますか\uff1f"),
        ("complete the sentence:", "Complete the sentence:"),
        ("which?\nA. red\nB. blue", "Which?\nA. red\nB. blue"),
        ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
        ("ﬁne", "ﬁne."),
        (" ", " "),
        ("", ""),
    ],
)
def test_a_sentence(text: str, expected: str) -> None:
    assert sentence(text) == expected
    assert sentence(expected) == expected
