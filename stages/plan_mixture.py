"""Decide what the corpus is made of: how many samples of each task, and how much silence.

reads:  DialogueHead (all shards)
writes: TaskMixture, one a task, by name, and one for its negatives if it has any; ``apply_mixture``
        does what they say
source: arXiv:2512.21334, supplement, figure 3 (shares of the tasks, 12 : 3 : 2 of the states)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from pydantic import Field

from pipeline.records import DialogueHead, TaskMixture
from pipeline.records.hash_sampling import DrawnBy, sample_rank
from pipeline.workflow.mixture import Mixture, Pool
from pipeline.workflow.stage import Context, Stage, StageConfig, VideoRows


class Config(StageConfig, Mixture):
    """What is wanted of the corpus."""

    silence: Literal["keep", "trim", "mask"] = Field(
        "keep",
        description="what is done to come to silence_per_response. trim: cut silence behind the"
        " last response; mask: keep all turns, but do not learn from some of the silent ones",
    )
    silence_per_response: float = Field(
        6.0, gt=0, description="silent turns for each response; the paper has 12 : 2"
    )
    standby_per_response: float | None = Field(
        None,
        ge=0,
        description="most turns of standby to learn from for each response; the paper has 3 : 2."
        " Those beyond it stay, without loss, for they show what a response rests on; null learns"
        " from all",
    )
    by: DrawnBy = Field(
        "sample",
        description="what is drawn. video: the samples of a task are those of the first videos, so"
        " that all tasks are of the same ones where each has as many of a task",
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
    drawn = config.drawn(pools)
    made = []
    for task, pool in pools.items():
        of_negatives = pool.negatives_among(drawn.get(task, 0))
        counts = drawn.get(task, 0) - of_negatives, of_negatives
        for is_negative, count in enumerate(counts):
            if found := sorted((negatives if is_negative else positives).get(task, ())):
                made.append(_Drawn(task, bool(is_negative), len(found), found[:count]))
    cuts = _cuts([t for each in made if not each.is_negative for t in each.tickets], config)
    for each in made:
        yield _row(each, _Cuts(0.0, 0.0) if each.is_negative else cuts, config)


class _Drawn(NamedTuple):
    """What is drawn of the positives or of the negatives of a task."""

    task: str
    is_negative: bool
    there: int
    tickets: list[Ticket]


class _Cuts(NamedTuple):
    """Shares, of the silence that can go and of standby, that bring both down to what is wanted."""

    silence: float
    standby: float


def _row(each: _Drawn, cuts: _Cuts, config: Config) -> TaskMixture:
    tickets = each.tickets
    standby = sum(ticket.standby for ticket in tickets)
    return TaskMixture(
        task=each.task,
        is_negative=each.is_negative,
        samples=each.there,
        drawn=len(tickets),
        last_rank=tickets[-1].hash_rank if tickets else "",
        seed=config.seed,
        by=config.by,
        silence=config.silence,
        cut=cuts.silence,
        cut_standby=cuts.standby,
        n_silence=sum(t.silence for t in tickets)
        - round(cuts.silence * sum(t.spare for t in tickets)),
        n_standby=standby - round(cuts.standby * standby),
        n_response=sum(ticket.response for ticket in tickets),
    )


def _ticket(head: DialogueHead, config: Config) -> Ticket:
    spare = {"keep": 0, "trim": head.n_tail, "mask": head.n_silence}[config.silence]
    spare = 0 if head.is_still else spare  # its silence is what it teaches
    drawn = sample_rank(head.sample_id, head.video_id, config.seed, config.by)
    return Ticket(drawn, head.n_silence, head.n_standby, head.n_response, spare)


def _cuts(tickets: Iterable[Ticket], config: Config) -> _Cuts:
    silence = standby = response = spare = 0
    for ticket in tickets:
        silence += ticket.silence
        standby += ticket.standby
        response += ticket.response
        spare += ticket.spare
    wanted = config.standby_per_response
    return _Cuts(
        _share(silence - config.silence_per_response * response, spare),
        0.0 if wanted is None else _share(standby - wanted * response, standby),
    )


def _share(excess: float, spare: int) -> float:
    """Of what can go, the share that is too much; at most all of it."""
    return min(1.0, max(0.0, excess) / spare) if spare else 0.0


STAGE = Stage("plan_mixture", 4, (DialogueHead,), TaskMixture, Config, run, scope="dataset")
