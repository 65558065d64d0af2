"""How a question is put to the assistant: one of its task's paraphrases, by the sample's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.records.digest import digest
from pipeline.workflow.prompt import Prompt

FOLDER = "instructions"
OPTIONS = "options"
"""The file of instructions that says how options are listed."""


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
    task: str, question: str, sample_id: str, seed: int, prompts: Mapping[str, Prompt]
) -> str:
    """The question in the words of its task.

    A task without a file of instructions asks in the question's own words. A paraphrase that does
    not name ``question`` stands for the whole instruction.
    """
    prompt = _named(task, prompts)
    if prompt is None:
        return question
    return _chosen(prompt, {"question": question}, sample_id, seed)


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
    asked = _chosen(prompt, {OPTIONS: listed}, sample_id, seed)
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


def _chosen(prompt: Prompt, values: Mapping[str, str], sample_id: str, seed: int) -> str:
    items = paraphrases(prompt)
    item = items[int(digest([sample_id, seed, prompt.name], 8), 16) % len(items)]
    template = Prompt(prompt.name, item)
    named = {name: value for name, value in values.items() if name in template.variables}
    return template.render(named)
