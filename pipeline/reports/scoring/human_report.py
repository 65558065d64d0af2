"""How far what a run says agrees with the spans that people described in its videos: the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.records import Record
from pipeline.reports.scoring.iou_stats import IouScore, OffsetScore

_OFFSETS = ("mean", "p10", "median", "p90")


class FoundScore(Record):
    """Spans that models found by themselves against human ones, whatever the words.

    People describe some of what happens, so precision says less than recall does.
    """

    source: str | None
    """Of the videos; null for all of them."""
    task: str
    """``any``: the spans of all tasks together, each once in a video."""
    recall: IouScore
    """Of the human spans, of either kind; no whole where the task has no response."""
    precision: IouScore
    """Of the spans of the responses, in videos with human spans."""
    starts: OffsetScore
    """Of pairs that fit each other best: start that was found minus human start."""
    ends: OffsetScore


class GroundedScore(Record):
    """Spans that one node gave to human captions, against the spans they were written for.

    A caption that was written for several spans of a video is one: the first answer that it got is
    held against the span that it fits best.
    """

    source: str | None
    """Of the videos; null for all of them."""
    node: str
    captions: IouScore
    """Of all captions, each wording once a video; one that was not found has an IoU of 0."""
    starts: OffsetScore
    """Of the captions that were found: start that was found minus human start."""
    ends: OffsetScore


class HumanReport(Record):
    """Both comparisons, over the shards that are done."""

    videos: int
    """Admitted."""
    videos_told: int
    """Those of them with a human span."""
    videos_open: int
    """Those with a human span whose annotations are not all there yet: not in ``found``."""
    spans: int
    """Human ones, each once in a video."""
    spans_impossible: int
    """Human ones that are empty or leave their video by more than a second: not in ``spans``."""
    found: list[FoundScore]
    grounded: list[GroundedScore]

    def to_text(self) -> str:
        """The figures, and two tables for each comparison."""
        beside = [
            f"; {count} {what}"
            for count, what in (
                (self.spans_impossible, "more cannot be"),
                (self.videos_open, "of these videos not finished"),
            )
            if count
        ]
        human = f"human spans: {self.spans} in {self.videos_told} of {self.videos} videos"
        ious = ("human", "mIoU", "R@0.3", "R@0.5", "R@0.7")
        found = [(_named(s.task, s.source), s) for s in self.found]
        grounded = [(_named(s.node, s.source), s) for s in self.grounded]
        lines = [
            human + "".join(beside),
            "",
            "Spans that models found by themselves, against the human spans",
            *_table(
                ("task", *ious, "said", "mIoU", "P@0.3", "P@0.5", "P@0.7"),
                [(name, *_ious(s.recall), *_ious(s.precision)) for name, s in found],
            ),
            "",
            "Of pairs that fit each other best, seconds by which models are late (early: -)",
            *_late(("task", "pairs"), [(name, s.starts, s.ends) for name, s in found]),
            "",
            "Human captions that a model located, against their own spans (not found: IoU 0)",
            *_table(
                ("node", "captions", *ious[1:]),
                [(name, *_ious(s.captions)) for name, s in grounded],
            ),
        ]
        if grounded:
            late = _late(("node", "found"), [(name, s.starts, s.ends) for name, s in grounded])
            lines += ["", "Of those that were found, seconds by which models are late", *late]
        else:
            lines.append(
                "none: place the stages `source_events` and `ground`, as configs/demo.yaml does"
            )
        return "\n".join(lines) + "\n"


def _named(name: str, source: str | None) -> str:
    return name if source is None else f"{name} [{source or 'no source'}]"


def _late(
    first: tuple[str, str], rows: Iterable[tuple[str, OffsetScore, OffsetScore]]
) -> list[str]:
    heads = (*first, *(f"{end} {x}" for end in ("start", "end") for x in _OFFSETS))
    cells = [(name, str(s.times), *_offsets(s), *_offsets(e)) for name, s, e in rows]
    return _table(heads, cells)


def _ious(score: IouScore) -> tuple[str, ...]:
    shares = (score.at_0_3, score.at_0_5, score.at_0_7)
    return str(score.whole), _number(score.mean, ".3f"), *(_number(x, ".1%") for x in shares)


def _offsets(score: OffsetScore) -> tuple[str, ...]:
    values = (score.mean_s, score.p10_s, score.median_s, score.p90_s)
    # What rounds to nothing has no sign.
    return tuple(_number(value and round(value, 2) + 0.0, "+.2f") for value in values)


def _number(value: float | None, form: str) -> str:
    return "n/a" if value is None else format(value, form)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
        for row in (heads, *rows)
    ]
