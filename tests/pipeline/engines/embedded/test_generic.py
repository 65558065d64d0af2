from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from pipeline.engines.embedded.generic import Facts, UnsupportedSchemaError, answer_to

FACTS = Facts(changed=True, count=2, sentence="A red circle on a white background.")


class Colour(Enum):
    BLUE = "blue"
    RED = "red"


def bounded(inner: Any, least: int) -> Any:
    return Annotated[list[inner], Field(min_length=least, max_length=least + 1)]


def nested(inner: Any) -> Any:
    return create_model("Inner", value=(inner, ...))


LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([bool, int, float, str, Colour, Literal["x"], Literal["circle", "dot"]]),
    st.tuples(st.integers(-9, 9), st.integers(0, 9)).map(
        lambda b: Annotated[int, Field(ge=b[0], le=b[0] + b[1])]
    ),
    st.tuples(st.integers(-9, 9), st.integers(2, 9)).map(
        lambda b: Annotated[int, Field(gt=b[0], lt=b[0] + b[1])]
    ),
    st.tuples(st.floats(-9, 9), st.floats(0.1, 9)).map(
        lambda b: Annotated[float, Field(gt=b[0], lt=b[0] + b[1])]
    ),
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(
        lambda b: Annotated[str, Field(min_length=b[0], max_length=b[0] + b[1])]
    ),
)
TYPES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda t: list[t]),  # type: ignore[valid-type]
        st.tuples(inner, st.integers(0, 4)).map(lambda p: bounded(p[0], p[1])),
        inner.map(lambda t: Optional[t]),  # noqa: UP045
        inner.map(nested),
    ),
    max_leaves=4,
)


@given(st.lists(TYPES, min_size=1, max_size=3), st.booleans(), st.integers(0, 8))
def test_answers_fit_their_schema(types: list[Any], changed: bool, count: int) -> None:
    fields: dict[str, Any] = {f"field{n}": (kind, ...) for n, kind in enumerate(types)}
    model: type[BaseModel] = create_model("Anything", **fields)
    facts = Facts(changed, count, FACTS.sentence)
    model.model_validate(answer_to(model.model_json_schema(), facts))


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"type": "boolean"}, True),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "number"}, 2.0),
        ({"enum": ["blue", "red"]}, "red"),
        ({"enum": ["blue", "green"]}, "blue"),
        ({"type": "string", "maxLength": 5}, "A red"),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 0}, []),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 2),
        ({"type": "null"}, None),
    ],
)
def test_what_is_answered(schema: dict[str, Any], answer: Any) -> None:
    assert answer_to(schema, FACTS) == answer


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string", "pattern": "^x$"},
        {"type": "string", "format": "date"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 4},
        {"$ref": "#/$defs/Missing"},
        {"$ref": "#/$defs/Loop", "$defs": {"Loop": {"$ref": "#/$defs/Loop"}}},
        {"type": "object", "required": ["x"]},
        {"enum": []},
    ],
)
def test_what_cannot_be_answered(schema: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedSchemaError):
        answer_to(schema, FACTS)
