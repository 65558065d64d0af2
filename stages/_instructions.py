"""How a question is put to the assistant: one of its task's paraphrases, by the sample's id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from pipeline.records import Annotation, Question, Response
from pipeline.records.annotation import AskedBy
from pipeline.records.digest import digest
from pipeline.workflow.prompt import Prompt

FOLDER = "instructions"
OPTIONS = "options"
"""The file of instructions that says how options are listed."""

_ASKING = re.compile(
    r"(what|which|who|whom|whose|where|when|why|how|is|are|was|were|do|does|did|can|could|has|have"
    r"|had|will|would|should)\b",
    re.IGNORECASE,
)
_WITH_CAPITALS = ("LATIN", "GREEK", "CYRILLIC")
_CLOSING = "\"')]\u201d\u2019\u00bb"
"""Quotation marks and brackets, which may stand behind a final mark."""


def paraphrases(prompt: Prompt) -> list[str]:
    """The items of a bullet list, each a template of its own."""
    return [item for _, item in _items(prompt)]


def problems(prompts: Mapping[str, Prompt]) -> Iterator[str]:
    """What is wrong with files of instructions: each item may name what it is given, no more."""
    if _named(OPTIONS, prompts) is None:
        yield f"there is no file {OPTIONS}.md among the instructions"
    for prompt in prompts.values():
        given = OPTIONS if prompt is _named(OPTIONS, prompts) else "question"
        if not paraphrases(prompt):
            yield f"{prompt.file}: there is no paraphrase: none of its lines begins with '- '"
        for number, item in _items(prompt):
            template = Prompt(prompt.name, "\n" * number + item)
            yield from template.problems({given: "Which?"}, optional=[given])


def instruction(
    task: str,
    question: str,
    sample_id: str,
    seed: int,
    prompts: Mapping[str, Prompt],
    asked_by: AskedBy = "start",
) -> str:
    """The question in the words of its task; of one asked after its evidence, those of the file
    ``<task>_after`` where there is one.

    A task without a file of instructions asks in the question's own words. In a paraphrase the
    question is a sentence (``sentence``); one of several lines stands at the end where any
    paraphrase has it there. A paraphrase that does not name ``question`` stands for the whole
    instruction.
    """
    afterwards = _named(f"{task}_after", prompts) if asked_by == "after_event" else None
    prompt = afterwards or _named(task, prompts)
    if prompt is None:
        return question
    items = paraphrases(prompt)
    if "\n" in question:
        items = [item for item in items if item.endswith("}}")] or items
    return _chosen(prompt, items, {"question": sentence(question)}, sample_id, seed)


def sentence(text: str) -> str:
    """The text with a capital letter first and a final mark, each where it lacks one.

    What has several lines, or ends in a script without capitals, keeps its end as it is; a first
    word with capitals of its own (``iPhone``) stays.
    """
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if first.islower() and len(text[0].upper()) == 1:
        text = text[0].upper() + text[1:]
    last = text.rstrip(_CLOSING)[-1:]
    lacks_mark = last.isdigit() or any(
        unicodedata.name(letter, "").startswith(_WITH_CAPITALS) for letter in last
    )
    if "\n" in text or not lacks_mark:
        return text
    return text + ("?" if _ASKING.match(text) else ".")


def with_options(
    text: str, options: Sequence[str], sample_id: str, seed: int, prompts: Mapping[str, Prompt]
) -> str:
    """The text, followed by the lettered options where there are any."""
    if not options:
        return text
    listed = "\n".join(lettered(i, option) for i, option in enumerate(options))
    prompt = _named(OPTIONS, prompts)
    if prompt is None:
        raise KeyError(OPTIONS)
    asked = _chosen(prompt, paraphrases(prompt), {OPTIONS: listed}, sample_id, seed)
    return f"{text}\n{asked}"


def lettered(index: int, option: str) -> str:
    """An option as it is listed and answered: ``B. applying adhesive``."""
    return f"{chr(ord('A') + index)}. {option}"


def _items(prompt: Prompt) -> Iterator[tuple[int, str]]:
    """The items of a bullet list, each with the number of its line, from 0."""
    for number, line in enumerate(prompt.text.splitlines()):
        if line.strip().startswith("- "):
            yield number, line.strip().removeprefix("- ")


def _named(name: str, prompts: Mapping[str, Prompt]) -> Prompt | None:
    """The prompt of that name in whatever folder."""
    return next((p for key, p in prompts.items() if key.rpartition("/")[2] == name), None)


def _chosen(
    prompt: Prompt, items: Sequence[str], values: Mapping[str, str], sample_id: str, seed: int
) -> str:
    item = items[int(digest([sample_id, seed, prompt.name], 8), 16) % len(items)]
    template = Prompt(prompt.name, item)
    named = {name: value for name, value in values.items() if name in template.variables}
    return template.render(named)


def worded(annotation: Annotation, seed: int, prompts: Mapping[str, Prompt]) -> Annotation:
    """The annotation with questions put as instructions, and answers by letter of an option."""
    chance = annotation.annotation_id

    def put(question: Question) -> Question:
        task = annotation.task
        text = instruction(task, question.text, chance, seed, prompts, question.asked_by)
        text = with_options(text, question.options, chance, seed, prompts)
        return question.model_copy(update={"text": text})

    options = {question.qid: question.options for question in annotation.questions}

    def answer(response: Response) -> Response:
        choices = options.get(response.qid, [])
        if response.text not in choices:
            return response
        text = lettered(choices.index(response.text), response.text)
        return response.model_copy(update={"text": text})

    return annotation.model_copy(
        update={
            "questions": [put(question) for question in annotation.questions],
            "responses": [answer(response) for response in annotation.responses],
        }
    )
