"""The verb ``score``: what a model said to a corpus, or a run against truth."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from pipeline.cli.exit_status import PARTLY
from pipeline.cli.options import JsonOption, LimitOption, engine_of, planned
from pipeline.corpus.read import read_corpus, read_heads
from pipeline.engines import close_engines, open_engine
from pipeline.errors import ConfigError, did_you_mean
from pipeline.records import Dialogue
from pipeline.scoring.item import TextScore
from pipeline.scoring.judge import Judge, judged, pairs_looked_at
from pipeline.scoring.leaks import leaks
from pipeline.scoring.predictions import Predictions, write_predictions
from pipeline.scoring.registry import find_measure, measure_names, settings_of
from pipeline.scoring.score import Chosen, ScoreReport, score_predictions
from pipeline.scoring.text_scores import TEXT_SCORES
from pipeline.scoring.truth.described import score_human
from pipeline.scoring.truth.described_report import HumanReport
from pipeline.scoring.truth.scripted import score_plans
from pipeline.scoring.truth.scripted_report import TruthReport
from pipeline.workflow.config import load_config
from pipeline.workflow.prompt import load_prompts

JUDGE = "judge"
_LEAKS_SHOWN = 5


def score_file(
    predictions: Annotated[
        Path | None,
        typer.Argument(help="JSON Lines, a sample a line; or a corpus, as if a model had said it."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="The corpus, a folder or a Parquet file of it.")
    ] = None,
    measure: Annotated[
        list[str] | None, typer.Option(help="A measure; may be repeated. All, by default.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="measure.key=value",
            help="Set what can be chosen in a measure; with -c, a key of the config.",
        ),
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
    trained_on: Annotated[
        list[Path] | None,
        typer.Option(
            help="A corpus that the model was trained on: refused if it has a video of this one."
            " May be repeated."
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(help="Role of an engine of the config (-c) that says which texts are right."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "-c", "--config", help="A run in place of predictions: against truth; or the judge's."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", help="Folder of truth files, as the verb `scenes` writes them."),
    ] = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score what a model said to the samples of a corpus, or a run against the truth of its videos.

    Each score comes with its protocol. Measures differ in the second they call right and in what a
    false alarm costs, so no two of them share a column. docs/how-to/score.md has the file of
    predictions and every formula. The truth of a run is what people described in its videos, as the
    manifest has it (annotations of the kinds event and step, origin human); or with --truth, the
    script of the scripted scenes.
    """
    report: ScoreReport | HumanReport | TruthReport
    if predictions is None:
        if config is None or any(x is not None for x in (against, measure, judge, trained_on)):
            raise ConfigError("score: give predictions and --against CORPUS, or a run with -c")
        _, plans = planned(config, overrides, limit)
        report = score_human(plans) if truth is None else score_plans(plans, truth)
    else:
        if against is None or truth is not None or limit is not None:
            raise ConfigError("score: predictions need --against CORPUS; --truth is of a run (-c)")
        if (judge is None) != (config is None):
            raise ConfigError("score: --judge ROLE and its config (-c) go together")
        measures = _measures(measure or measure_names(), overrides or [])
        _refuse_leaks(against, trained_on or ())
        with _predictions(predictions, split) as found:

            def scored(texts: tuple[str, TextScore]) -> ScoreReport:
                dialogues = _dialogues(against, split)
                return score_predictions(
                    dialogues, found, measures, texts, silence=not only_predicted
                )

            report = scored(
                _text_score(text)
                if judge is None or config is None
                else _by_judge(config, judge, scored, predictions)
            )
    typer.echo(report.model_dump_json(indent=2) if as_json else report.to_text())


def _refuse_leaks(against: Path, trained_on: Sequence[Path]) -> None:
    for corpus in trained_on:
        found = list(leaks(read_heads(against), read_heads(corpus)))
        if found:
            raise ConfigError(
                f"--trained-on: {corpus} has {len(found):,} of the videos that are scored with:"
                f" {', '.join(found[:_LEAKS_SHOWN])}"
            )


@contextmanager
def _predictions(path: Path, split: str) -> Iterator[Predictions]:
    with tempfile.TemporaryDirectory() as folder:
        said = path
        if path.is_dir():
            said = Path(folder) / "predictions.jsonl"
            write_predictions(_dialogues(path, split), said)
        try:
            found = Predictions(said)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None
        yield found


def _text_score(name: str) -> tuple[str, TextScore]:
    if name not in TEXT_SCORES:
        raise ConfigError(f"--text: no {name!r}{did_you_mean(name, TEXT_SCORES)}")
    return TEXT_SCORES[name]


def _by_judge(
    config: Path, role: str, scored: Callable[[tuple[str, TextScore]], object], predictions: Path
) -> tuple[str, TextScore]:
    """Asks the judge what the measures want to know; its verdicts lie beside the predictions."""
    engine = engine_of(load_config(config), role)
    prompt = load_prompts(JUDGE)[JUDGE]
    judge = Judge(f"{engine.model}@{engine.revision}", engine.identity(), prompt)
    pairs = pairs_looked_at(lambda note: scored(("", note)))
    kept = predictions.with_name(f"{predictions.name}.judged.jsonl")
    opening = (*engine.replica_configs(), engine)[0]
    try:
        score, problems = judged(judge, pairs, lambda: open_engine(opening), kept)
    finally:
        close_engines()
    if problems:
        typer.echo(
            f"not scored: {len(problems):,} of {len(pairs):,} pairs have no verdict, the first:"
            f" {problems[0]}\nthe same command asks for those again",
            err=True,
        )
        raise typer.Exit(PARTLY)
    return judge.protocol, score


def _measures(names: Sequence[str], overrides: Sequence[str]) -> list[Chosen]:
    given = _settings(names, overrides)
    return [(name, find_measure(name), settings_of(name, given[name])) for name in names]


def _dialogues(corpus: Path, split: str) -> Iterator[Dialogue]:
    for sample in read_corpus(corpus, frames=False):
        yield from (each for each in sample.dialogues if split in ("", each.split))


def _settings(names: Sequence[str], overrides: Sequence[str]) -> dict[str, dict[str, Any]]:
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
