"""Which rows are for training."""

from __future__ import annotations

import pytest

from pipeline.engines.base import EmbeddedConfig, for_training


@pytest.mark.parametrize(
    ("models", "trained"),
    [
        ([], True),
        (["teacher-7b@abc"], True),
        (["embedded-large@1"], True),
        ([f"{EmbeddedConfig().model}@{EmbeddedConfig().revision}"], False),
        (["teacher-7b@abc", "embedded@0"], False),
    ],
)
def test_rows_of_the_baseline_are_not_for_training(models: list[str], trained: bool) -> None:
    assert for_training(models) is trained
