"""How a question is put to the assistant: one of its task's paraphrases, by the sample's id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.records.digest import digest
from pipeline.workflow.prompt import Prompt

FOLDER = "instructions"


def paraphrases(prompt: Prompt) -> list[str]:
    """The items of a bullet list, each a template of its own."""
    lines = (line.strip() for line in prompt.text.splitlines())
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def instruction(
    task: str, question: str, sample_id: str, seed: int, prompts: Mapping[str, Prompt]
) -> str:
    """The question in the words of its task.

    A task without a file of instructions asks in the question's own words. A paraphrase that does
    not name ``question`` stands for the whole instruction.
    """
    prompt = prompts.get(f"{FOLDER}/{task}")
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
    asked = _chosen(prompts[f"{FOLDER}/options"], {"options": listed}, sample_id, seed)
    return f"{text}\n{asked}"


def lettered(index: int, option: str) -> str:
    """An option as it is listed and answered: ``B. applying adhesive``."""
    return f"{chr(ord('A') + index)}. {option}"


def _chosen(prompt: Prompt, values: Mapping[str, str], sample_id: str, seed: int) -> str:
    items = paraphrases(prompt)
    item = items[int(digest([sample_id, seed, prompt.name], 8), 16) % len(items)]
    template = Prompt(prompt.name, item)
    named = {name: value for name, value in values.items() if name in template.variables}
    return template.render(named)
