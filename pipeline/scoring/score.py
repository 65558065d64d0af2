"""A file of predictions scored against a corpus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.records import Dialogue, Record
from pipeline.scoring.item import TextScore
from pipeline.scoring.items import items_of, problem_of
from pipeline.scoring.measure import Measure
from pipeline.scoring.predictions import Predictions
from pipeline.scoring.section import section
from pipeline.settings import Settings

Chosen = tuple[str, Measure[Any], Settings]
"""A measure with its name and what was chosen in it."""
ALL = "all"
_PROBLEMS_SHOWN = 5


class TaskScore(Record):
    """The values of a measure over the questions of one task, or of all (``all``)."""

    task: str
    questions: int
    """Those to which the measure applies."""
    values: dict[str, int | float | None]
    """Null where nothing was there to measure."""


class MeasureScore(Record):
    """A measure with all that it depends on. Scores of two protocols are not to be compared."""

    measure: str
    protocol: str
    text: str
    """What makes a text right; empty where texts are not looked at."""
    tasks: list[TaskScore]


class ScoreReport(Record):
    """All measures, and what of the predictions could be scored."""

    samples: int
    """In the corpus, or of the split that was asked for."""
    predicted: int
    """Those with a prediction."""
    unpredicted: str
    """What became of the others: ``silence`` or ``left out``."""
    refused: int
    """Predictions that were not scored: no rows, or of no sample, or not of its turns."""
    problems: list[str]
    """Why, for the first of them."""
    scores: list[MeasureScore]

    def to_text(self) -> str:
        """A table a measure, below its protocol."""
        lines = [f"{self.predicted:,} of {self.samples:,} samples have a prediction"]
        if self.predicted < self.samples:
            lines[0] += f"; of the others: {self.unpredicted}"
        if self.refused:
            lines.append(f"{self.refused:,} predictions were not scored:")
            lines += [f"  {problem}" for problem in self.problems]
        for score in self.scores:
            text = f"; text: {score.text}" if score.text else ""
            heads = [f">{name}" for name in score.tasks[0].values] if score.tasks else []
            rows = [
                (t.task, f"{t.questions:,}", *map(_number, t.values.values())) for t in score.tasks
            ]
            table = section(
                score.measure, score.protocol + text, rows, ("task", ">questions", *heads)
            )
            lines += ["", table]
        return "\n".join(lines)


def score_predictions(
    dialogues: Iterable[Dialogue],
    predictions: Predictions,
    measures: Sequence[Chosen],
    text: tuple[str, TextScore],
    *,
    silence: bool = True,
) -> ScoreReport:
    """Each measure, with its settings, by task.

    ``silence``: a sample without a prediction is scored as one to which nothing was said. Only sums
    are held, and the places of the predictions in their file.
    """
    tallies = [_Tally() for _ in measures]
    samples = predicted = 0
    problems = list(predictions.problems)
    for dialogue, prediction in predictions.of(dialogues):
        samples += 1
        if prediction is not None:
            predicted += 1
            if problem := problem_of(prediction, dialogue):
                problems.append(f"{dialogue.sample_id}: {problem}")
                continue
        elif not silence:
            continue
        for item in items_of(dialogue, prediction):
            for tally, (_, measure, settings) in zip(tallies, measures, strict=True):
                tally.add(item.task, measure.count(item, text[1], settings))
    if strangers := len(predictions) - predicted:
        problems.append(f"{strangers:,} are of samples that the corpus does not have")
    return ScoreReport(
        samples=samples,
        predicted=predicted,
        unpredicted="silence" if silence else "left out",
        refused=len(problems) - bool(strangers) + strangers,
        problems=problems[:_PROBLEMS_SHOWN],
        scores=[
            MeasureScore(
                measure=name,
                protocol=measure.protocol(settings),
                text=text[0] if measure.text_counts else "",
                tasks=tally.scores(measure),
            )
            for tally, (name, measure, settings) in zip(tallies, measures, strict=True)
        ],
    )


class _Tally:
    """Sums by task."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._questions: dict[str, int] = defaultdict(int)

    def add(self, task: str, counts: Mapping[str, float]) -> None:
        """Of one question; nothing where the measure does not apply to it."""
        for name in (task, ALL) if counts else ():
            self._questions[name] += 1
            for key, value in counts.items():
                self._sums[name][key] += value

    def scores(self, measure: Measure[Any]) -> list[TaskScore]:
        """All tasks together, then each, by name."""
        tasks = sorted(self._sums.keys() - {ALL})
        return [
            TaskScore(
                task=task,
                questions=self._questions[task],
                values=dict(measure.values(self._sums[task])),
            )
            for task in ([ALL, *tasks] if len(tasks) > 1 else tasks)
        ]


def _number(value: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
