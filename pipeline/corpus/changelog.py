"""The changelog of a corpus: for each version of its rows, what changed against the one before."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.corpus.compare import Comparison, compare_corpora, sums_of
from pipeline.corpus.compare_runs import (
    RunChanges,
    changed_settings,
    changed_yields,
    read_config,
    read_facts,
)
from pipeline.corpus.counts import Slice
from pipeline.corpus.facts import RunFacts
from pipeline.corpus.layout import CorpusError
from pipeline.corpus.markdown import code, folded_table, plain

CHANGELOG: Final = "CHANGELOG.md"
"""The file of it in a corpus."""
_HEAD = "# Changelog\n\nVersions of the rows of this corpus, the newest first.\n"
_VERSION_CHARS = 12
_ENTRY = re.compile(r"^## ([0-9a-f]{12})$", re.MULTILINE)


def version_of(files: Mapping[str, str]) -> str:
    """12 hex digits of the files that hold rows, by path and digest: same rows, same version."""
    listed = "".join(f"{path} {sha256}\n" for path, sha256 in sorted(files.items()) if "/" in path)
    return hashlib.sha256(listed.encode()).hexdigest()[:_VERSION_CHARS]


def newest(changelog: str) -> tuple[str, str]:
    """Version and text of the newest entry; empty where there is none."""
    entries = list(_ENTRY.finditer(changelog))
    if not entries:
        return "", ""
    end = entries[1].start() if len(entries) > 1 else len(changelog)
    return entries[0][1], changelog[entries[0].end() : end].strip()


def on_card(changelog: str) -> str:
    """What the card says of the newest version."""
    version, changes = newest(changelog)
    versions = f"This is version `{version}`; [{CHANGELOG}]({CHANGELOG}) has all of them."
    return f"{versions}\n\n{changes}"


def with_entry(changelog: str, version: str, text: str) -> str:
    """The changelog with one more entry, which is the newest. An empty one gets its heading."""
    first = _ENTRY.search(changelog)
    older = changelog[first.start() :] if first else ""
    return f"{_HEAD}\n## {version}\n\n{text}\n" + (f"\n{older}" if older else "")


def first_entry(whole: Slice, before: str = "There was none before.") -> str:
    """What there is to say of a corpus that nothing is compared with."""
    return f"{_size(whole)}. {before}"


def entry(before: Path, after: Path, whole: Slice, former: str, facts: RunFacts) -> str:
    """What changed from the corpus folder ``before``, of version ``former``, to the files of
    ``after``, which do not know their run yet; ``facts`` do.

    Where the old one cannot be read as a corpus, the entry says so.

    Raises:
        OSError: the system does not let a file of the old one be read; it may do so later.
    """
    since = f" Since {code(former)}" if former else " Since the one before"
    try:
        comparison = compare_corpora(before, after)
    except CorpusError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno:  # Arrow's own has none
            raise error.__cause__ from None
        return f"{_size(whole)}.{since} nobody can say what changed: {code(error.reason)}."
    old = read_facts(before)
    run = RunChanges(
        settings=changed_settings(read_config(before), facts.config),
        yields=changed_yields(old, facts),
    )
    parts = [f"{_size(whole)}.{since}: {sums_of(comparison)}."]
    parts += _withdrawn(old, facts)
    parts += _tables(comparison, run)
    return "\n\n".join(parts)


def _size(whole: Slice) -> str:
    return f"{whole.dialogues:,} dialogues about {whole.videos:,} videos"


def _withdrawn(before: RunFacts | None, after: RunFacts) -> Iterator[str]:
    """What was withdrawn since, by reason."""
    old = {each.reason: each for each in before.withdrawn} if before else {}
    for each in after.withdrawn:
        was = old.get(each.reason)
        videos = each.videos - (was.videos if was else 0)
        samples = each.samples - (was.samples if was else 0)
        if videos > 0 or samples > 0:
            yield f"Withdrawn: {videos:,} videos, {samples:,} dialogues: {plain(each.reason)}."


def _tables(comparison: Comparison, run: RunChanges) -> Iterator[str]:
    if comparison.changes:
        rows: Sequence[Sequence[str]] = [
            (f"`{each.task}`", each.what, each.why, f"{each.samples:,}")
            for each in comparison.changes
        ]
        yield folded_table("Samples", ("task", "what", "why", ">samples"), rows)
        rows = [
            (
                f"`{task.task}`" if task.task else "all",
                *(_both(getattr(task.before, name), getattr(task.after, name)) for name in _COUNTS),
                f"{task.before.ratio} → {task.after.ratio}",
            )
            for task in comparison.tasks
            if task.before != task.after
        ]
        names = ("task", *(f">{name}" for name in _COUNTS), "silence : standby : response")
        if rows:
            yield folded_table("Counts", names, rows)
    if run.settings:
        rows = [(code(each.key), _value(each.before), _value(each.after)) for each in run.settings]
        yield folded_table("Settings", ("setting", "before", "after"), rows)
    if run.yields:
        rows = [
            (
                f"`{each.node}`",
                code(each.reason),
                ", ".join(f"{name} {_value(value)}" for name, value in each.settings.items()),
                _both(each.before, each.after),
            )
            for each in run.yields
        ]
        yield folded_table("Steps", ("step", "turned down for", "settings", ">rows"), rows)


_COUNTS = ("dialogues", "videos", "response")


def _both(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    return code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
