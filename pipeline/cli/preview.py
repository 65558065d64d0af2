"""The verb ``preview``: dialogues of a run or a corpus on the terminal, as a person reads them."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.rule import Rule

from pipeline.cli.options import LimitOption, SetOption, planned
from pipeline.corpus.choose import choose_dialogues
from pipeline.corpus.preview import plain_preview, preview
from pipeline.corpus.read import corpus_parts
from pipeline.errors import ConfigError
from pipeline.store.files.terminal import unescaped
from pipeline.workflow.outputs import existing_dialogues


def preview_dialogues(
    corpus: Annotated[
        Path | None, typer.Argument(help="A corpus folder or Parquet file, in place of -c.")
    ] = None,
    config: Annotated[Path | None, typer.Option("-c", "--config", help="The run.")] = None,
    overrides: SetOption = None,
    limit: LimitOption = None,
    task: Annotated[str, typer.Option(help="Only of this task.")] = "",
    video: Annotated[str, typer.Option(help="Only about this video, by its id.")] = "",
    number: Annotated[int, typer.Option(min=1, help="How many dialogues.")] = 1,
    seed: Annotated[int, typer.Option(help="Chooses which: the same seed, the same ones.")] = 0,
) -> None:
    """Show dialogues as a person reads them: the states, what is asked and said, and the checks.

    Of a run that is not finished, those that it has so far.
    """
    if (corpus is None) == (config is None):
        raise ConfigError("preview: give a run with -c, or a corpus, and not both")
    if config is None and (overrides or limit):
        raise ConfigError(f"{'--set' if overrides else '--limit'}: of a run alone, not of a corpus")
    if config is not None:
        files = existing_dialogues(planned(config, overrides, limit)[1])
    else:
        assert corpus is not None
        files = corpus_parts(corpus)
    chosen, among = choose_dialogues(files, number, task=task, video=video, seed=seed)
    console = Console(file=unescaped(sys.stdout), highlight=False, markup=False)
    for dialogue in chosen:
        if console.is_terminal:
            console.print(preview(dialogue, console.width))
        else:
            typer.echo(plain_preview(dialogue, console.width))
        console.print(Rule(style="dim", characters="-"))
    console.print(f"{len(chosen)} of {among} dialogues; --seed chooses others")
