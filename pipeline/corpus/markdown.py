"""Markdown in which texts of others stand: each shows as it is, and does nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.store.files.terminal import escaped

_MARKS = re.compile(r"([\\`*_\[\]<>#~&@$]|:(?=//)|(?<=www)\.)")
"""What begins anything but text in Markdown, HTML, formulas, and links that nobody marked."""
_LONG_ROWS = 12
_SHOWN_CHARS = 200


def plain(text: str) -> str:
    """A name that others chose: it shows as it is, and as nothing but text."""
    return _MARKS.sub(r"\\\1", _on_one_line(text))


def code(text: str) -> str:
    """A name that others chose, as code; a backtick in it would end that."""
    shown = _on_one_line(text).replace("`", "'")
    return f"`{shown}`" if shown else ""


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. A name that begins with ``>`` aligns its column to the right."""
    heads = [name.removeprefix(">") for name in names]
    rule = ["---:" if name.startswith(">") else "---" for name in names]
    lines = [heads, rule, *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def folded_table(what: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a long one is folded behind ``what`` and its number of rows."""
    whole = table(names, rows)
    return whole if len(rows) <= _LONG_ROWS else folded(f"{what}: {len(rows)} rows", whole)


def folded(what: str, text: str) -> str:
    """A text that a reader unfolds by a click."""
    return f"<details>\n<summary>{what}</summary>\n\n{text}\n\n</details>"


def fenced(text: str, language: str = "") -> str:
    """Lines of text as a block of code that nothing in them ends."""
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", text))])
    return f"{fence}{language}\n{text}\n{fence}"


def _on_one_line(text: str) -> str:
    """Without what a terminal or browser acts on, and not longer than a cell can be."""
    line = escaped(" ".join(text.split()))
    return line if len(line) <= _SHOWN_CHARS else f"{line[: _SHOWN_CHARS - 1]}…"


def _cell(text: str) -> str:
    """The text on one line, with nothing that ends a cell."""
    return " ".join(text.split()).replace("|", "\\|")
