"""Reading answers: bodies of a server, and texts of a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from pipeline.engines.answer import (
    Choice,
    cut_text,
    free_texts,
    has_shape,
    most_tokens,
    narrowed,
    repaired,
)
from pipeline.engines.base import Ask, Sampling
from pipeline.engines.http.response import MalformedError, completion_of
from pipeline.engines.sampling import Sample, resample_unparsable

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Sighting(BaseModel):
    """As the answers of stages are."""

    model_config = ConfigDict(extra="forbid")

    text: str
    times: list[float]
    count: int
    share: float
    note: str | None = None


SCHEMA = Sighting.model_json_schema()
SEEN = {"text": "a dog", "times": [1, 2.5], "count": 2, "share": 1}


def body_of(choices: Any = None, **further: Any) -> bytes:
    choices = [{"message": {"content": "yes"}}] if choices is None else choices
    return json.dumps({"choices": choices, **further}).encode()


def of_choice(content: Any, **further: Any) -> Choice:
    (choice,) = completion_of(body_of([{"message": {"content": content}, **further}])).choices
    return choice


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\xfa",
        b"[" * 100_000,
        b"1" * 5000,
        b"[]",
        b"{}",
        body_of([]),
        body_of("yes"),
        body_of([None]),
        body_of([{}]),
        body_of([{"message": "yes"}]),
        body_of([{"message": {"content": ["yes"]}}]),
        body_of([{"message": {"content": 3}}]),
    ],
)
def test_what_is_no_completion_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(MalformedError):
        completion_of(body)


@given(JSON)
def test_any_json_is_a_completion_or_none(value: Any) -> None:
    for body in (value, {"choices": value}, {"choices": [{"message": value}]}):
        try:
            found = completion_of(json.dumps(body).encode())
        except MalformedError:
            continue
        assert found.choices


@given(JSON)
def test_any_usage_is_a_number_of_tokens(value: Any) -> None:
    for usage in (value, dict.fromkeys(("prompt_tokens", "completion_tokens"), value)):
        found = completion_of(body_of(usage=usage))
        assert 0 <= found.tokens_in < 2**31
        assert 0 <= found.tokens_out < 2**31
        assert found.tokens_cached == 0


@pytest.mark.parametrize(
    ("details", "cached"),
    [
        ({"cached_tokens": 64}, 64),
        ({"cached_tokens": 0}, 0),
        ({"cached_tokens": 101}, 100),
        ({"cached_tokens": -1}, 0),
        ({"cached_tokens": None}, 0),
        ({"cached_tokens": True}, 0),
        ({"cached_tokens": "64"}, 0),
        ({"cached_tokens": 1.5}, 0),
        ({"cached_tokens": 10**30}, 0),
        ({}, 0),
        (None, 0),
        ([64], 0),
    ],
)
def test_cached_tokens_are_some_of_those_of_the_prompt(details: Any, cached: int) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": details}
    found = completion_of(body_of(usage=usage))
    assert (found.tokens_in, found.tokens_out, found.tokens_cached) == (100, 7, cached)


def test_a_choice_is_a_text_or_an_error() -> None:
    assert of_choice("yes", finish_reason="stop") == Choice("yes")
    assert of_choice("ye", finish_reason="length") == Choice(error="truncated", detail="ye")
    assert of_choice("", finish_reason="content_filter") == Choice(error="refused")
    assert [of_choice(empty).error for empty in ("", " \n", None)] == ["empty"] * 3
    refusal = [{"message": {"content": None, "refusal": "I will not"}}]
    (choice,) = completion_of(body_of(refusal)).choices
    assert choice == Choice(error="refused", detail="I will not")


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"note": None}, True),
        ({"count": 2.0}, True),
        ({"count": 2.5}, False),
        ({"count": True}, False),
        ({"share": "1"}, False),
        ({"text": None}, False),
        ({"times": {}}, False),
        ({"further": 1}, False),
    ],
)
def test_the_shape_is_that_of_the_top_level(change: dict[str, Any], fits: bool) -> None:
    assert has_shape(json.dumps(SEEN | change), SCHEMA) is fits


class Sightings(BaseModel):
    first: Sighting
    others: list[Sighting]


def test_a_schema_is_narrowed_where_a_path_leads_and_nowhere_else() -> None:
    wide = Sightings.model_json_schema()
    schema = narrowed(wide, {"others.text": {"enum": ["a cat"]}, "others": {"maxItems": 2}})
    others = schema["properties"]["others"]
    assert others["maxItems"] == 2
    assert others["items"]["properties"]["text"] == {
        **SCHEMA["properties"]["text"],
        "enum": ["a cat"],
    }
    assert list(others["items"]["properties"]) == list(SCHEMA["properties"])
    assert schema["properties"]["first"] == {"$ref": "#/$defs/Sighting"}
    assert schema["$defs"] == wide["$defs"] == Sightings.model_json_schema()["$defs"]
    for path in ("text", "others.texts", "first.times.text"):
        with pytest.raises(ValueError, match=f"no field '{path}'"):
            narrowed(wide, {path: {}})


def test_of_the_values_to_choose_from_one_is_taken() -> None:
    schema = narrowed(SCHEMA, {"text": {"enum": ["a dog", "a cat"]}, "share": {"enum": [1.0, 2.5]}})
    assert has_shape(json.dumps(SEEN), schema)
    assert not has_shape(json.dumps(SEEN | {"text": "A dog"}), schema)
    assert not has_shape(json.dumps(SEEN | {"share": 2.4}), schema)
    assert repaired(json.dumps(SEEN | {"text": "a bird"})[:-1], schema) is None


class Remark(BaseModel):
    line: str = Field(max_length=12)
    others: list[Sighting] = []


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("A dog barks.", False),
        ("A dog barks", False),
        ("A dog is bar", True),
        ("A dog bark, ", True),
        ('He says "a."', False),
        ("\u72ac\u304c\u5409\u3048\u308b" * 2 + "\u3088\u3002", False),
    ],
)
def test_a_text_that_ends_where_its_schema_ends_it_was_cut(line: str, cut: bool) -> None:
    schema = Remark.model_json_schema()
    assert bool(cut_text(free_texts({"line": line}, schema))) == cut
    chosen = narrowed(schema, {"line": {"enum": [line]}})
    assert not cut_text(free_texts({"line": line}, chosen))


def test_a_text_is_found_to_be_cut_wherever_it_stands() -> None:
    schema = narrowed(Remark.model_json_schema(), {"others.text": {"maxLength": 5}})
    others = [SEEN | {"text": "a ca."}, SEEN | {"text": "a dog"}, SEEN | {"text": "a bird"}]
    assert cut_text(free_texts({"line": "x", "others": others}, schema)) == "a dog"


def test_a_cut_answer_is_an_error_unless_a_warmer_one_is_whole() -> None:
    ask = Ask("a", "", Remark.model_json_schema())
    cut, whole = ('{"line": "A dog is bar", "others": []}', '{"line": "A dog.", "others": []}')
    samples = [Sample(), Sample()]
    for sample in samples:
        sample.take(ask, Choice(cut), str)
    drawn: list[float] = []

    async def draw(odd: Sequence[Sample], temperature: float, seed: int) -> None:
        drawn.append(temperature)
        odd[0].take(ask, Choice(whole), str)
        for other in odd[1:]:
            other.take(ask, Choice(error="timeout"), str)

    asyncio.run(resample_unparsable(samples[:1], (0.3, 0.7), Sampling(), draw))
    assert drawn == [0.3] and samples[0].reply(ask, repair=True).text == whole
    samples[1].take(ask, Choice(error="timeout"), str)
    reply = samples[1].reply(ask, repair=True)
    assert (reply.text, reply.error, reply.detail) == (None, "text_cut", "A dog is bar")


def test_the_longest_answer_is_counted_from_its_bounds() -> None:
    schema = narrowed(Remark.model_json_schema(), {"others": {"maxItems": 3}})
    less = narrowed(schema, {"line": {"maxLength": 3}})
    assert most_tokens(schema) - most_tokens(less) == 3
    more = narrowed(schema, {"others": {"maxItems": 4}, "others.text": {"maxLength": 300}})
    assert most_tokens(more) > most_tokens(schema) + 4 * 100
    assert most_tokens(Sighting.model_json_schema()) > 0, "what has no bound counts nothing"


def test_a_field_that_is_missing_is_no_shape() -> None:
    for name in SEEN:
        assert not has_shape(json.dumps({k: v for k, v in SEEN.items() if k != name}), SCHEMA)


@pytest.mark.parametrize("text", ["", "yes", "[]", "null", "{", "[" * 100_000])
def test_other_texts_have_no_shape(text: str) -> None:
    assert not has_shape(text, SCHEMA)


@given(JSON)
def test_what_has_a_shape_needs_no_repair(value: Any) -> None:
    text = json.dumps({"text": value})
    schema = {"type": "object", "properties": {"text": {}}, "required": ["text"]}
    assert has_shape(text, schema) and repaired(text, schema) is None


@given(st.text())
def test_repair_gives_the_shape_or_nothing(text: str) -> None:
    found = repaired(text, SCHEMA)
    assert found is None or has_shape(found, SCHEMA)


@pytest.mark.parametrize(
    "invalid",
    [
        "```json\n{}\n```",
        "Here it is: {}",
        "{},",
    ],
)
def test_json_with_something_around_it_is_repaired(invalid: str) -> None:
    found = repaired(invalid.replace("{}", json.dumps(SEEN)), SCHEMA)
    assert found is not None
    assert json.loads(found) == SEEN


def test_half_a_text_is_not_repaired() -> None:
    first = {"text": 'a "cat"', **{name: value for name, value in SEEN.items() if name != "text"}}
    whole = json.dumps(dict(reversed(first.items())))
    assert json.loads(repaired(whole[:-1], SCHEMA) or "") == first
    for length in range(whole.index('"a ') + 1, len(whole) - 2):
        assert repaired(whole[:length], SCHEMA) is None


def test_a_lone_surrogate_has_no_shape() -> None:
    assert not has_shape(json.dumps(SEEN | {"text": "\ud800"}), SCHEMA)
    assert repaired(json.dumps(SEEN | {"text": "\ud800"}), SCHEMA) is None
