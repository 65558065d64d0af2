"""Decide what the corpus is made of: how many samples of each task, and how much silence.

reads:  DialogueHead (all shards)
writes: Draw, one a task, by name; ``mix`` does what they say
source: arXiv:2512.21334, supplement, figure 3 (shares of the tasks, 12 : 3 : 2 of the states)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import floor
from typing import Annotated, Literal

from pydantic import Field

from pipeline.records import DialogueHead, Draw
from pipeline.stage import Context, Stage, StageConfig, VideoRows
from stages._lots import lot

Share = Annotated[float, Field(gt=0)]


class Config(StageConfig):
    """What is wanted of the corpus."""

    shares: dict[str, Share] = Field(
        {},
        description="task: its share of the samples, in any unit; a task that is not named is left"
        " out; empty takes every sample",
    )
    samples: int | None = Field(
        None, ge=1, description="how many in all; null takes as many as the shares allow"
    )
    silence: Literal["keep", "trim", "mask"] = Field(
        "keep",
        description="what is done to come to silence_per_response. trim: cut silence behind the"
        " last response; mask: keep all turns, but do not learn from some of the silent ones",
    )
    silence_per_response: float = Field(
        6.0, gt=0, description="silent turns for each response; the paper has 12 : 2"
    )
    seed: int = Field(0, description="draws the samples")


Lots = list[tuple[str, DialogueHead]]


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[Draw]:
    """A row a task. Holds one short row for each sample."""
    tasks: dict[str, Lots] = {}
    for rows in videos:
        for head in rows[DialogueHead]:
            tasks.setdefault(head.task, []).append((lot(head.sample_id, config.seed), head))
    there = {task: len(found) for task, found in sorted(tasks.items())}
    drawn = apportion(there, config.shares, config.samples)
    chosen = {task: sorted(tasks[task], key=lambda each: each[0])[: drawn[task]] for task in there}
    cut = _cut([head for lots in chosen.values() for _, head in lots], config)
    for task, lots in chosen.items():
        yield Draw(
            task=task,
            samples=there[task],
            drawn=len(lots),
            last_lot=lots[-1][0] if lots else "",
            seed=config.seed,
            silence=config.silence,
            cut=cut,
            n_silence=sum(h.n_silence for _, h in lots)
            - round(cut * sum(_spare(h, config) for _, h in lots)),
            n_standby=sum(head.n_standby for _, head in lots),
            n_response=sum(head.n_response for _, head in lots),
        )


def apportion(
    there: Mapping[str, int], shares: Mapping[str, float], samples: int | None
) -> dict[str, int]:
    """How many of each task: in the shares' proportion, rounded by the largest remainders.

    Raises:
        ValueError: a task has fewer samples than that, or a share names one that is not there.
    """
    if missing := sorted(shares.keys() - there.keys()):
        raise ValueError(f"shares: there are no samples of {', '.join(missing)}")
    weights = {task: shares.get(task, 0.0) if shares else float(n) for task, n in there.items()}
    whole = sum(weights.values())
    if samples is None:
        fits = (floor(n * whole / weights[task]) for task, n in there.items() if weights[task])
        samples = min(fits, default=0) if shares else sum(there.values())
        # Rounding may give a task one more than it has.
        while any(n > there[task] for task, n in _rounded(weights, samples).items()):
            samples -= 1
    counts = _rounded(weights, samples)
    for task, n in counts.items():
        if n > there[task]:
            raise ValueError(
                f"{samples} samples need {n} of {task}, and there are {there[task]}: lower samples,"
                " or the share"
            )
    return counts


def _rounded(weights: Mapping[str, float], samples: int) -> dict[str, int]:
    whole = sum(weights.values())
    exact = {task: samples * weight / whole for task, weight in weights.items()} if whole else {}
    counts = {task: floor(n) for task, n in exact.items()}
    rest = samples - sum(counts.values()) if exact else 0
    for task in sorted(exact, key=lambda t: (counts[t] - exact[t], t))[:rest]:
        counts[task] += 1
    return counts


def _cut(heads: Iterable[DialogueHead], config: Config) -> float:
    """The share of what can be cut that brings silence down to what is wanted, at most all."""
    silence = response = spare = 0
    for head in heads:
        silence += head.n_silence
        response += head.n_response
        spare += _spare(head, config)
    if config.silence == "keep" or not spare:
        return 0.0
    return min(1.0, max(0.0, silence - config.silence_per_response * response) / spare)


def _spare(head: DialogueHead, config: Config) -> int:
    """How many of its silent turns can go."""
    return head.n_tail if config.silence == "trim" else head.n_silence


STAGE = Stage("draw", 1, (DialogueHead,), Draw, Config, run, scope="dataset")
