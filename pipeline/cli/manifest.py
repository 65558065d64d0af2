"""The verb ``manifest``: makes a manifest of datasets' annotation files and of local videos."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar, get_args

import typer
from pydantic import ValidationError

from pipeline.cli.exit_status import FAILED
from pipeline.cli.file_options import check_folder
from pipeline.cli.options import JsonOption
from pipeline.errors import ConfigError, did_you_mean, explain
from pipeline.manifest.adapters.licences import Without, load_licences
from pipeline.manifest.make import Source, make_manifest, rejects_beside
from pipeline.manifest.reconcile.combination import ENDINGS as COMBINATIONS
from pipeline.manifest.reconcile.combination import Combination, SourceItem, load_combination
from pipeline.manifest.reconcile.file_evidence import Link
from pipeline.manifest.registry import known_adapters, lookup_adapter
from pipeline.manifest.rules import Rules
from pipeline.manifest.survey import Wanted
from pipeline.manifest.write import ENDINGS
from pipeline.store.location import Location

SWITCHES: tuple[Without, ...] = get_args(Without)
LINKS: tuple[Link, ...] = get_args(Link)

T = TypeVar("T", bound=str)


def make_manifest_file(
    source: Annotated[
        str | None,
        typer.Argument(help="Name of the dataset's adapter; or a YAML file that combines several."),
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Folder of its annotation files, as they were published.")
    ] = None,
    videos: Annotated[
        list[str] | None,
        typer.Option(help="Folder of its videos, also s3:// and gs://. May be repeated."),
    ] = None,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="JSON Lines or Parquet, by its ending.")
    ] = Path("manifest.jsonl"),
    split: Annotated[str, typer.Option(help="Only the videos of this split.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="The most rows, drawn by hash rank.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="|".join(SWITCHES), help="Leave out what has such terms. May be repeated."
        ),
    ] = None,
    hold_out: Annotated[
        list[Path] | None,
        typer.Option(
            help="List of videos to keep out of training: text, CSV, JSON or JSON Lines. May be"
            " repeated."
        ),
    ] = None,
    identity: Annotated[
        list[str] | None,
        typer.Option(
            metavar="|".join(LINKS),
            help="Find equal videos by the bytes of their files, or by their frames. May be"
            " repeated.",
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
    """Make a manifest of datasets: annotation files as published, and videos here or in stores.

    Reports what became of every record. OUT.rejects.jsonl lists what is not in the manifest, and
    why; videos without a file are usual. Exit status 1: the manifest has no row.
    """
    if list_adapters:
        _list(as_json)
        return
    if out.suffix not in ENDINGS or out.is_dir():
        raise ConfigError(f"-o: {out} is no file that ends in {' or '.join(ENDINGS)}")
    if source is not None and source.endswith(COMBINATIONS):
        own = (annotations, videos, split, limit, without, hold_out, identity, options)
        if any(value is not None and value != "" for value in own):
            raise ConfigError(f"manifest: of a combination all but -o stands in {source}")
        combination = load_combination(Path(source))
    else:
        if source is None or annotations is None or not videos:
            raise ConfigError("manifest: give a SOURCE, --annotations and --videos; or --list")
        item = SourceItem(
            source=source,
            annotations=annotations,
            videos=tuple(videos),
            options=_options(options or ()),
            split=split,
            limit=limit,
            without=_some_of("--without", without or (), SWITCHES),
        )
        combination = Combination(
            sources=(item,),
            hold_out=tuple(hold_out or ()),
            identity=_some_of("--identity", identity or (), LINKS),
        )
    several = source.endswith(COMBINATIONS)
    sources = [
        _source(item, f"{source}: sources.{place}: " if several else "")
        for place, item in enumerate(combination.sources)
    ]
    report, written = make_manifest(
        sources, out, load_licences(), chosen=combination, by_licence=by_licence
    )
    values = report.as_json() | {"manifests": [str(path) for path in written]}
    typer.echo(json.dumps(values, indent=2) if as_json else report.to_text())
    for path in written:
        typer.echo(f"manifest: {path}", err=as_json)
    typer.echo(f"rejects: {rejects_beside(out)}", err=True)
    if not report.rows:
        typer.echo("error: the manifest has no row", err=True)
        raise typer.Exit(FAILED)


def _source(item: SourceItem, prefix: str) -> Source:
    """The source of an item; ``prefix`` is put before the messages of errors.

    Raises:
        ConfigError: there is no such adapter, folder or option.
    """
    own = dict(item.options)
    of_rules = {name: own.pop(name) for name in Rules.model_fields if name in own}
    try:
        rules = Rules.model_validate(of_rules)
        adapter = lookup_adapter(item.source, own)
        if not item.annotations.exists():
            raise ConfigError(f"--annotations: there is no folder {item.annotations}")
        videos = [Location.of(folder) for folder in item.videos]
        for folder in videos:
            check_folder(folder.path)
    except ValidationError as error:
        raise ConfigError(prefix + explain(error, Rules, "--option")) from None
    except ConfigError as error:
        raise ConfigError(f"{prefix}{error}") from None
    wanted = Wanted(item.split, item.limit, frozenset(item.without))
    return Source(item.called, adapter, item.annotations, videos, rules, wanted, item.share)


def _options(options: Sequence[str]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name or name in pairs:
            problem = "stands there twice" if name in pairs else "must be name=value"
            raise ConfigError(f"--option {option!r}: {problem}")
        pairs[name] = value
    return pairs


def _some_of(option: str, names: Sequence[str], known: tuple[T, ...]) -> tuple[T, ...]:
    """The names, in the order of the known ones.

    Raises:
        ConfigError: one is not known.
    """
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"{option}: {name!r} is not one of {', '.join(known)}{hint}")
    return tuple(name for name in known if name in names)


def _list(as_json: bool) -> None:
    licences = load_licences()
    rows: list[dict[str, str | bool | None]] = []
    for known in known_adapters():
        adapter = known.adapter
        terms = licences.get(adapter.licence) if adapter else None
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
