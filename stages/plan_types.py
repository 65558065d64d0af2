"""Decide which videos are asked about: so many of each type that the shares hold.

reads:  VideoType (all shards)
writes: TypeDraw, one a type that has videos, by name; ``apply_types`` does what they say
source: arXiv:2605.10343 (types are balanced, about 1,000 trajectories are enough; how they are
        balanced is not said, and ours)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, get_args

from pydantic import Field

from pipeline.records import TypeDraw, VideoKind, VideoType
from pipeline.records.hash_sampling import hash_rank
from pipeline.workflow.mixture import Mixture, Pool, Share
from pipeline.workflow.stage import Context, Stage, StageConfig, VideoRows

EVEN: Final[dict[VideoKind, float]] = dict.fromkeys(get_args(VideoKind), 1.0)


class Config(StageConfig):
    """How many videos, and of which types."""

    shares: dict[VideoKind, Share] = Field(
        EVEN,
        min_length=1,
        description="type: its share of the videos, in any unit; a type that is not named is left"
        " out; by default all are even, as in the paper",
    )
    videos: int = Field(
        1000, ge=1, description="most videos in all, each for one trajectory; the paper has 1,087"
    )
    lacking: Literal["balance", "fill", "fail"] = Field(
        "balance",
        description="what becomes of a type with too few videos; ours. balance: the others give"
        " fewer too, so that the shares hold of all types that have any; fill: it gives what it"
        " has, and the others make up for it; fail: the run fails",
    )
    seed: int = Field(
        0, description="of the draw of videos; another iteration takes another value; ours"
    )


def counts(there: dict[VideoKind, int], config: Config) -> dict[str, int]:
    """How many videos of each type are asked about.

    Raises:
        ValueError: ``lacking`` is ``fail``, and a type has not enough.
    """
    pools = {str(kind): Pool(n, 0, 1.0) for kind, n in there.items()}
    shares = {str(kind): share for kind, share in config.shares.items()}
    if config.lacking == "balance":
        found = Mixture(shares=shares).drawn(pools)
        if sum(found.values()) <= config.videos:
            return found
    lacking: Literal["rescale", "fail"] = "fail" if config.lacking == "fail" else "rescale"
    return Mixture(shares=shares, samples=config.videos, lacking=lacking).drawn(pools)


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[TypeDraw]:
    """A row a type. Holds a hash rank for each video."""
    ranks: dict[VideoKind, list[str]] = {}
    for rows in videos:
        for found in rows[VideoType]:
            ranks.setdefault(found.kind, []).append(hash_rank(rows.video_id, config.seed))
    drawn = counts({kind: len(of_kind) for kind, of_kind in ranks.items()}, config)
    for kind in sorted(ranks):
        count = drawn.get(kind, 0)
        yield TypeDraw(
            kind=kind,
            videos=len(ranks[kind]),
            drawn=count,
            last_rank=sorted(ranks[kind])[count - 1] if count else "",
            seed=config.seed,
        )


STAGE = Stage("plan_types", 1, (VideoType,), TypeDraw, Config, run, scope="dataset")
