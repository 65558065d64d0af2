"""The verb that lists and removes the files that no recipe reaches."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import SetOption, planned, run_root
from pipeline.errors import ConfigError
from pipeline.execution.garbage import Garbage, find_garbage, remove_garbage, token
from pipeline.store.files.text_table import text_table

MEGABYTE = 1_000_000


def remove_unreached(
    configs: Annotated[
        list[Path],
        typer.Option("-c", "--config", help="All runs that share run.root. Repeatable."),
    ],
    overrides: SetOption = None,
    remove: Annotated[
        str, typer.Option(metavar="TOKEN", help="Remove what was listed under this token.")
    ] = "",
    every_file: Annotated[bool, typer.Option("--files", help="List every file.")] = False,
) -> None:
    """List the files that no recipe of these configs reaches; with the token, remove them.

    An edit leaves the parts of before, so that it can be taken back. Give all configs that share a
    run.root: what only another one reaches is garbage here. Nothing is removed while a run is alive
    there, or if the list has changed since it was shown.
    """
    runs = [planned(config, overrides, None) for config in configs]
    roots = {run_root(settings) for settings, _ in runs}
    if len(roots) > 1:
        raise ConfigError(f"-c: they differ in run.root: {', '.join(map(str, sorted(roots)))}")
    (root,) = roots
    garbage = find_garbage([plans for _, plans in runs], root)
    if not garbage:
        typer.echo(f"{root}: nothing to remove")
        return
    listed = token(garbage)
    if remove == listed:
        remove_garbage(garbage, root)
        typer.echo(f"{root}: removed {_total(garbage)}")
        return
    typer.echo("\n".join(map(_line, garbage)) if every_file else _table(garbage))
    if remove:
        raise ConfigError(f"--remove: {remove} is another list; this one is {listed}")
    typer.echo(f"\nto remove {_total(garbage)}: the same command with --remove {listed}")


def _total(garbage: Sequence[Garbage]) -> str:
    size = sum(each.size_bytes for each in garbage)
    return f"{len(garbage)} files, {size / MEGABYTE:,.1f} MB"


def _line(garbage: Garbage) -> str:
    return f"{garbage.size_bytes} {garbage.file} ({garbage.why})"


def _table(garbage: Sequence[Garbage]) -> str:
    count: Counter[tuple[str, str]] = Counter()
    size: Counter[tuple[str, str]] = Counter()
    for each in garbage:
        key = (each.why, each.file.parent.address)
        count[key] += 1
        size[key] += each.size_bytes
    rows = [(count[key], f"{size[key] / MEGABYTE:,.1f}", *key) for key in count]
    return text_table(rows, (">files", ">MB", "why", "folder"))
