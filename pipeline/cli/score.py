"""The verb ``score``: what a model said to a corpus, by the field's measures."""

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from pipeline.cli.options import JsonOption
from pipeline.corpus.read import read_corpus
from pipeline.errors import ConfigError, did_you_mean
from pipeline.scoring.predictions import Predictions, write_predictions
from pipeline.scoring.registry import find_measure, measure_names, settings_of
from pipeline.scoring.score import score_predictions
from pipeline.scoring.text_scores import TEXT_SCORES


def score_file(
    predictions: Annotated[
        Path,
        typer.Argument(help="JSON Lines, a sample a line; or a corpus, as if a model had said it."),
    ],
    against: Annotated[Path, typer.Option(help="The corpus, a folder or a Parquet file of it.")],
    measure: Annotated[
        list[str] | None, typer.Option(help="A measure; may be repeated. All, by default.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="measure.key=value", help="Set what can be chosen in one."),
    ] = None,
    text: Annotated[
        str, typer.Option(help=f"What makes a text right: {', '.join(TEXT_SCORES)}.")
    ] = "option",
    split: Annotated[str, typer.Option(help="Only the samples of this split.")] = "",
    only_predicted: Annotated[
        bool,
        typer.Option(
            "--only-predicted",
            help="Leave out samples without a prediction, which count as silence otherwise.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Score what a model said to the samples of a corpus, with the protocol of each measure.

    Measures differ in the second they call right and in what a false alarm costs, so no two of
    them share a column. docs/how-to/score.md has the file of predictions and every formula.
    """
    names = measure or measure_names()
    given = _settings(names, overrides or [])
    measures = [(name, find_measure(name), settings_of(name, given[name])) for name in names]
    if text not in TEXT_SCORES:
        raise ConfigError(f"--text: no {text!r}{did_you_mean(text, TEXT_SCORES)}")
    with tempfile.TemporaryDirectory() as folder:
        if predictions.is_dir():
            said = Path(folder) / "predictions.jsonl"
            write_predictions(_dialogues(predictions, split), said)
        else:
            said = predictions
        try:
            found = Predictions(said)
        except OSError as error:
            raise ConfigError(f"{predictions}: {error.strerror}") from None
        report = score_predictions(
            *(_dialogues(against, split), found, measures, TEXT_SCORES[text]),
            silence=not only_predicted,
        )
    typer.echo(report.model_dump_json(indent=2) if as_json else report.to_text())


def _dialogues(corpus: Path, split: str) -> Any:
    for sample in read_corpus(corpus, frames=False):
        yield from (each for each in sample.dialogues if split in ("", each.split))


def _settings(names: list[str], overrides: list[str]) -> dict[str, dict[str, Any]]:
    given: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in overrides:
        key, equals, value = each.partition("=")
        name, dot, field = key.partition(".")
        if not equals or not dot:
            raise ConfigError(f"--set {each}: not of the form measure.key=value")
        if name not in names:
            raise ConfigError(f"--set {each}: no measure {name!r} here{did_you_mean(name, names)}")
        given[name][field] = yaml.safe_load(value)
    return given
