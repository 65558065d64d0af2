"""The verb that examines what a run needs, and how well its models keep time."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.options import FAILED, ConfigOption, JsonOption, SetOption, run_root
from pipeline.engines import close_engines
from pipeline.reports.doctor.checks import Wanted, examine
from pipeline.reports.doctor.findings import Finding, Limits, NodeReport
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph


def examine_run(
    config: ConfigOption,
    overrides: SetOption = None,
    videos: Annotated[
        int, typer.Option(min=1, help="So many of the manifest are opened and probed.")
    ] = 20,
    probe: Annotated[
        bool, typer.Option(help="Ask each model about scripted scenes, whose times are known.")
    ] = True,
    obeyed_warning: Annotated[
        float, typer.Option(min=0, max=1, help="Fewer answers by their schema: warning.")
    ] = Limits.obeyed_warning,
    obeyed_failure: Annotated[
        float, typer.Option(min=0, max=1, help="Still fewer: failure.")
    ] = Limits.obeyed_failure,
    bias_warning: Annotated[
        float, typer.Option(min=0, help="Mean seconds early or late, beyond which: warning.")
    ] = Limits.bias_warning_s,
    bias_failure: Annotated[
        float, typer.Option(min=0, help="Still more: failure.")
    ] = Limits.bias_failure_s,
    found_warning: Annotated[
        float, typer.Option(min=0, max=1, help="Fewer known things found or right: warning.")
    ] = Limits.found_warning,
    as_json: JsonOption = False,
) -> None:
    """Check what a run needs before it spends anything, and how well its models keep time.

    Programs, the store, the first videos, servers and what they serve, GPUs, the longest ask; then
    each node asks its model about scripted scenes. Exit status 1 if anything is a failure.
    """
    settings = load_config(config, overrides or ())
    nodes = build_graph(settings)
    limits = Limits(obeyed_warning, obeyed_failure, bias_warning, bias_failure, found_warning)
    findings: list[Finding] = []
    reports: list[NodeReport] = []
    try:
        for found in examine(settings, nodes, run_root(settings), Wanted(videos, probe, limits)):
            if isinstance(found, NodeReport):
                reports.append(found)
                continue
            findings.append(found)
            if not as_json:
                typer.echo(found.to_text())
    finally:
        close_engines()
    levels = [finding.level for finding in findings]
    if as_json:
        whole = {
            "limits": asdict(limits),
            "findings": [asdict(finding) for finding in findings],
            "probe": [asdict(report) | report.means() for report in reports],
        }
        typer.echo(json.dumps(whole, indent=2))
    else:
        typer.echo(f"{levels.count('failure')} failures, {levels.count('warning')} warnings")
    if "failure" in levels:
        raise typer.Exit(FAILED)
