from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest

from pipeline.engines.base import Reply
from pipeline.engines.errors import ANSWER_ERRORS, ASK_ERRORS, PASSING_ERRORS, ErrorName
from pipeline.reports.reasons import class_of
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import Node, build_graph

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "demo.yaml"


@pytest.fixture(scope="module")
def nodes() -> Mapping[str, Node]:
    return {node.name: node for node in build_graph(load_config(CONFIG))}


@pytest.mark.parametrize(
    ("node", "reason", "expected"),
    [
        ("ingest", "too_long", "input"),
        ("segment", "damaged", "input"),
        ("source_annotations", "bad_span", "input"),
        ("source_annotations", "no_source_annotations", "absence"),
        ("narrate", "too_long", "ask"),
        ("narrate", "timeout", "engine"),
        ("narrate", "truncated", "answer"),
        ("narrate", "no_valid_answer", "answer"),
        ("narrate", "a_reason_of_tomorrow", "answer"),
        ("narrate", "one_frame", "absence"),
        ("rewrite", "low_agreement", "answer"),
        ("lint", "repeat", "rule"),
        ("apply_mixture", "not_drawn", "absence"),
    ],
)
def test_a_class_follows_from_the_stage_and_absence_from_its_word(
    nodes: Mapping[str, Node], node: str, reason: str, expected: str
) -> None:
    assert class_of(reason, nodes[node].stage) == expected


def test_every_error_of_an_engine_has_one_class() -> None:
    names = [name for group in get_args(ErrorName) for name in get_args(group) or [group]]
    classes = [PASSING_ERRORS, ASK_ERRORS, ANSWER_ERRORS]
    assert sorted(names) == sorted(name for group in classes for name in group)
    assert Reply.__dataclass_fields__["error"].type == "ErrorName | None"
