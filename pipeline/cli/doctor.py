"""The verb that checks what a run needs, and the timing of its models."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.exit_status import FAILED
from pipeline.cli.options import ConfigOption, JsonOption, SetOption, run_root
from pipeline.engines import close_engines
from pipeline.reports.doctor.checks import Options, run_checks
from pipeline.reports.doctor.findings import Finding, NodeReport, Thresholds
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph


def run_doctor(
    config: ConfigOption,
    overrides: SetOption = None,
    videos: Annotated[
        int, typer.Option(min=1, help="How many videos of the manifest to open.")
    ] = 20,
    probe: Annotated[
        bool, typer.Option(help="Ask each model about scripted scenes, whose truth is known.")
    ] = True,
    obeyed_warning: Annotated[
        float,
        typer.Option(min=0, max=1, help="Fewer answers that obey their schema are a warning."),
    ] = Thresholds.obeyed_warning,
    obeyed_failure: Annotated[
        float, typer.Option(min=0, max=1, help="Fewer are a failure.")
    ] = Thresholds.obeyed_failure,
    bias_warning: Annotated[
        float, typer.Option(min=0, help="More mean seconds early or late are a warning.")
    ] = Thresholds.bias_warning_s,
    bias_failure: Annotated[
        float, typer.Option(min=0, help="More are a failure.")
    ] = Thresholds.bias_failure_s,
    found_warning: Annotated[
        float,
        typer.Option(min=0, max=1, help="Fewer true events or answers found are a warning."),
    ] = Thresholds.found_warning,
    as_json: JsonOption = False,
) -> None:
    """Check what a run needs before it starts, and the timing of its models.

    Programs, the store, the first videos, servers and what they serve, GPUs, the longest ask; then
    each node asks its model about scripted scenes. Exit status 1 if a check fails.
    """
    settings = load_config(config, overrides or ())
    nodes = build_graph(settings)
    thresholds = Thresholds(
        obeyed_warning, obeyed_failure, bias_warning, bias_failure, found_warning
    )
    options = Options(videos, probe, thresholds)
    findings: list[Finding] = []
    reports: list[NodeReport] = []
    try:
        for found in run_checks(settings, nodes, run_root(settings), options):
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
            "thresholds": asdict(thresholds),
            "findings": [asdict(finding) for finding in findings],
            "probe": [report.as_json() for report in reports],
        }
        typer.echo(json.dumps(whole, indent=2))
    else:
        typer.echo(f"{levels.count('failure')} failures, {levels.count('warning')} warnings")
    if "failure" in levels:
        raise typer.Exit(FAILED)
