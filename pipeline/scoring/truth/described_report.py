"""The report that compares the spans of a run with those that people described in its videos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.records import Record
from pipeline.scoring.section import section
from pipeline.scoring.truth.iou_stats import IouScore, OffsetScore
from pipeline.store.files.text_table import text_table

_LEVELS = ("0.3", "0.5", "0.7")
_RECALL = tuple(f">R@{level}" for level in _LEVELS)
_OFFSETS = tuple(
    f">{end} {x}" for end in ("start", "end") for x in ("mean", "p10", "median", "p90")
)

PROTOCOLS: Mapping[str, str] = {
    "spans": "spans that models found by themselves against those that people described: of each"
    " the best IoU with one of the other side; captions are not compared; spans that leave their"
    " video by more than 1 s are left out",
    "grounded": "spans that a model located for the captions of people against those that people"
    " gave them: the best IoU, 0 where it was not found",
}


class FoundScore(Record):
    """Spans that models found by themselves against human ones, whatever the captions.

    People describe some of what happens, so precision means less than recall.
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
    """Of pairs that are each other's best match: predicted start minus human start."""
    ends: OffsetScore


class GroundedScore(Record):
    """Spans that one node located for human captions, against the spans annotated for them.

    A caption annotated for several spans of a video counts once: its first prediction is compared
    with the span that fits it best.
    """

    source: str | None
    """Of the videos; null for all of them."""
    node: str
    captions: IouScore
    """Of all captions, each wording once a video; one that was not found has an IoU of 0."""
    starts: OffsetScore
    """Of the captions that were found: predicted start minus human start."""
    ends: OffsetScore


class HumanReport(Record):
    """Both comparisons, over the shards that are done."""

    protocols: Mapping[str, str] = PROTOCOLS
    """What each comparison goes by."""
    videos: int
    """Admitted."""
    videos_annotated: int
    """Those of them with a human span."""
    videos_open: int
    """Those with a human span whose responses are not all made yet: not in ``found``."""
    spans: int
    """Human ones, each once in a video."""
    spans_impossible: int
    """Human ones that are empty or leave their video by more than a second: not in ``spans``."""
    found: list[FoundScore]
    grounded: list[GroundedScore]

    def to_text(self) -> str:
        """The counts, and two tables for each comparison."""
        counts = f"human spans: {self.spans} in {self.videos_annotated} of {self.videos} videos"
        if self.spans_impossible:
            counts += f"; {self.spans_impossible} more are impossible"
        if self.videos_open:
            counts += f"; {self.videos_open} of these videos not finished"
        found = [(_label(s.task, s.source), s) for s in self.found]
        grounded = [(_label(s.node, s.source), s) for s in self.grounded]
        precision = (">predicted", ">mIoU", *(f">P@{level}" for level in _LEVELS))
        lines = [
            counts,
            "",
            section(
                "spans",
                PROTOCOLS["spans"],
                [(name, *_ious(s.recall), *_ious(s.precision)) for name, s in found],
                ("task", ">human", ">mIoU", *_RECALL, *precision),
            ),
            "",
            "Pairs of them that match best: seconds by which the model is late (early: -)",
            _offset_table("task", ">pairs", [(name, s.starts, s.ends) for name, s in found]),
            "",
            section(
                "grounded captions",
                PROTOCOLS["grounded"],
                [(name, *_ious(s.captions)) for name, s in grounded],
                ("node", ">captions", ">mIoU", *_RECALL),
            ),
        ]
        if grounded:
            table = _offset_table("node", ">found", [(n, s.starts, s.ends) for n, s in grounded])
            lines += ["", "Captions that were found: seconds by which the model is late", table]
        else:
            lines.append("place the stages `source_events` and `ground`, as configs/demo.yaml does")
        return "\n".join(lines)


def _label(name: str, source: str | None) -> str:
    return name if source is None else f"{name} [{source or 'no source'}]"


def _offset_table(
    first: str, second: str, rows: Iterable[tuple[str, OffsetScore, OffsetScore]]
) -> str:
    cells = [(name, s.times, *_offsets(s), *_offsets(e)) for name, s, e in rows]
    return text_table(cells, (first, second, *_OFFSETS))


def _ious(score: IouScore) -> tuple[str, ...]:
    shares = (score.at_0_3, score.at_0_5, score.at_0_7)
    return str(score.whole), _number(score.mean, ".3f"), *(_number(x, ".1%") for x in shares)


def _offsets(score: OffsetScore) -> tuple[str, ...]:
    values = (score.mean_s, score.p10_s, score.median_s, score.p90_s)
    # What rounds to zero has no sign.
    return tuple(_number(value and round(value, 2) + 0.0, "+.2f") for value in values)


def _number(value: float | None, form: str) -> str:
    return "n/a" if value is None else format(value, form)
