"""What an examination found, in words and in numbers, and how bad that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Literal

Level = Literal["ok", "warning", "failure"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "failure")


@dataclass(frozen=True)
class Finding:
    """One check. What could not be checked is a warning; ``fix`` says what to do if not ok."""

    check: str
    level: Level
    text: str
    fix: str = ""

    def to_text(self) -> str:
        """The finding on one line, with the fix on a second."""
        fix = f"\n{'':8} {'':28} {self.fix}" if self.fix else ""
        return f"{self.level:8} {self.check:28} {self.text}{fix}"


@dataclass(frozen=True)
class Limits:
    """From where on a figure is a warning or a failure: shares, and seconds of either sign."""

    obeyed_warning: float = 0.95
    obeyed_failure: float = 0.8
    bias_warning_s: float = 1.0
    bias_failure_s: float = 3.0
    found_warning: float = 0.5

    def obeyed(self, share: float) -> Level:
        """Of the share of answers that obey their schema."""
        return LEVELS[(share < self.obeyed_warning) + (share < self.obeyed_failure)]

    def bias(self, bias_s: float) -> Level:
        """Of a mean difference."""
        return LEVELS[(abs(bias_s) > self.bias_warning_s) + (abs(bias_s) > self.bias_failure_s)]

    def found(self, share: float) -> Level:
        """Of the share of known things that were found."""
        return LEVELS[share < self.found_warning]


@dataclass(frozen=True)
class Timing:
    """What a node said of things whose times are known.

    ``found`` of ``whole`` things were told. ``starts_s`` and ``ends_s`` are said minus true time of
    those, in seconds; positive is late. An instant has a start alone, and some nodes tell no time.
    """

    found: int
    whole: int
    starts_s: tuple[float, ...] = ()
    ends_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class NodeReport:
    """How a node did on the scripted scenes.

    ``replies`` are answers, of which ``obeyed`` have the schema; ``errors`` counts the others by
    name, ``refused`` what the stage turned down, by reason. ``timing`` is None for a node whose
    rows cannot be compared with a truth. ``turn_s`` is the time from one frame to the next.
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
        """Means in seconds: of starts and ends with their sign, and of how far both are off."""
        starts_s, ends_s = (self.timing.starts_s, self.timing.ends_s) if self.timing else ((), ())
        return {
            "start_bias_s": mean(starts_s),
            "end_bias_s": mean(ends_s),
            "error_s": mean([abs(off_s) for off_s in (*starts_s, *ends_s)]),
        }


def judged(report: NodeReport, limits: Limits) -> Finding:
    """What a report comes to, each figure with its limits for a warning and for a failure."""
    name = f"probe {report.node}"
    said: list[str] = []
    levels: list[Level] = []
    fixes: list[str] = []
    if not report.replies:
        text = "it asked nothing about the scenes, so nothing was measured"
        return Finding(name, "warning", text, "ask a few rows with `run --limit 2`")
    share = report.obeyed / report.replies
    errors = ", ".join(f"{count} {error}" for error, count in report.errors.items())
    said.append(
        f"{100 * share:.1f} % of {report.replies} answers obey the schema"
        f" ({100 * limits.obeyed_warning:g} %, {100 * limits.obeyed_failure:g} %)"
        + (f", {errors}" if errors else "")
    )
    levels.append(limits.obeyed(share))
    if levels[-1] != "ok":
        fixes.append("turn guided decoding on, raise max_tokens, or take another model")
    timing, means = report.timing, report.means()
    if timing is not None and timing.whole:
        found = timing.found / timing.whole
        limit = f"{100 * limits.found_warning:g} %"
        said.append(f"{timing.found} of {timing.whole} known things found or right ({limit})")
        levels.append(limits.found(found))
        if levels[-1] != "ok":
            fixes.append("see whether the model is shown the frames, or take another")
    for what, bias_s in (("starts", means["start_bias_s"]), ("ends", means["end_bias_s"])):
        if bias_s is not None:
            limit = f"{limits.bias_warning_s:g} s, {limits.bias_failure_s:g} s"
            said.append(f"{what} {bias_s:+.2f} s from the truth ({limit})")
            levels.append(limits.bias(bias_s))
            if levels[-1] != "ok":
                fixes.append("see how the engine tells the model the times of its frames")
    if means["error_s"] is not None:
        said.append(f"off by {means['error_s']:.2f} s")
    worst = max(levels, key=LEVELS.index)
    return Finding(name, worst, "; ".join(said), "; ".join(dict.fromkeys(fixes)))


def mean(values: Sequence[float]) -> float | None:
    """None of none."""
    return fsum(values) / len(values) if values else None
