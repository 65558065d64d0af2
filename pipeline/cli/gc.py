"""The verb that removes what no recipe reaches any more, once it was seen."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import FAILED, SetOption, planned, run_root
from pipeline.errors import ConfigError
from pipeline.execution.garbage import Garbage, LiveRunError, find_garbage, remove_garbage, token

MEGABYTE = 1_000_000


def remove_unreached(
    configs: Annotated[
        list[Path], typer.Option("-c", "--config", help="Every run that lives there. Repeatable.")
    ],
    overrides: SetOption = None,
    remove: Annotated[
        str, typer.Option(metavar="TOKEN", help="Remove what was listed under this token.")
    ] = "",
    every_file: Annotated[bool, typer.Option("--files", help="List every file.")] = False,
) -> None:
    """List the parts that no recipe of these configs reaches, and remove them when asked again.

    An edit leaves the parts of before, so that it can be taken back. Configs that share a run.root
    must all be given: what only another of them reaches is garbage here. Nothing is removed while a
    run is alive there, or if the list has changed since it was shown.
    """
    both = [planned(config, overrides, None) for config in configs]
    roots = {run_root(settings) for settings, _ in both}
    if len(roots) > 1:
        raise ConfigError(f"-c: these live in several places: {', '.join(map(str, sorted(roots)))}")
    (root,) = roots
    garbage = find_garbage([plans for _, plans in both], root)
    if not garbage:
        typer.echo(f"{root}: nothing to remove")
        return
    listed = token(garbage)
    if remove and remove == listed:
        try:
            remove_garbage(garbage, root)
        except LiveRunError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(FAILED) from None
        typer.echo(f"{root}: removed {_sum(garbage)}")
        return
    typer.echo(_table(garbage, every_file=every_file))
    if remove:
        raise ConfigError(f"--remove: {remove} is another list; this one is {listed}")
    typer.echo(f"\nto remove {_sum(garbage)}: the same command with --remove {listed}")


def _sum(garbage: Sequence[Garbage]) -> str:
    size = sum(each.size_bytes for each in garbage)
    return f"{len(garbage)} files, {size / MEGABYTE:,.1f} MB"


def _table(garbage: Sequence[Garbage], *, every_file: bool) -> str:
    if every_file:
        return "\n".join(f"{each.size_bytes:>12} {each.file}  ({each.why})" for each in garbage)
    count: Counter[tuple[str, str]] = Counter()
    size: Counter[tuple[str, str]] = Counter()
    for each in garbage:
        key = (each.file.parent.address, each.why)
        count[key] += 1
        size[key] += each.size_bytes
    return "\n".join(
        f"{count[key]:>6} files {size[key] / MEGABYTE:>12,.1f} MB  {key[0]}  ({key[1]})"
        for key in count
    )
