"""The verb that makes a manifest of a public dataset's annotation files and of local videos."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer
from pydantic import ValidationError

from pipeline.manifest.find import find_adapter, known_adapters
from pipeline.manifest.ledger import Without, load_ledger
from pipeline.manifest.make import Wanted, make_manifest, rejects_beside
from pipeline.manifest.rules import Rules
from pipeline.manifest.write import ENDINGS
from pipeline.options import FAILED, JsonOption, check_folder
from pipeline.suggest import ConfigError, did_you_mean, explain

SWITCHES: tuple[Without, ...] = get_args(Without)


def make_manifest_file(
    source: Annotated[str | None, typer.Argument(help="Name of the dataset's adapter.")] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Folder of its annotation files, as they were published.")
    ] = None,
    videos: Annotated[
        list[Path] | None, typer.Option(help="Folder of its videos. May be repeated.")
    ] = None,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="JSON Lines or Parquet, by its ending.")
    ] = Path("manifest.jsonl"),
    split: Annotated[str, typer.Option(help="Only the videos of this split.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="So many rows at most.")] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="|".join(SWITCHES), help="Leave out what is under such terms. May be repeated."
        ),
    ] = None,
    by_licence: Annotated[
        bool, typer.Option("--by-licence", help="A file for each family of licences.")
    ] = False,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            metavar="k=v",
            help="reversed=swap, no_end=next, unassigned=keep, or one of the adapter's own. May be"
            " repeated.",
        ),
    ] = None,
    list_adapters: Annotated[
        bool, typer.Option("--list", help="List the adapters instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a manifest of a dataset: its annotation files as published, and videos on this machine.

    Says what became of every record. OUT.rejects.jsonl names what is not in the manifest, and why:
    videos without a file too, which is usual. Exit status 1: there is no row at all.
    """
    if list_adapters:
        _list(as_json)
        return
    if source is None or annotations is None or not videos:
        raise ConfigError("manifest: give a SOURCE, --annotations and --videos; or --list")
    own, rules = _options(options or ())
    adapter = find_adapter(source, own)
    if not annotations.exists():
        raise ConfigError(f"--annotations: there is no folder {annotations}")
    for folder in videos:
        check_folder(folder)
    if out.suffix not in ENDINGS or out.is_dir():
        raise ConfigError(f"-o: {out} is no file that ends in {' or '.join(ENDINGS)}")
    for name in without or ():
        if name not in SWITCHES:
            hint = did_you_mean(name, SWITCHES)
            raise ConfigError(f"--without: {name!r} is not one of {', '.join(SWITCHES)}{hint}")
    chosen = frozenset(name for name in SWITCHES if name in (without or ()))
    account, written = make_manifest(
        adapter,
        annotations,
        videos,
        out,
        load_ledger(),
        rules=rules,
        wanted=Wanted(split, limit, chosen),
        by_licence=by_licence,
    )
    told = account.as_json() | {"manifests": [str(path) for path in written]}
    typer.echo(json.dumps(told, indent=2) if as_json else account.to_text())
    for path in written:
        typer.echo(f"manifest: {path}", err=as_json)
    typer.echo(f"not in it: {rejects_beside(out)}", err=True)
    if not account.rows:
        typer.echo("error: not one row could be made", err=True)
        raise typer.Exit(FAILED)


def _options(given: Sequence[str]) -> tuple[Mapping[str, str], Rules]:
    """The adapter's own options, and the rules."""
    pairs: dict[str, str] = {}
    for option in given:
        name, equals, value = option.partition("=")
        if not equals or not name or name in pairs:
            problem = "stands there twice" if name in pairs else "must be name=value"
            raise ConfigError(f"--option {option!r}: {problem}")
        pairs[name] = value
    of_rules = {name: pairs.pop(name) for name in Rules.model_fields if name in pairs}
    try:
        return pairs, Rules.model_validate(of_rules)
    except ValidationError as error:
        raise ConfigError(explain(error, Rules, "--option")) from None


def _list(as_json: bool) -> None:
    ledger = load_ledger()
    rows: list[dict[str, str | bool | None]] = []
    for known in known_adapters():
        adapter = known.adapter
        terms = ledger.get(adapter.licence) if adapter else None
        rows.append(
            {
                "name": known.name,
                "title": adapter.title if adapter else known.headline,
                "proven": adapter.proven if adapter else None,
                "proof": adapter.proof if adapter else "",
                "licence": terms.licence if terms else None,
                "family": terms.family if terms else None,
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    states = {"True": "proven", "False": "not proven", "None": "by options"}
    for row in rows:
        state = states[str(row["proven"])]
        typer.echo(f"{row['name']:22} {state:11} {row['title']}\n{'':34} {row['licence'] or ''}")
