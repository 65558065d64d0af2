"""The verb ``publish``: a corpus on the HF Hub."""

import getpass
import os
import re
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.exit_status import FAILED
from pipeline.cli.options import SetOption, planned, run_root
from pipeline.corpus.hub.leaks import LeakPatterns, Own
from pipeline.corpus.hub.licences import Entry, Licences
from pipeline.corpus.hub.release import ALLOWED, Choice, make_release
from pipeline.corpus.hub.replies import make_replies
from pipeline.corpus.hub.text import SCREEN_REFUSALS, text_of_release
from pipeline.errors import ConfigError, did_you_mean
from pipeline.manifest.adapters.licences import load_licences
from pipeline.records import ShardFile
from pipeline.store.durable import remove, remove_abandoned, unfinished
from pipeline.store.location import Location
from pipeline.store.part_names import replies_path
from pipeline.workflow.plan import NodePlan

_SECRET_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_SHORTEST_SECRET = 12
_BUCKETS = "hf://"


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
    replies_to: Annotated[
        str,
        typer.Option(
            metavar="LOCATION",
            help="Copy the raw replies that the rows were made of there: a folder, s3:// or gs://.",
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would leave, and send nothing.")
    ] = False,
) -> None:
    """Publish the corpus of a finished run, or a corpus folder, on the HF Hub.

    Annotations leave, and frames on request. Before anything does, every row, card and setting is
    looked through for keys, paths, buckets, hosts and user names, and the licences of all rows are
    looked up in data_manifest/licences.yaml; where they are of several families, each gets files
    and configs of its own. Files go to a pull request, are compared there by digest, and are merged
    at once: who reads the dataset sees the old corpus or the new one. The same command goes on
    after whatever stopped it. The token is the one of `hf auth login`, or in HF_TOKEN.
    """
    if not repo:
        raise ConfigError("publish: give the dataset with --repo ORG/NAME")
    for name in allow or ():
        if name not in ALLOWED:
            raise ConfigError(f"--allow: unknown {name!r}{did_you_mean(name, ALLOWED)}")
    place = _place_of_replies(replies_to, config)
    folder, plans = _folder(corpus, config, overrides)
    choice = Choice(frames, frozenset(allow or ()), video_roots or (), _own())
    try:  # Not above: the Hub's client takes a third of a second to load.
        from pipeline.corpus.hub.client import HubClient  # noqa: PLC0415
        from pipeline.corpus.hub.send import send  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(f"publish needs {error.name}: install turnwise[hub]") from None
    hub = HubClient(repo)
    with _folder_of_copies() as copies:
        release = make_release(folder, choice, _licences(), copies / "corpus")
        replies = None
        if place is not None:
            parts = _replies(plans)
            replies = make_replies(parts, folder, LeakPatterns(choice.own), copies / "replies")
            release = replace(release, refusals=[*release.refusals, *replies.refusals])
        shown = SCREEN_REFUSALS if dry_run else len(release.refusals)
        typer.echo(text_of_release(release, folder, repo, shown))
        if replies is not None:
            typer.echo(f"replies     {replies.rows:,} in {len(replies.files)} files to {place}")
        if release.refusals:
            typer.echo("error: nothing was sent, see what is refused", err=True)
            raise typer.Exit(FAILED)
        if dry_run:
            typer.echo("dry run: nothing was sent")
            return
        sent = send(release, hub, typer.echo, private=private, tag=revision)
        if replies is not None and place is not None:
            replies.copy_to(place)
    if sent.is_new:
        typer.echo(
            f"sent {sent.uploaded} files, {sent.uploaded_bytes:,} bytes; removed {sent.removed}"
        )
    else:
        typer.echo("all of it was there already")
    typer.echo(f"publish: {hub.address} at {revision or sent.commit}")


def _place_of_replies(address: str, config: Path | None) -> Location | None:
    """Where replies go; None where they stay.

    Raises:
        ConfigError: there is no run that has any, or the place is none that can be written.
    """
    if not address:
        return None
    if config is None:
        raise ConfigError("--replies-to: of a run alone (-c), for a corpus has no replies")
    if address.startswith(_BUCKETS):
        advice = "give a folder, s3:// or gs://, and copy it with `hf buckets sync`"
        raise ConfigError(f"not supported: --replies-to a bucket of the Hub ({address}); {advice}")
    return Location.of(address)


def _replies(plans: Sequence[NodePlan]) -> Iterator[tuple[str, Location]]:
    for plan in plans:
        for made in plan.done():
            if made.asked:
                yield plan.node.name, replies_path(made.part)


def _folder(
    corpus: Path | None, config: Path | None, overrides: Sequence[str] | None
) -> tuple[Path, Sequence[NodePlan]]:
    """The corpus that a verb was given, and the plan of its run where that was.

    Raises:
        ConfigError: none or two were given, the run is not finished, or it is in an object store.
    """
    if (corpus is None) == (config is None):
        raise ConfigError("publish: give a run with -c, or a corpus, and not both")
    if config is None:
        if overrides:
            raise ConfigError("--set: of a run alone, not of a corpus")
        assert corpus is not None
        return corpus, ()
    settings, plans = planned(config, overrides, None)
    made = [plan for plan in plans if plan.node.stage.writes is ShardFile]
    if not made or any(plan.missing for plan in made):
        raise ConfigError("the run is not finished: its corpus is to be made")
    place = run_root(settings) / "corpus"
    if place.path is None:
        advice = "copy it to a folder, and publish that"
        raise ConfigError(f"not supported: publish from an object store ({place}); {advice}")
    return place.path, plans


@contextmanager
def _folder_of_copies() -> Iterator[Path]:
    """A folder for files that leave otherwise than they are. What earlier calls left that were
    killed is removed."""
    place = Path(tempfile.gettempdir(), "turnwise-publish")
    remove_abandoned(place)
    copies = unfinished(place)
    copies.mkdir(mode=0o700)
    try:
        yield copies
    finally:
        remove(copies)


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
