"""A scores' table in text: its name, all that it depends on, and what was found."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.store.files.text_table import text_table, wrapped


def section(
    name: str, protocol: str, rows: Sequence[Sequence[object]], heads: Sequence[str] = ()
) -> str:
    """Lines. A head that begins with ``>`` aligns its column to the right."""
    table = text_table(rows, heads) if rows else "  nothing to score"
    return "\n".join([name, wrapped(protocol, indent=2), table])
