"""The results of checks: findings, the figures of a probed node, and the thresholds of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import fsum
from typing import Any, Literal

from pipeline.store.files.text_table import text_table

Level = Literal["ok", "warning", "failure"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "failure")


@dataclass(frozen=True)
class Finding:
    """The result of one check; ``fix`` says what to do if it is not ok. A check that could not be
    made is a warning."""

    check: str
    level: Level
    text: str
    fix: str = ""

    def to_text(self) -> str:
        """A line of a table, and a second one with the fix."""
        text = f"{self.text}\n{self.fix}" if self.fix else self.text
        return text_table([(self.level, self.check, text)], widths=(7, 28))


@dataclass(frozen=True)
class Thresholds:
    """From where on a figure is a warning or a failure: shares, and seconds of either sign."""

    obeyed_warning: float = 0.95
    obeyed_failure: float = 0.8
    bias_warning_s: float = 1.0
    bias_failure_s: float = 3.0
    found_warning: float = 0.5

    def obeyed(self, share: float) -> Level:
        """The level of a share of answers that obey their schema."""
        return LEVELS[(share < self.obeyed_warning) + (share < self.obeyed_failure)]

    def bias(self, bias_s: float) -> Level:
        """The level of a mean offset in seconds."""
        return LEVELS[(abs(bias_s) > self.bias_warning_s) + (abs(bias_s) > self.bias_failure_s)]

    def found(self, share: float) -> Level:
        """The level of a share of true events or answers that were found."""
        return LEVELS[share < self.found_warning]


@dataclass(frozen=True)
class Timing:
    """The output of a node compared with the truth.

    ``found`` of ``whole`` true events, changes or answers were found. ``starts_s`` and ``ends_s``
    are predicted minus true time of those, in seconds; positive is late. An instant has a start
    alone, and some nodes give no times.
    """

    found: int
    whole: int
    starts_s: tuple[float, ...] = ()
    ends_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class NodeReport:
    """The figures of a node on the scripted scenes.

    Of ``replies``, ``obeyed`` have the schema; ``errors`` counts the others by name, ``refused``
    the rejects of the stage by reason. ``timing`` is None for a node whose rows cannot be compared
    with a truth. ``turn_s`` is the time from one frame to the next.
    """

    node: str
    engine: str
    model: str
    asks: int
    replies: int
    obeyed: int
    errors: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    timing: Timing | None = None
    turn_s: float | None = None

    def means(self) -> dict[str, float | None]:
        """Means in seconds: of signed offsets of starts and ends, and of absolute ones of both."""
        starts_s, ends_s = (self.timing.starts_s, self.timing.ends_s) if self.timing else ((), ())
        return {
            "start_bias_s": mean(starts_s),
            "end_bias_s": mean(ends_s),
            "error_s": mean([abs(off_s) for off_s in (*starts_s, *ends_s)]),
        }

    def as_json(self) -> dict[str, Any]:
        """All figures and the means by plain names."""
        return asdict(self) | self.means()


def judge(report: NodeReport, thresholds: Thresholds) -> Finding:
    """The finding on a report, each figure with its thresholds for a warning and for a failure."""
    name = f"probe {report.node}"
    texts: list[str] = []
    levels: list[Level] = []
    fixes: list[str] = []
    if not report.replies:
        text = "it asked nothing about the scenes: nothing is measured"
        return Finding(name, "warning", text, "ask a few rows with `run --limit 2`")
    share = report.obeyed / report.replies
    errors = ", ".join(f"{count} {error}" for error, count in report.errors.items())
    texts.append(
        f"{100 * share:.1f} % of {report.replies} answers obey the schema"
        f" ({100 * thresholds.obeyed_warning:g} %, {100 * thresholds.obeyed_failure:g} %)"
        + (f", {errors}" if errors else "")
    )
    levels.append(thresholds.obeyed(share))
    if levels[-1] != "ok":
        fixes.append("turn guided decoding on, raise max_tokens, or take another model")
    timing, means = report.timing, report.means()
    if timing is not None and timing.whole:
        found = timing.found / timing.whole
        limit = f"{100 * thresholds.found_warning:g} %"
        texts.append(f"{timing.found} of {timing.whole} true events or answers found ({limit})")
        levels.append(thresholds.found(found))
        if levels[-1] != "ok":
            fixes.append("see whether the model gets the frames, or take another")
    for what, bias_s in (("starts", means["start_bias_s"]), ("ends", means["end_bias_s"])):
        if bias_s is not None:
            limit = f"{thresholds.bias_warning_s:g} s, {thresholds.bias_failure_s:g} s"
            texts.append(f"{what} {bias_s:+.2f} s from the truth ({limit})")
            levels.append(thresholds.bias(bias_s))
            if levels[-1] != "ok":
                fixes.append("see how the engine passes the times of frames to the model")
    if means["error_s"] is not None:
        texts.append(f"off by {means['error_s']:.2f} s")
    worst = max(levels, key=LEVELS.index)
    return Finding(name, worst, "; ".join(texts), "; ".join(dict.fromkeys(fixes)))


def mean(values: Sequence[float]) -> float | None:
    """The mean; None without values."""
    return fsum(values) / len(values) if values else None
