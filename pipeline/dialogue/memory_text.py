"""The memory of a window as text: what its first message begins with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from pipeline.records import Remembered

MemoryLayout = Literal["lines", "tags"]


def memory_text(memory: Sequence[Remembered], layout: MemoryLayout = "lines") -> str:
    """The memory, oldest first; empty where there is none.

    ``lines`` is ours: a line says what follows, then each summary is one with its seconds.
    ``tags`` is that of OneStreamer (arXiv:2610.01762): summaries that were merged, then those of
    single stretches, each list in tags of its own.
    """
    return MEMORY_LAYOUTS[layout](memory) if memory else ""


def _lines(memory: Sequence[Remembered]) -> str:
    return "\n".join(["Memory of what came before:", *map(_line, memory)])


def _tags(memory: Sequence[Remembered]) -> str:
    lists = {"SEMANTIC_SUMMARIES": "long", "EVENT_CAPTIONS": "middle"}
    held = {tag: [_line(m) for m in memory if m.level == level] for tag, level in lists.items()}
    parts = [
        line for tag, lines in held.items() if lines for line in (f"<{tag}>", *lines, f"</{tag}>")
    ]
    return "\n".join(["<LONG_TERM_VIDEO_MEMORY>", *parts, "</LONG_TERM_VIDEO_MEMORY>"])


def _line(one: Remembered) -> str:
    """On one line, whatever the summary holds."""
    return f"[{_seconds(one.start_s)}-{_seconds(one.end_s)}] {' '.join(one.text.split())}"


def _seconds(time_s: float) -> str:
    return f"{round(time_s, 3):.3f}".rstrip("0").rstrip(".") + "s"


MEMORY_LAYOUTS: Mapping[MemoryLayout, Callable[[Sequence[Remembered]], str]] = MappingProxyType(
    {"lines": _lines, "tags": _tags}
)
