from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.records import Annotation, Record, Reject, Verdict
from pipeline.workflow.stage import Context
from stages import keep_in_context
from tests.stages.test_verify_context import PAIR, PAST


def verdict(of: Annotation, rid: str, check: Any, passed: bool = True) -> Verdict:
    return Verdict(
        video_id="v",
        annotation_id=of.annotation_id,
        rid=rid,
        check=check,
        expected="red",
        seen="blue",
        passed=passed,
    )


def kept(video_rows: Any, of: Annotation, *verdicts: Verdict) -> Any:
    kinds: dict[type[Record], Sequence[Record]] = {Annotation: [of], Verdict: verdicts}
    rows = video_rows(kinds)
    (row,) = keep_in_context.STAGE.run([rows], keep_in_context.Config(), Context())
    return row


def all_of(of: Annotation) -> list[Verdict]:
    found = [verdict(of, response.rid, "in_context") for response in of.responses]
    return [*found, verdict(of, of.responses[-1].rid, "without_context")]


@pytest.mark.parametrize("of", [PAIR, PAST])
def test_what_passes_is_kept_with_its_checks(video_rows: Any, of: Annotation) -> None:
    row = kept(video_rows, of, *all_of(of))
    assert isinstance(row, Annotation)
    assert row.annotation_id == of.annotation_id
    assert [(c.rid, c.name) for c in row.checks] == [(v.rid, v.check) for v in all_of(of)]
    assert len(row.provenance) == len(row.checks)


@pytest.mark.parametrize("of", [PAIR, PAST])
@pytest.mark.parametrize(("place", "reason"), [(0, "not_answerable"), (-1, "context_not_needed")])
def test_an_answer_that_rests_on_something_else_is_refused(
    video_rows: Any, of: Annotation, place: int, reason: str
) -> None:
    verdicts = all_of(of)
    verdicts[place] = verdicts[place].model_copy(update={"passed": False})
    row = kept(video_rows, of, *verdicts)
    assert isinstance(row, Reject) and row.reason == reason
    del verdicts[place]
    assert kept(video_rows, of, *verdicts).reason == "unverified"
