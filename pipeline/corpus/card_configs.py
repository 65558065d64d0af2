"""The configs of a corpus, as the header of its card lists them for ``datasets`` and the Hub."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.corpus.layout import ALL, DATA, FRAMES, MESSAGES, PREVIEW, TRACES
from pipeline.corpus.names import PARQUET, with_family
from pipeline.records import ShardFile


def configs_of(files: Iterable[ShardFile]) -> list[dict[str, Any]]:
    """``all`` first, which is the default; one a task; then the other forms, where there are any.

    All have Parquet files, for ``datasets`` reads one format a repository; their splits have their
    names, and files are named by pattern, so a corpus that grows keeps its header. ``all`` has the
    same files as the tasks, nothing twice. The tars are in none: ``webdataset`` takes them by name.
    """
    kinds = {(file.path.partition("/")[0], file.task, file.split) for file in files}
    found = [_config(ALL, {split: f"{DATA}/*/{split}-*.parquet" for split in _splits(kinds, DATA)})]
    for task in sorted({task for kind, task, _ in kinds if kind == DATA}):
        patterns = {
            split: f"{DATA}/{task}/{split}-*.parquet" for split in _splits(kinds, DATA, task)
        }
        found.append(_config(task, patterns))
    for name in (MESSAGES, FRAMES, PREVIEW, TRACES):
        if splits := _splits(kinds, name):
            found.append(_config(name, {split: f"{name}/{split}-*.parquet" for split in splits}))
    found[0]["default"] = True
    return found


def configs_of_families(paths: Iterable[str]) -> list[dict[str, Any]]:
    """``licence-<family>`` has the dialogues of a family of licences; those with ``-messages`` and
    ``-frames`` behind it the other forms, where there are any."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for path in sorted(paths):
        place, _, name = path.rpartition("/")
        form = place.partition("/")[0]
        named = PARQUET.fullmatch(name)
        if named is None or not named["family"] or form not in (DATA, MESSAGES, FRAMES):
            continue
        below = f"{DATA}/*" if form == DATA else form
        patterns = found.setdefault((named["family"], form), {})
        patterns[named["split"]] = with_family(
            f"{below}/{named['split']}-*.parquet", named["family"]
        )
    return [
        _config(f"licence-{family}" + (f"-{form}" if form != DATA else ""), patterns)
        for (family, form), patterns in sorted(found.items())
    ]


def _splits(kinds: Iterable[tuple[str, str, str]], wanted: str, task: str = "") -> list[str]:
    return sorted({split for kind, of, split in kinds if kind == wanted and task in ("", of)})


def _config(name: str, patterns: dict[str, str]) -> dict[str, Any]:
    data_files = [{"split": split, "path": path} for split, path in patterns.items()]
    return {"config_name": name, "data_files": data_files}
