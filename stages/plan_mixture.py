"""Decide what the corpus is made of: how many samples of each task, and how much silence.

reads:  DialogueHead (all shards)
writes: TaskMixture, one a task, by name, and one for its negatives if it has any; ``apply_mixture``
        does what they say
source: arXiv:2512.21334, supplement, figure 3 (shares of the tasks, 12 : 3 : 2 of the states)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import floor
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from pipeline.records import DialogueHead, TaskMixture
from pipeline.records.hash_sampling import hash_rank, largest_remainder
from pipeline.workflow.stage import Context, Stage, StageConfig, VideoRows

Share = Annotated[float, Field(gt=0, le=1_000_000)]
_ROUNDING = 1e-9
"""A tenth of ten samples is one, whatever a tenth is in binary."""


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
    negatives: float = Field(
        0.1,
        ge=0,
        le=1,
        description="most of a task's samples that may be negatives, in which silence is right; the"
        " paper has none; 1 takes all. Their silence is what they teach: it is neither cut nor"
        " counted in silence_per_response",
    )
    silence: Literal["keep", "trim", "mask"] = Field(
        "keep",
        description="what is done to come to silence_per_response. trim: cut silence behind the"
        " last response; mask: keep all turns, but do not learn from some of the silent ones",
    )
    silence_per_response: float = Field(
        6.0, gt=0, description="silent turns for each response; the paper has 12 : 2"
    )
    seed: int = Field(0, description="of the draw of samples; another value draws others")


class Ticket(NamedTuple):
    """What is remembered of a sample: its hash rank, and its turns."""

    hash_rank: str
    silence: int
    standby: int
    response: int
    spare: int
    """So many of the silent ones can go."""


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[TaskMixture]:
    """A row a task, and one for its negatives. Holds one ticket for each sample."""
    positives: dict[str, list[Ticket]] = {}
    negatives: dict[str, list[Ticket]] = {}
    for rows in videos:
        for head in rows[DialogueHead]:
            kind = negatives if head.is_negative else positives
            kind.setdefault(head.task, []).append(_ticket(head, config))
    pools = {
        task: Pool(len(positives.get(task, ())), len(negatives.get(task, ())), config.negatives)
        for task in sorted({*positives, *negatives})
    }
    there = {task: pool.size for task, pool in pools.items() if pool.size}
    drawn = apportion(there, config.shares, config.samples)
    made = []
    for task, pool in pools.items():
        of_negatives = pool.negatives_among(drawn.get(task, 0))
        counts = drawn.get(task, 0) - of_negatives, of_negatives
        for is_negative, count in enumerate(counts):
            if found := sorted((negatives if is_negative else positives).get(task, ())):
                made.append(_Drawn(task, bool(is_negative), len(found), found[:count]))
    cut = _cut([t for each in made if not each.is_negative for t in each.tickets], config)
    for each in made:
        yield _row(each, 0.0 if each.is_negative else cut, config)


class Pool(NamedTuple):
    """The samples of a task, of which negatives may be at most a share."""

    positives: int
    negatives: int
    share: float

    @property
    def size(self) -> int:
        """The most samples that can be drawn."""
        if self.share == 1:
            return self.positives + self.negatives
        most = floor(self.positives * self.share / (1 - self.share) + _ROUNDING)
        return self.positives + min(self.negatives, most)

    def negatives_among(self, drawn: int) -> int:
        """How many of so many samples are negatives."""
        if self.share == 1:  # then nothing speaks for either
            return largest_remainder(
                {"negatives": self.negatives, "positives": self.positives}, drawn
            ).get("negatives", 0)
        return min(self.negatives, floor(self.share * drawn + _ROUNDING))


class _Drawn(NamedTuple):
    """What is drawn of the positives or of the negatives of a task."""

    task: str
    is_negative: bool
    there: int
    tickets: list[Ticket]


def _row(each: _Drawn, cut: float, config: Config) -> TaskMixture:
    tickets = each.tickets
    return TaskMixture(
        task=each.task,
        is_negative=each.is_negative,
        samples=each.there,
        drawn=len(tickets),
        last_rank=tickets[-1].hash_rank if tickets else "",
        seed=config.seed,
        silence=config.silence,
        cut=cut,
        n_silence=sum(t.silence for t in tickets) - round(cut * sum(t.spare for t in tickets)),
        n_standby=sum(ticket.standby for ticket in tickets),
        n_response=sum(ticket.response for ticket in tickets),
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
        while any(n > there[task] for task, n in largest_remainder(weights, samples).items()):
            samples -= 1
    counts = largest_remainder(weights, samples)
    for task, n in counts.items():
        if n > there[task]:
            raise ValueError(
                f"{samples} samples need {n} of {task}, and there are {there[task]}: lower samples,"
                " or the share"
            )
    return counts


def _ticket(head: DialogueHead, config: Config) -> Ticket:
    spare = {"keep": 0, "trim": head.n_tail, "mask": head.n_silence}[config.silence]
    spare = 0 if head.is_still else spare  # its silence is what it teaches
    drawn = hash_rank(head.sample_id, config.seed)
    return Ticket(drawn, head.n_silence, head.n_standby, head.n_response, spare)


def _cut(tickets: Iterable[Ticket], config: Config) -> float:
    """The share of what can go that brings silence down to what is wanted, at most all of it."""
    silence = response = spare = 0
    for ticket in tickets:
        silence += ticket.silence
        response += ticket.response
        spare += ticket.spare
    excess = silence - config.silence_per_response * response
    return min(1.0, max(0.0, excess) / spare) if spare else 0.0


STAGE = Stage("plan_mixture", 3, (DialogueHead,), TaskMixture, Config, run, scope="dataset")
