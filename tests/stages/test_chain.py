"""Chains of similar vectors, against a literal reference and against the odds."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest

from stages._chain import chain, links
from stages._groups import Vectors


def topics(count: int, dimensions: int = 32, topic_count: int = 12) -> Vectors:
    """Vectors around centres, as those of videos are."""
    random = np.random.default_rng(5)
    centres = random.standard_normal((topic_count, dimensions))
    noise = random.standard_normal((count, dimensions))
    return unit(centres[random.integers(topic_count, size=count)] + noise)


def unit(values: npt.NDArray[np.float64]) -> Vectors:
    made: Vectors = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    return made


def reference(vectors: Vectors) -> list[int]:
    """Algorithm 2 as it is written: each step compares all that are left, one by one."""
    similar = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    left = list(range(1, len(vectors)))
    made = [0]
    while left:
        row = similar[made[-1]]
        best = max(left, key=lambda i: (row[i], -i))
        left.remove(best)
        made.append(best)
    return made


def test_the_greedy_chain_is_that_of_the_reference() -> None:
    vectors = topics(2000)
    assert chain(vectors, "greedy", seed=0).tolist() == reference(vectors)


def test_of_equals_the_first_is_taken() -> None:
    vectors = unit(np.array([[1.0, 0], [0, 1], [1, 0], [0, 1], [1, 0]]))
    assert chain(vectors, "greedy", seed=0).tolist() == [0, 2, 4, 1, 3]


def test_the_chain_of_a_large_pool_is_nearly_as_similar() -> None:
    vectors = topics(3000)
    exact, nearly = (chain(vectors, "greedy", 0, exact=e, looked_at=256) for e in (3000, 0))
    assert sorted(nearly.tolist()) == [*range(3000)]
    assert links(vectors, nearly).mean() >= 0.95 * links(vectors, exact).mean()
    assert nearly.tolist() == chain(vectors, "greedy", 0, exact=0, looked_at=256).tolist()


@pytest.mark.parametrize("order", ["greedy", "sampled"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_small_pools(order: str, count: int) -> None:
    vectors = topics(3)[:count]
    assert sorted(chain(vectors, order, 0).tolist()) == [*range(count)]  # type: ignore[arg-type]
    assert sorted(chain(vectors, order, 0, exact=0).tolist()) == [*range(count)]  # type: ignore[arg-type]


def test_the_sampled_chain_draws_in_proportion_to_similarity() -> None:
    """Over 10,000 seeds, within five standard deviations of a binomial."""
    vectors = unit(np.array([[1.0, 0, 0], [0.8, 0.6, 0], [0.4, 0, 0.92], [-1, 0.1, 0]]))
    similar = np.maximum(vectors[1:] @ vectors[0], 0)
    drawn = Counter(int(chain(vectors, "sampled", seed)[1]) for seed in range(10_000))
    for place, share in enumerate(similar / similar.sum(), start=1):
        assert abs(drawn[place] - 10_000 * share) <= 5 * (10_000 * share * (1 - share)) ** 0.5
    assert drawn[3] == 0


def test_where_nothing_is_similar_any_is_drawn() -> None:
    vectors = unit(np.array([[1.0, 0], [-1, 0], [-1, 0.1], [-1, -0.1]]))
    drawn = Counter(int(chain(vectors, "sampled", seed)[1]) for seed in range(300))
    assert set(drawn) == {1, 2, 3}
