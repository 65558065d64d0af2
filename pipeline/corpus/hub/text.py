"""What would leave, for people: one screen of a terminal, however many files there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.corpus.hub.release import Release
from pipeline.corpus.picture import PICTURE
from pipeline.store.files.terminal import escaped
from pipeline.store.files.text_table import named, wrapped

SCREEN_REFUSALS = 4
"""As many refusals as a screen has lines for."""
CHECKED = "keys, paths, buckets, hosts, user names; models, splits, licences of every row"
_CONFIGS_SHOWN = 12
_INDENT = 12
_UNITS = ("bytes", "kB", "MB", "GB", "TB")

_PATH_CHARACTERS = 68
"""What a line of 80 has left beside its name."""


def text_of_release(release: Release, corpus: Path, repo: str, refusals: int) -> str:
    """Files, configs, licences, checks, what stays, and so many refusals at most."""
    kinds = Counter(_kind(file.path) for file in release.files)
    facts = {
        "corpus": _end_of(str(corpus)),
        "to": f"dataset {repo}, release {release.digest}",
        "files": f"{len(release.files)}, {size(release.size_bytes)}: {named(kinds)}",
        "rows": _few({f"{task}/{split}": n for (task, split), n in release.rows.items()}),
        "licences": f"rows by family: {named(release.families)}{_of_families(release)}",
        "uris": _uris(release),
        "stays": "; ".join(_staying(release)) or "nothing",
        "checked": CHECKED,
    }
    lines = [_line(name, text) for name, text in facts.items()]
    lines += [_line("refused", str(refusal)) for refusal in release.refusals[:refusals]]
    if (more := len(release.refusals) - refusals) > 0:
        lines.append(_line("", f"and {more} more, which are listed without --dry-run"))
    return "\n".join(lines)


def size(size_bytes: int) -> str:
    """Such as ``3.1 MB``."""
    value, unit = float(size_bytes), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size_bytes} bytes"


def _end_of(path: str) -> str:
    """A path, of a long one the end."""
    return path if len(path) <= _PATH_CHARACTERS else f"…{path[1 - _PATH_CHARACTERS :]}"


def _kind(path: str) -> str:
    if path == PICTURE:
        return "picture"
    return {".parquet": "Parquet", ".tar": "tar"}.get(path[path.rfind(".") :], "text")


def _few(counts: Mapping[str, int]) -> str:
    shown = dict(list(counts.items())[:_CONFIGS_SHOWN])
    more = len(counts) - len(shown)
    return named(shown) + (f", and {more} configs or splits more" if more else "")


def _uris(release: Release) -> str:
    rows = sum(release.rows.values())
    return f"{release.uris:,} of {rows:,} leave as the path below a folder, or as a file name"


def _of_families(release: Release) -> str:
    several = len(release.families) > 1 and not release.refusals
    return "; each has configs of its own" if several else ""


def _staying(release: Release) -> Iterator[str]:
    for why, (files, size_bytes) in release.left_out.items():
        yield f"{files} files, {size(size_bytes)} ({why})"


def _line(name: str, text: str) -> str:
    """The text behind its name, in lines of a terminal's width."""
    return f"{name:<{_INDENT}}" + wrapped(escaped(text), _INDENT)[_INDENT:]
