"""The verb ``report``: the page on which people look at a run and judge its samples."""

import getpass
import shlex
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Annotated

import typer

from pipeline.cli.options import ConfigOption, LimitOption, SetOption, planned, run_root
from pipeline.errors import ConfigError
from pipeline.reports.viewer.live import follow
from pipeline.reports.viewer.server import ReportServer
from pipeline.reports.viewer.shards import shown_nodes
from pipeline.reports.viewer.site import Site
from pipeline.workflow.config import RunConfig
from pipeline.workflow.curation import DECISIONS
from pipeline.workflow.plan import NodePlan


def write_report(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder to write; without it, report below run.root."),
    ] = None,
    frames: Annotated[
        int,
        typer.Option(min=0, help="Of so many videos the frames go along; served, of all."),
    ] = 200,
    serve: Annotated[
        bool, typer.Option("--serve", help="Then serve it, follow the run, and save decisions.")
    ] = False,
    host: Annotated[
        str, typer.Option(help="Address to serve on; by default this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
) -> None:
    """Write a page that shows the run and each sample, and with --serve, serve it.

    The folder works from a browser's file://, from any web server, and in a Space of the Hub. It
    asks no other host for anything. Served, it saves decisions into decisions.jsonl of the run.
    """
    settings, plans = _shown(config, overrides, limit)
    root = run_root(settings)
    folder = out or (root / "report").path
    if folder is None:
        raise ConfigError("--out: is needed, for run.root is in an object store")
    again = ["turnwise", "run", "-c", str(config)]
    again += [word for each in overrides or () for word in ("--set", each)]
    site = Site(settings, root, folder, frames, shlex.join(again), served=serve)
    site.write(plans)
    typer.echo(f"report: {folder / 'index.html'}")
    if not serve:
        return
    try:
        server = ReportServer(site, host, port, getpass.getuser())
    except OSError as error:
        raise ConfigError(f"--port: {port} of {host}: {error.strerror or error}") from None
    stop = Event()
    Thread(target=follow, args=(site, plans, stop), daemon=True).start()
    typer.echo(f"serving {server.url} until Ctrl-C; decisions: {root / DECISIONS}")
    try:
        server.serve_forever()
    finally:
        stop.set()
        server.server_close()


def _shown(
    config: Path, overrides: Sequence[str] | None, limit: int | None
) -> tuple[RunConfig, Sequence[NodePlan]]:
    """The settings and the plan of what is shown: the dialogues before what people decided, which
    the page marks and they may take back; or those after it, where there are more of these."""
    curated = planned(config, overrides, limit)
    if not curated[0].curate.decisions:
        return curated
    before = planned(config, [*(overrides or ()), "curate.decisions=[]"], limit)
    return before if _dialogue_parts(before[1]) >= _dialogue_parts(curated[1]) else curated


def _dialogue_parts(plans: Sequence[NodePlan]) -> int:
    return sum(len(plan.parts) for plan in shown_nodes(plans))
