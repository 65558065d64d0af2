"""A judge is asked what the measures look at, once, and named in the protocol."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.scoring.item import Item, TextScore
from pipeline.scoring.judge import Judge, judged, pairs_looked_at
from pipeline.scoring.registry import find_measure, measure_names, settings_of
from pipeline.workflow.prompt import load_prompts
from tests.pipeline.scoring.conftest import item

JUDGE = Judge("m@1", {"model": "m"}, load_prompts("judge")["judge"])
ITEMS = (
    item(((5.0, "a red car"), (10.0, "blue")), ((5.0, "a car"), (10.0, "BLUE!"), (12.0, "green"))),
    item(((5.0, "B. two"),), ((5.0, "B"),), options=("one", "two")),
    item(((5.0, "a red car"),), ((6.0, "a car"), (7.0, " "))),
)


class Answering:
    """It answers by the said text, and counts what it was asked."""

    version = "1"

    def __init__(self, verdicts: dict[str, str], default: str = "wrong") -> None:
        self._verdicts, self._default = verdicts, default
        self.said: list[str] = []

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        assert sampling.temperature == 0
        for place, ask in reversed(list(enumerate(asks))):
            assert all(str(value) in ask.text for value in ask.variables.values())
            self.said.append(ask.variables["said"])
            verdict = self._verdicts.get(ask.variables["said"], self._default)
            yield place, [Reply(ask.request_id, text=json.dumps({"verdict": verdict}))]


def values(name: str, text: TextScore, items: Sequence[Item] = ITEMS) -> dict[str, Any]:
    measure, sums = find_measure(name), Counter[str]()
    for each in items:
        sums.update(measure.count(each, text, settings_of(name, {})))
    return dict(measure.values(sums))


def all_values(text: TextScore) -> dict[str, Any]:
    return {name: values(name, text) for name in measure_names()}


def test_each_pair_is_asked_once_and_what_is_certain_never(tmp_path: Path) -> None:
    kept, engine = tmp_path / "kept.jsonl", Answering({"a car": "partly"})
    pairs = pairs_looked_at(all_values)
    assert len(set(pairs)) == len(pairs)
    score, problems = judged(JUDGE, pairs, lambda: engine, kept)
    assert not problems
    assert sorted((pair.expected, pair.said) for pair in pairs) == [
        ("a red car", "BLUE!"),
        ("a red car", "a car"),
        ("blue", "green"),
    ]
    assert sorted(engine.said) == ["BLUE!", "a car", "green"]
    first = all_values(score)

    def never() -> Answering:
        raise AssertionError("asked again")

    again, _ = judged(JUDGE, pairs, never, kept)
    assert all_values(again) == first


def test_its_verdicts_are_what_texts_are_worth(tmp_path: Path) -> None:
    one = (item(((5.0, "a red car"),), ((5.0, "a car"),)),)
    for verdict, worth in (("right", 1.0), ("partly", 0.5), ("wrong", 0.0)):
        pairs = pairs_looked_at(lambda note: values("streampro_f1", note, one))
        assert [pair.said for pair in pairs] == ["a car"]
        score, _ = judged(JUDGE, pairs, lambda v=verdict: Answering({}, v), tmp_path / verdict)  # type: ignore[misc]
        assert values("streampro_f1", score, one)["precision"] == pytest.approx(worth)
        assert values("sw_f1", score, one)["TP"] == (verdict == "right")


def test_another_judge_or_prompt_is_asked_anew(tmp_path: Path) -> None:
    kept, engine = tmp_path / "kept.jsonl", Answering({})
    pairs = pairs_looked_at(all_values)
    judged(JUDGE, pairs, lambda: engine, kept)
    count = len(engine.said)
    judged(Judge("n@1", {"model": "n"}, JUDGE.prompt), pairs, lambda: engine, kept)
    assert len(engine.said) == 2 * count > 0
    assert "m@1" in JUDGE.protocol and JUDGE.prompt.sha in JUDGE.protocol


def test_what_a_kill_left_is_asked_again_and_the_rest_is_not(tmp_path: Path) -> None:
    kept, engine = tmp_path / "kept.jsonl", Answering({})
    pairs = pairs_looked_at(all_values)
    judged(JUDGE, pairs, lambda: engine, kept)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-9])
    before = len(engine.said)
    judged(JUDGE, pairs, lambda: engine, kept)
    assert len(engine.said) == before + 1
    assert sorted(kept.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_pair_without_a_verdict_is_a_problem(tmp_path: Path) -> None:
    _, problems = judged(
        JUDGE, pairs_looked_at(all_values), lambda: Answering({}, "perhaps"), tmp_path / "kept"
    )
    assert problems and all("unparsable" in problem for problem in problems)
