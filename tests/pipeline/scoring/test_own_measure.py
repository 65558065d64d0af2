"""The measure of docs/how-to/own-measure.md is one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.scoring.measure import Measure
from pipeline.scoring.text_scores import TEXT_SCORES
from tests.documents.blocks import blocks
from tests.pipeline.scoring.conftest import item

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "own-measure.md"
A5_B10 = ((5.0, "a"), (10.0, "b"))


def test_the_page_has_a_measure() -> None:
    (block,) = (b for b in blocks(PAGE.read_text(encoding="utf-8")) if b.title == "first_try.py")
    made: dict[str, Any] = {}
    exec(block.text, made)
    measure = made["MEASURE"]
    assert isinstance(measure, Measure)

    def first_try(*said: tuple[float, str], late_s: float = 1.0) -> Any:
        settings = measure.settings(late_s=late_s)
        assert f"within {late_s:g} s" in measure.protocol(settings)
        counts = measure.count(item(A5_B10, said), TEXT_SCORES["exact"][1], settings)
        return measure.values(Counter(counts))["first try"]

    assert first_try(*A5_B10) == 1
    assert first_try() == 0
    assert first_try((4.0, "a"), (6.0, "a"), (12.0, "b")) == 0.5
    assert first_try((6.0, "x"), (6.5, "a"), (10.0, "b")) == 0.5, "the second try comes too late"
    assert first_try((6.0, "a"), (12.0, "b"), late_s=2) == 1
    assert measure.count(item(), TEXT_SCORES["exact"][1], measure.settings()) == {}
