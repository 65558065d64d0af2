from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import DialogueHead, TaskMixture
from pipeline.workflow.mixture import Pool
from pipeline.workflow.stage import Context
from stages.plan_mixture import STAGE, Config

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 500), min_size=1)


def head(task: str, number: int, **changes: Any) -> DialogueHead:
    fields = {
        "sample_id": f"{task}{number}", "video_id": f"v{number}", "task": task, "aspect": "",
        "source": "s", "licence": "", "split": "train", "sha256": "", "uri": "", "clip_start_s": 0,
        "clip_end_s": None, "duration_s": 60, "width": 0, "height": 0, "turns_per_s": 1,
        "n_silence": 48, "n_standby": 6, "n_response": 6, "n_tail": 20, "annotation_ids": [],
    }  # fmt: skip
    return DialogueHead.model_validate(fields | changes)


@pytest.fixture
def draw(video_rows: Callable[..., Any]) -> Callable[..., dict[str, TaskMixture]]:
    def run(config: Config, *heads: DialogueHead) -> dict[str, TaskMixture]:
        videos = [video_rows({DialogueHead: [each]}, each.video_id) for each in heads]
        made = [row for row in STAGE.run(videos, config, Context()) if isinstance(row, TaskMixture)]
        return {row.task: row for row in made}

    return run


def test_without_shares_everything_is_drawn(draw: Any) -> None:
    made = draw(Config(), *[head("tsqa", i) for i in range(5)], head("narration", 9))
    assert {task: (d.samples, d.drawn, d.cut) for task, d in made.items()} == {
        "narration": (1, 1, 0.0),
        "tsqa": (5, 5, 0.0),
    }
    assert (made["tsqa"].n_silence, made["tsqa"].n_response) == (240, 30)


def test_shares_are_met_by_the_lowest_hash_ranks(draw: Any) -> None:
    heads = [head("a", i) for i in range(60)] + [head("b", i) for i in range(50)]
    made = draw(Config(shares={"a": 3, "b": 1}), *heads)
    assert (made["a"].drawn, made["b"].drawn) == (60, 20)
    other = draw(Config(shares={"a": 3, "b": 1}, seed=1), *heads)
    assert other["b"].last_rank != made["b"].last_rank, "another seed draws others"
    backwards = draw(Config(shares={"a": 3, "b": 1}), *reversed(heads))
    assert backwards == made, "the order of the samples says nothing"


def test_silence_is_cut_to_the_ratio(draw: Any) -> None:
    heads = [head("a", i) for i in range(10)]
    mask = draw(Config(silence="mask", silence_per_response=6), *heads)["a"]
    assert mask.cut == pytest.approx((480 - 360) / 480)
    assert (mask.n_silence, mask.n_response) == (360, 60)
    trim = draw(Config(silence="trim", silence_per_response=6), *heads)["a"]
    assert trim.cut == pytest.approx(120 / 200)
    most = draw(Config(silence="trim", silence_per_response=1), *heads)["a"]
    assert (most.cut, most.n_silence) == (1.0, 280), "all there is, and no more"


def test_standby_is_learned_from_up_to_the_ratio(draw: Any) -> None:
    heads = [head("a", i, n_standby=20) for i in range(10)]
    config = Config(silence="mask", silence_per_response=6, standby_per_response=1.5)
    made = draw(config, *heads)["a"]
    assert made.cut_standby == pytest.approx((200 - 90) / 200)
    assert (made.n_silence, made.n_standby, made.n_response) == (360, 90, 60), "12 : 3 : 2"
    few = draw(config, *[head("a", i, n_standby=3) for i in range(10)])["a"]
    assert (few.cut_standby, few.n_standby) == (0.0, 30), "none is made up"
    assert draw(Config(), *heads)["a"].n_standby == 200


def negatives(video_rows: Any, config: Config, *heads: DialogueHead) -> list[tuple[int, int]]:
    """How many samples and how many negatives are drawn, of how many."""
    videos = [video_rows({DialogueHead: [each]}, each.video_id) for each in heads]
    rows = [row for row in STAGE.run(videos, config, Context()) if isinstance(row, TaskMixture)]
    return [(row.drawn, row.samples) for row in sorted(rows, key=lambda row: row.is_negative)]


@pytest.mark.parametrize(
    ("share", "samples", "drawn"),
    [
        (0.1, None, [(90, 90), (10, 40)]),
        (0.0, None, [(90, 90), (0, 40)]),
        (1.0, None, [(90, 90), (40, 40)]),
        (0.1, 50, [(45, 90), (5, 40)]),
        (0.5, 100, [(60, 90), (40, 40)]),
    ],
)
def test_negatives_are_at_most_a_share(
    video_rows: Any, share: float, samples: int | None, drawn: list[tuple[int, int]]
) -> None:
    heads = [head("a", i) for i in range(90)]
    heads += [head("a", i, is_negative=True) for i in range(100, 140)]
    assert negatives(video_rows, Config(negatives=share, samples=samples), *heads) == drawn


def test_a_task_of_nothing_but_negatives_gives_none(video_rows: Any) -> None:
    heads = [head("a", i, is_negative=True) for i in range(9)]
    assert negatives(video_rows, Config(), *heads) == [(0, 9)]


def test_the_silence_of_negatives_is_neither_cut_nor_counted(video_rows: Any) -> None:
    quiet = {"is_negative": True, "n_silence": 60, "n_standby": 0, "n_response": 0, "n_tail": 60}
    heads = [head("a", i) for i in range(9)] + [head("a", 99, **quiet)]
    videos = [video_rows({DialogueHead: [each]}, each.video_id) for each in heads]
    config = Config(silence="trim", silence_per_response=6)
    known, negative = STAGE.run(videos, config, Context())
    assert isinstance(known, TaskMixture) and isinstance(negative, TaskMixture)
    assert known.cut == pytest.approx(12 / 20) and known.n_silence == 9 * 36
    assert (negative.cut, negative.n_silence) == (0.0, 60)


@pytest.mark.parametrize("silence", ["trim", "mask"])
def test_the_silence_of_a_still_stretch_is_not_cut(draw: Any, silence: Any) -> None:
    config = Config(silence=silence, silence_per_response=1)
    known, still = head("a", 1), head("a", 2, is_still=True)
    assert draw(config, known, still)["a"].n_silence == 48 + (28 if silence == "trim" else 0)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0, 0.99), st.data())
def test_a_pool_never_promises_what_it_has_not(
    positives: int, negatives: int, share: float, data: st.DataObject
) -> None:
    pool = Pool(positives, negatives, share)
    drawn = data.draw(st.integers(0, pool.size))
    of_negatives = pool.negatives_among(drawn)
    assert 0 <= of_negatives <= negatives and drawn - of_negatives <= positives
    assert of_negatives <= share * drawn + 1e-6


def drawn(there: dict[str, int], **settings: Any) -> dict[str, int]:
    pools = {task: Pool(n, 0, 0.1) for task, n in there.items()}
    return Config.model_validate(settings).drawn(pools)


def test_what_cannot_be_met_fails_where_that_is_wanted() -> None:
    with pytest.raises(ValueError, match=r"need 50 of b, and there are 10; .* lacking: rescale"):
        drawn({"a": 100, "b": 10}, shares={"a": 1, "b": 1}, samples=100, lacking="fail")
    with pytest.raises(ValueError, match="no samples of c"):
        drawn({"a": 100}, shares={"a": 1, "c": 1}, lacking="fail")


def test_a_task_that_lacks_samples_gives_what_it_has_and_the_others_keep_their_ratio() -> None:
    shares = {"a": 3, "b": 1, "c": 1, "none": 2}
    there = {"a": 1000, "b": 900, "c": 10, "not wanted": 50}
    assert drawn(there, shares=shares) == {"a": 30, "b": 10, "c": 10}
    assert drawn(there, shares=shares, samples=410) == {"a": 300, "b": 100, "c": 10}
    assert drawn(there, shares=shares, samples=5000) == {"a": 1000, "b": 900, "c": 10}
    assert drawn({"a": 5}, shares={"none": 1}) == {}, "and nothing is made up"


@given(COUNTS, st.data())
def test_shares_hold_to_one_sample(there: dict[str, int], data: st.DataObject) -> None:
    shares = {task: data.draw(st.floats(0.01, 10)) for task in there}
    counts = drawn(there, shares=shares)
    assert all(0 <= counts[task] <= there[task] for task in there)
    whole, total = sum(shares.values()), sum(counts.values())
    for task, share in shares.items():
        assert abs(counts[task] - total * share / whole) < 1
    more = sum(there.values()) + 1
    with pytest.raises(ValueError):
        drawn(there, shares=shares, samples=more, lacking="fail")
    assert drawn(there, shares=shares, samples=more) == there
    assert drawn(there) == there


@given(COUNTS, st.integers(1, 4000), st.data())
def test_no_task_gives_more_than_it_has_and_none_is_wasted(
    there: dict[str, int], samples: int, data: st.DataObject
) -> None:
    shares = {task: data.draw(st.floats(0.01, 10)) for task in [*there, "none"]}
    counts = drawn(there, shares=shares, samples=samples)
    assert all(counts[task] <= there[task] for task in there)
    assert sum(counts.values()) == min(samples, sum(there.values()))
