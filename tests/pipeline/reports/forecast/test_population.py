"""Whether the rows of a pilot may be taken for a random sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from pipeline.reports.forecast.pilot import Kind, Pilot
from pipeline.reports.forecast.population import doubts, population_of
from pipeline.store.location import Location
from pipeline.workflow.source import Source

ROWS = [{"video_id": f"{n:04}", "source": f"s{n * 5 // 1000}"} for n in range(1000)]


def said(
    rows: Sequence[dict[str, Any]], first: int, kind: str = "manifest", inside: bool = True
) -> list[str]:
    sources = Counter(row["source"] for row in rows[:first])
    pilot = Pilot(first, first, [{}] * first, sources)
    whole = population_of(Source(rows, Location.of("/")))
    return [*doubts(pilot, whole, kind, inside=inside)]


@pytest.mark.parametrize("seed", range(30))
def test_rows_in_random_order_raise_no_doubt(seed: int) -> None:
    assert said(Random(seed).sample(ROWS, len(ROWS)), 50) == []


def test_rows_in_order_do() -> None:
    ordered, sources = said(ROWS, 50)
    assert "in the order of their ids" in ordered
    assert "no row of 4 of the 5 sources, which have 80% of the manifest (s1 200, " in sources


def test_sources_one_behind_the_other_are_noticed_though_each_is_shuffled() -> None:
    shuffled = Random(0).sample(ROWS, len(ROWS))
    (found,) = said(sorted(shuffled, key=lambda row: row["source"] > "s1"), 100)
    assert "no row of 3 of the 5 sources" in found
    (found,) = said(sorted(shuffled[:900], key=lambda row: row["source"] > "s3")[::-1], 300)
    assert "in other shares than the manifest" in found


def test_a_small_pilot_a_folder_and_open_shards_are_named() -> None:
    shuffled = Random(0).sample(ROWS, len(ROWS))
    assert ["says little" in each for each in said(shuffled, 10)] == [True]
    assert ["a folder is read" in each for each in said(shuffled, 50, "folder")] == [True]
    pilot = Pilot(80, 50, [{}] * 50, Counter(row["source"] for row in shuffled[:50]))
    whole = population_of(Source(shuffled, Location.of("/")))
    (found,) = doubts(pilot, whole, "manifest", inside=True)
    assert "30 of the 80 rows of the pilot have no dialogues yet" in found


def test_the_whole_raises_none_and_a_drawn_pilot_may_be_of_a_sorted_manifest() -> None:
    assert said(ROWS, 1000) == [] == said(ROWS[:10], 10)
    drawn = Pilot(100, 100, [{}] * 100, Counter({f"s{n}": 20 for n in range(5)}))
    whole = population_of(Source(ROWS, Location.of("/")))
    assert [*doubts(drawn, whole, "manifest", inside=False)] == []


def test_a_task_that_few_rows_gave_is_named() -> None:
    shuffled = Random(0).sample(ROWS, len(ROWS))
    often, seldom = Kind("tsqa", False), Kind("narration", False)
    yields = [{often: 1, seldom: 9}] * 2 + [{often: 1}] * 48
    pilot = Pilot(50, 50, yields, Counter(row["source"] for row in shuffled[:50]))
    whole = population_of(Source(shuffled, Location.of("/")))
    (found,) = doubts(pilot, whole, "manifest", inside=True)
    assert found.startswith("fewer than 5 rows of the pilot gave any narration")
