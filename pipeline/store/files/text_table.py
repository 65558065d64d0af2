"""Tables and lists as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from itertools import zip_longest

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from pipeline.store.files.terminal import escaped

TEXT_WIDTH = 80
"""Columns of text for people, in a terminal, a pipe and a file alike."""
_WIDER_THAN_ANY = 1 << 20
_BOUND_SPACE = "\N{NO-BREAK SPACE}"


def text_table(
    rows: Iterable[Sequence[object]], heads: Sequence[str] = (), widths: Sequence[int] = ()
) -> str:
    """Lines of aligned columns, two spaces apart; the same in a terminal, a pipe and a file.

    A head that begins with ``>`` aligns its column to the right; without heads there is no head
    line. A column is as wide as its widest cell, and at least as its entry of ``widths``, which is
    for rows that are printed one by one. A cell may have several lines. Nothing is coloured,
    wrapped, cut off or read as markup; what a terminal may act on is escaped. A row takes about a
    millisecond: not for long listings.
    """
    table = Table(box=None, pad_edge=False, show_header=bool(heads))
    for head, width in zip_longest(heads, widths):
        justify: JustifyMethod = "right" if (head or "").startswith(">") else "left"
        table.add_column((head or "").removeprefix(">"), justify=justify, min_width=width)
    for row in rows:
        table.add_row(*(Text(escaped(str(cell), keep="\n")) for cell in row))
    text = StringIO()
    console = Console(file=text, width=_WIDER_THAN_ANY, color_system=None, force_terminal=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().removesuffix("\n").split("\n"))


def wrapped(text: str, indent: int = 0, hanging: int = 0) -> str:
    """The words of a text in lines of at most ``TEXT_WIDTH``, unless one word is longer.

    Every line is indented by ``indent`` spaces, all but the first by ``hanging`` more. White space
    becomes single spaces; a name and its count (``named``) stay together.
    """
    lines = textwrap.wrap(
        text,
        TEXT_WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_BOUND_SPACE, " ")


def named(counts: Mapping[str, int]) -> str:
    """The counts by name in their order, such as ``damaged 3, malformed 1``; for ``wrapped``."""
    return ", ".join(f"{name}{_BOUND_SPACE}{count:,}" for name, count in counts.items())


def in_brackets(counts: Mapping[str, int], form: str = ",") -> str:
    """The counts by name, such as `` (damaged 3, malformed 1)``; empty where there are none."""
    items = ", ".join(f"{name} {count:{form}}" for name, count in sorted(counts.items()))
    return f" ({items})" if items else ""
