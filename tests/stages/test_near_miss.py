from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.engines.base import Ask
from pipeline.engines.embedded.near_miss import near_miss as embedded_near_miss
from pipeline.engines.embedded.phrases import claim_of
from pipeline.records import Annotation, Candidate, Reject
from stages import near_miss
from tests.stages.test_other_events import asks

OLD_NEW = {"attribute": "object", "old": "milk", "new": "flour"}


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("milk", "flour", "a cook pours flour into a milky bowl"),
        ("a cook", "an athlete", "an athlete pours milk into a milky bowl"),
        ("milk", "Milk.", None),  # the same words
        ("bread", "flour", None),  # not there
        ("a", "the", None),  # twice
        ("mil", "flo", None),  # no whole word
        ("a cook pours milk into a milky bowl", "nothing", None),  # all of it
        ("pours (", "x", None),  # no pattern
    ],
)
def test_exactly_one_place_is_changed(old: str, new: str, text: str | None) -> None:
    assert near_miss.changed("a cook pours milk into a milky bowl", old, new) == text


@pytest.fixture
def made(video_rows: Callable[..., Any], asking: Callable[..., Any]) -> Callable[..., list[Any]]:
    def run(answer: Any, *texts: str, **config: Any) -> list[Any]:
        context, _ = asking("near_miss", lambda ask: answer)
        rows = video_rows({Annotation: asks("v", *texts)})
        return list(near_miss.STAGE.run([rows], near_miss.Config(**config), context))

    return run


def test_a_change_makes_a_candidate(made: Callable[..., list[Any]]) -> None:
    (row,) = made(OLD_NEW, "a cook pours milk")
    assert isinstance(row, Candidate)
    assert (row.kind, row.attribute, row.caption) == ("near_miss", "object", "a cook pours flour")
    assert row.parent_id == "v a cook pours milk" and row.provenance is not None
    assert row.provenance.stage == "near_miss"


def test_what_is_no_near_miss_is_refused(made: Callable[..., list[Any]]) -> None:
    def reasons(*texts: str) -> set[str]:
        return {row.reason for row in made(OLD_NEW, *texts, questions=9) if isinstance(row, Reject)}

    assert reasons("a dog runs") == {"not_one_change"}
    assert reasons("a cook pours milk", "A cook pours flour.") >= {"another_event"}
    assert reasons() == {"no_question"} <= near_miss.STAGE.absences
    assert not reasons("a cook pours milk")


def test_the_prompt_has_its_case_last(asking: Callable[..., Any], video_rows: Any) -> None:
    context, engine = asking("near_miss", lambda ask: OLD_NEW)
    rows = video_rows({Annotation: asks("v", "a dog runs")})
    list(near_miss.STAGE.run([rows], near_miss.Config(), context))
    (ask,) = engine.asks
    assert isinstance(ask, Ask) and ask.text.endswith('"a dog runs"')
    assert "JSON" in ask.system and "dog" not in ask.system


@pytest.mark.parametrize(
    "query", ["a red circle in view", "an orange square moves down", "the background is blue"]
)
def test_the_embedded_editor_changes_one_word_of_a_claim(query: str) -> None:
    found = embedded_near_miss(query)
    assert found is not None
    kind, old, new = found
    text = near_miss.changed(query, old, new)
    before, after = claim_of(query), claim_of(text or "")
    assert before is not None and after is not None
    fields = {"colour": "colour", "object": "shape", "direction": "direction"}
    differs = {name for name in vars(before) if getattr(before, name) != getattr(after, name)}
    assert differs == {fields[kind]}
    assert " a orange" not in f" {text}" and " an red" not in f" {text}"
