"""The verb that lists and removes the files that no recipe reaches."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import SetOption, planned, run_root
from pipeline.errors import ConfigError
from pipeline.execution.garbage import MEANINGS, Garbage, find_garbage, remove_garbage, token
from pipeline.store.files.text_table import text_table
from pipeline.store.location import Location

MEGABYTE = 1_000_000
MOST_FOLDERS = 20


def remove_unreached(
    configs: Annotated[
        list[Path],
        typer.Option("-c", "--config", help="All runs that share run.root. Repeatable."),
    ],
    overrides: SetOption = None,
    remove: Annotated[
        str, typer.Option(metavar="TOKEN", help="Remove what was listed under this token.")
    ] = "",
    replies: Annotated[
        bool, typer.Option("--replies", help="Also replies, which would be asked for again.")
    ] = False,
    every_file: Annotated[bool, typer.Option("--files", help="List every file.")] = False,
) -> None:
    """List the files that no recipe of these configs reaches; with the token, remove them.

    An edit leaves the parts of before, so that it can be taken back. Give all configs that share a
    run.root: what only another one reaches is garbage here. Nothing is removed while a run is alive
    there, or if the list has changed since it was shown. First come the sums by cause, then the
    folders, at last the token. What models said is kept, so that no ask is paid for twice, unless
    --replies is given.
    """
    runs = [planned(config, overrides, None) for config in configs]
    roots = {run_root(settings) for settings, _ in runs}
    if len(roots) > 1:
        raise ConfigError(f"-c: they differ in run.root: {', '.join(map(str, sorted(roots)))}")
    (root,) = roots
    found = find_garbage([plans for _, plans in runs], root)
    kept = [each for each in found if each.is_replied and not replies]
    garbage = [each for each in found if replies or not each.is_replied]
    if not garbage:
        typer.echo(f"{root}: nothing to remove{_and_kept(kept)}")
        return
    listed = token(garbage)
    if remove == listed:
        remove_garbage(garbage, root)
        typer.echo(f"{root}: removed {_total(garbage)}")
        return
    typer.echo(f"{root}: {_total(garbage)} that no config given here reaches{_and_kept(kept)}\n")
    typer.echo(_summary(garbage) + "\n")
    typer.echo("\n".join(_files(garbage, root) if every_file else _folders(garbage, root)))
    if remove:
        raise ConfigError(f"--remove: {remove} is another list; this one is {listed}")
    typer.echo(f"\nto remove {_total(garbage)}: the same command with --remove {listed}")


def _and_kept(replies: Sequence[Garbage]) -> str:
    return f"; {_total(replies)} of replies are kept (--replies)" if replies else ""


def _total(garbage: Sequence[Garbage]) -> str:
    return f"{len(garbage):,} files, {_megabytes(garbage)} MB"


def _megabytes(garbage: Iterable[Garbage]) -> str:
    return f"{sum(each.size_bytes for each in garbage) / MEGABYTE:,.1f}"


def _summary(garbage: Sequence[Garbage]) -> str:
    """A row for each cause: files, MB, and of how many nodes and recipes."""
    rows = []
    for why, meaning in MEANINGS.items():
        found = [each for each in garbage if each.why == why]
        if found:
            recipes = {(each.node, each.recipe) for each in found if each.node}
            counts = len({node for node, _ in recipes}), len(recipes)
            rows.append((f"{len(found):,}", _megabytes(found), *counts, f"{why}: {meaning}"))
    return text_table(rows, (">files", ">MB", ">nodes", ">recipes", "why"))


def _folders(garbage: Sequence[Garbage], root: Location) -> Iterator[str]:
    """The folders with most bytes, one a recipe, and how many there are besides."""
    inside: dict[tuple[str, str], list[Garbage]] = {}
    for each in garbage:
        folder = f"parts/{each.node}/{each.recipe}" if each.node else _below(root, each.file.parent)
        inside.setdefault((each.why, folder), []).append(each)
    largest = sorted(inside.items(), key=lambda item: -sum(each.size_bytes for each in item[1]))
    rows = [(len(found), _megabytes(found), *key) for key, found in largest[:MOST_FOLDERS]]
    yield text_table(rows, (">files", ">MB", "why", "folder"))
    if rest := largest[MOST_FOLDERS:]:
        yield f"and {len(rest):,} folders more, with fewer bytes; --files lists every file"


def _files(garbage: Sequence[Garbage], root: Location) -> Iterator[str]:
    for each in garbage:
        mark = "/" if each.is_folder else ""
        yield f"{each.size_bytes} {_below(root, each.file)}{mark} ({each.why})"


def _below(root: Location, file: Location) -> str:
    return file.address.removeprefix(f"{root}/")
