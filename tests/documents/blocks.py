"""The fenced blocks of a document, and what is wrong with them.

A block of commands (``sh``) is run, or an HTML comment before it says why it is not:
``<!-- not run: it needs a GPU -->``. A block with a title is a file, which the commands find.
``<!-- its output -->`` before a block says that it is what the command before prints;
``<!-- file: examples/a.py -->`` stands for a file, which ``docs/hook.py`` shows there.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = {"sh", "python", "yaml", "json", "text"}
NOT_RUN = re.compile(r"<!-- not run: (\S.*) -->")
OUTPUT = "<!-- its output -->"
KNOWN = re.compile(rf"{NOT_RUN.pattern}|{OUTPUT}|<!-- file: \S+ -->")
SCRIPT = "pipeline/run.py"
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    line: int
    language: str
    title: str
    reason: str
    """Why it is not run; empty where it is."""
    is_output: bool
    text: str

    @property
    def runs(self) -> bool:
        """Whether it is commands or code to run."""
        return self.language == "sh" or (self.language == "python" and not self.title)


def blocks(document: str) -> Iterator[Block]:
    """All fenced blocks, in order."""
    lines = document.splitlines()
    start: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
            continue
        language, _, rest = lines[start][3:].partition(" ")
        before = lines[start - 1] if start else ""
        named, why = _TITLE.search(rest), NOT_RUN.fullmatch(before)
        yield Block(
            line=start + 1,
            language=language,
            title=named[1] if named else "",
            reason=why[1] if why else "",
            is_output=before == OUTPUT,
            text="\n".join(lines[start + 1 : number]) + "\n",
        )
        start = None


def problems(document: str) -> Iterator[str]:
    """Blocks that no test would look at: of no known language, or not fenced at all."""
    found = list(blocks(document))
    inside = {
        line
        for block in found
        for line in range(block.line, block.line + block.text.count("\n") + 2)
    }
    for block in found:
        if block.language not in LANGUAGES:
            yield f"line {block.line}: a block of {block.language or 'no language'}"
        if block.reason and not block.runs:
            yield f"line {block.line}: it would not be run anyway"
    for number, line in enumerate(document.splitlines(), 1):
        if number in inside:
            continue
        if line.startswith("<!--") and not KNOWN.fullmatch(line):
            yield f"line {number}: not a comment that is known: {line}"
        if line.startswith("    ") and line.strip().startswith(
            ("turnwise ", "python ", "make ", "ray ")
        ):
            yield f"line {number}: a command that is not in a block of sh"


def command_lines(text: str) -> Iterator[str]:
    """The commands of a block, those over several lines joined."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def turnwise_arguments(line: str) -> list[str] | None:
    """The arguments that a line gives to turnwise, perhaps in a job; None for another command."""
    words = shlex.split(line, comments=True)
    if words[:1] == ["turnwise"]:
        return words[1:]
    if SCRIPT in words:
        return words[words.index(SCRIPT) + 1 :]
    return None


def documents(root: Path) -> list[Path]:
    """README, all pages of docs/, and the documents beside code that are pages too."""
    beside = [root / name for name in ("README.md", "CONTRIBUTING.md", "data_manifest/README.md")]
    return [*beside, *sorted((root / "docs").rglob("*.md"))]
