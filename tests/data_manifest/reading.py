"""Files written by hand, and what an adapter reads in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.manifest.adapters.adapter import Adapter, read_file
from pipeline.manifest.adapters.entry import Entry, RawAnnotation, Unread


def read(adapter: Adapter, folder: Path) -> list[Entry | Unread]:
    """All that the adapter finds below a folder, in the order of its files."""
    return [
        item
        for file in adapter.files
        for path in sorted(folder.glob(file.pattern))
        for item in read_file(file, path)
    ]


def written(adapter: Adapter, folder: Path, name: str, content: Any) -> list[Entry | Unread]:
    """What the adapter reads of one file, whose content is JSON or a text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return read(adapter, folder)


def only(items: list[Entry | Unread]) -> Entry:
    """The one entry that was read."""
    (item,) = items
    assert isinstance(item, Entry), item
    return item


def spans(entry: Entry) -> list[tuple[float | None, float | None]]:
    """Start and end of every annotation, in order."""
    return [(one.start_s, one.end_s) for one in entry.annotations]


def texts(entry: Entry) -> list[str | None]:
    """The text of every annotation, in order."""
    return [one.text for one in entry.annotations]


def annotations_of(items: list[Entry | Unread]) -> list[RawAnnotation]:
    """The annotations of all entries."""
    return [one for item in items if isinstance(item, Entry) for one in item.annotations]
