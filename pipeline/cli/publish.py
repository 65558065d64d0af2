"""The verb ``publish``: a corpus on the HF Hub."""

import getpass
import os
import re
import socket
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.exit_status import FAILED
from pipeline.cli.options import SetOption, planned, run_root
from pipeline.corpus.hub.leaks import Own
from pipeline.corpus.hub.licences import Entry, Licences
from pipeline.corpus.hub.release import ALLOWED, Choice, make_release
from pipeline.corpus.hub.text import SCREEN_REFUSALS, text_of_release
from pipeline.errors import ConfigError, did_you_mean
from pipeline.manifest.adapters.licences import load_licences
from pipeline.records import ShardFile

_SECRET_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_SHORTEST_SECRET = 12


def publish_files(
    corpus: Annotated[Path | None, typer.Argument(help="A corpus folder, in place of -c.")] = None,
    repo: Annotated[
        str, typer.Option(metavar="ORG/NAME", help="Of the dataset; made if it is not there.")
    ] = "",
    config: Annotated[Path | None, typer.Option("-c", "--config", help="The run.")] = None,
    overrides: SetOption = None,
    private: Annotated[
        bool, typer.Option("--private", help="Only if nobody else sees it.")
    ] = False,
    revision: Annotated[str, typer.Option(metavar="TAG", help="Tag of this release.")] = "",
    frames: Annotated[
        bool, typer.Option("--frames", help="Send the frames too, where every licence allows it.")
    ] = False,
    video_roots: Annotated[
        list[str] | None,
        typer.Option(
            "--video-root",
            metavar="FOLDER",
            help="A uri below it leaves as the path from there. May be repeated.",
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="|".join(ALLOWED), help="Send what is refused otherwise. May be repeated."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would leave, and send nothing.")
    ] = False,
) -> None:
    """Publish the corpus of a finished run, or a corpus folder, on the HF Hub.

    Annotations leave, and frames on request. Before anything does, every row, card and setting is
    looked through for keys, paths, buckets, hosts and user names, and the licences of all rows are
    looked up in data_manifest/licences.yaml. Files go to a pull request, are compared there by
    digest, and are merged at once: who reads the dataset sees the old corpus or the new one. The
    same command goes on after whatever stopped it. The token is the one of `hf auth login`, or in
    HF_TOKEN.
    """
    if not repo:
        raise ConfigError("publish: give the dataset with --repo ORG/NAME")
    for name in allow or ():
        if name not in ALLOWED:
            raise ConfigError(f"--allow: unknown {name!r}{did_you_mean(name, ALLOWED)}")
    folder = _folder(corpus, config, overrides)
    choice = Choice(frames, frozenset(allow or ()), video_roots or (), _own())
    try:  # Not above: the Hub's client takes a third of a second to load.
        from pipeline.corpus.hub.client import HubClient  # noqa: PLC0415
        from pipeline.corpus.hub.send import send  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(f"publish needs {error.name}: install turnwise[hub]") from None
    hub = HubClient(repo)
    with tempfile.TemporaryDirectory(prefix="turnwise-publish-") as copies:
        release = make_release(folder, choice, _licences(), Path(copies))
        shown = SCREEN_REFUSALS if dry_run else len(release.refusals)
        typer.echo(text_of_release(release, folder, repo, shown))
        if release.refusals:
            typer.echo("error: nothing was sent, see what is refused", err=True)
            raise typer.Exit(FAILED)
        if dry_run:
            typer.echo("dry run: nothing was sent")
            return
        sent = send(release, hub, typer.echo, private=private, tag=revision)
    if sent.is_new:
        typer.echo(
            f"sent {sent.uploaded} files, {sent.uploaded_bytes:,} bytes; removed {sent.removed}"
        )
    else:
        typer.echo("all of it was there already")
    typer.echo(f"publish: {hub.address} at {revision or sent.commit}")


def _folder(corpus: Path | None, config: Path | None, overrides: Sequence[str] | None) -> Path:
    """The corpus that a verb was given.

    Raises:
        ConfigError: none or two were given, the run is not finished, or it is in an object store.
    """
    if (corpus is None) == (config is None):
        raise ConfigError("publish: give a run with -c, or a corpus, and not both")
    if config is None:
        if overrides:
            raise ConfigError("--set: of a run alone, not of a corpus")
        assert corpus is not None
        return corpus
    settings, plans = planned(config, overrides, None)
    made = [plan for plan in plans if plan.node.stage.writes is ShardFile]
    if not made or any(plan.missing for plan in made):
        raise ConfigError("the run is not finished: its corpus is to be made")
    place = run_root(settings) / "corpus"
    if place.path is None:
        advice = "copy it to a folder, and publish that"
        raise ConfigError(f"not supported: publish from an object store ({place}); {advice}")
    return place.path


def _licences() -> Licences:
    return Licences(
        {
            name: Entry(terms.licence, terms.family, frozenset(terms.publish))
            for name, terms in load_licences().items()
        }
    )


def _own() -> Own:
    """User and host, and the values of keys in the environment."""
    secrets = [
        value
        for name, value in sorted(os.environ.items())
        if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST_SECRET
    ]
    names = [socket.gethostname()]
    with suppress(KeyError, OSError):  # a user without a name, in some containers
        names.append(getpass.getuser())
    return Own(names, secrets)
