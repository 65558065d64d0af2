from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, get_args

import pytest

from pipeline.records import TypeDraw, VideoKind, VideoType
from pipeline.records.hash_sampling import hash_fraction
from pipeline.workflow.stage import Context, StageConfig
from stages import apply_types, plan_types
from tests.stages.matrices import CALL

KINDS: tuple[VideoKind, ...] = get_args(VideoKind)
SKEWED = (0.55, 0.2, 0.1, 0.08, 0.07)
"""What a model makes of a pool that is not balanced."""


@dataclass(frozen=True)
class Typed:
    """The rows of a video."""

    video_id: str
    row: VideoType

    def __getitem__(self, kind: type[VideoType]) -> Sequence[VideoType]:
        return [self.row] if kind is VideoType else []


@pytest.fixture(scope="module")
def pool() -> list[Typed]:
    """Synthetic videos whose types a biased model gave."""
    made = []
    for number in range(32_000):
        name, at = f"video-{number}", hash_fraction(f"type {number}", 7)
        ends = [sum(SKEWED[: n + 1]) for n in range(len(KINDS))]
        kind = next((k for k, end in zip(KINDS, ends, strict=True) if at < end), KINDS[-1])
        made.append(Typed(name, VideoType(video_id=name, kind=kind, provenance=CALL)))
    return made


def drawn(pool: Sequence[Any], **config: Any) -> tuple[list[TypeDraw], list[VideoType]]:
    made = plan_types.STAGE.run(pool, plan_types.Config(**config), Context())
    draws = [row for row in made if isinstance(row, TypeDraw)]
    rows = apply_types.STAGE.run(pool, StageConfig(), Context(dataset={TypeDraw: draws}))
    return draws, [row for row in rows if isinstance(row, VideoType)]


def off(counts: Mapping[Any, int], shares: Mapping[VideoKind, float]) -> float:
    """By how many standard deviations of a binomial the worst count is off its share."""
    whole, parts = sum(counts.values()), sum(shares.values())
    worst = 0.0
    for kind, share in shares.items():
        p = share / parts
        worst = max(worst, abs(counts.get(kind, 0) - whole * p) / sqrt(whole * p * (1 - p)))
    return worst


@pytest.mark.parametrize(
    "shares", [dict.fromkeys(KINDS, 1.0), dict(zip(KINDS, (4.0, 3.0, 2.0, 2.0, 1.0), strict=True))]
)
def test_types_of_ten_thousand_samples_are_what_the_config_says(
    shares: dict[VideoKind, float], pool: Sequence[Typed]
) -> None:
    asked: Counter[str] = Counter(each.row.kind for each in pool)
    assert off(asked, shares) > 30, "the pool itself is far off"
    # Even shares of 10,000 would need 2,000 of each type: as many videos as the rarest allows.
    _, kept = drawn(pool, shares=shares, videos=10_000, lacking="balance")
    counts = Counter(row.kind for row in kept)
    assert len(kept) == 10_000 and off(counts, shares) < 1
    # Nothing else of a video has a say: of a half that has nothing to do with its type, half go in.
    even = sum(int(row.video_id.removeprefix("video-")) % 2 for row in kept)
    assert abs(even - len(kept) / 2) < 4 * sqrt(len(kept) / 4)


def test_a_rare_type_limits_the_others_or_is_made_up_for(pool: Sequence[Typed]) -> None:
    few = pool[:1000]
    there = Counter(each.row.kind for each in few)
    _, kept = drawn(few, videos=900)
    counts = Counter(row.kind for row in kept)
    assert set(counts.values()) == {min(there.values())}
    draws, kept = drawn(few, videos=900, lacking="fill")
    assert len(kept) == 900 == sum(draw.drawn for draw in draws)
    assert Counter(row.kind for row in kept)[KINDS[-1]] == there[KINDS[-1]]
    with pytest.raises(ValueError, match="900 samples need 180 of"):
        drawn(few, videos=900, lacking="fail")


def test_about_a_thousand_by_default_and_others_with_another_seed(pool: Sequence[Typed]) -> None:
    _, first = drawn(pool[:12_000])
    _, second = drawn(pool[:12_000], seed=1)
    assert len(first) == len(second) == 1000
    names = [{row.video_id for row in kept} for kept in (first, second)]
    assert len(names[0] & names[1]) < 200
