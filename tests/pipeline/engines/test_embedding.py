"""Vectors as answers, and every kind of embedder against the contract."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.engines.base import Ask, Frame, Sampling
from pipeline.engines.embedded.engine import EmbeddedEngine
from pipeline.engines.embedding import Embedding
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.engine import HttpEngine
from pipeline.engines.http.request_body import Body
from pipeline.engines.http.response import MalformedError, embedding_of
from pipeline.engines.sampling import fault_of
from tests.pipeline.engines.contract import picture
from tests.pipeline.engines.embedding_contract import (
    SCHEMA,
    Embedder,
    EmbeddingContract,
    text_ask,
    vectors,
)
from tests.pipeline.engines.server_process import ServerProcess


@pytest.fixture(scope="module")
def embedded() -> Embedder:
    return Embedder(EmbeddedEngine(), Ask("bad", "", SCHEMA, (Frame(0.0, b"no picture"),)))


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedder]:
    with ServerProcess(tmp_path_factory.mktemp("embeddings") / "port") as server:
        engine = HttpEngine(
            HttpConfig(model="m", revision="r", base_url=server.base_url, answers="vectors")
        )
        yield Embedder(engine, text_ask("do:400"), "do:ok")
        engine.close()


@pytest.fixture(params=["embedded", "http"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    found: Embedder = request.getfixturevalue(request.param)
    return found


class TestEveryEmbedder(EmbeddingContract):
    """With each kind in turn."""


def test_a_vector_survives_as_text() -> None:
    made = Embedding.of([3.0, 0, -4])
    assert made.values.tolist() == pytest.approx([0.6, 0, -0.8])
    again = Embedding.model_validate_json(made.model_dump_json())
    assert again.values.tobytes() == made.values.tobytes()


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [float("nan")], [float("inf"), 1], [[1.0]]])
def test_what_has_no_direction_is_no_vector(values: list[float]) -> None:
    with pytest.raises(ValueError, match="direction"):
        Embedding.of(values)


@pytest.mark.parametrize("text", ["", "!", "AAAA", b64encode(np.ones(3, "<f4").tobytes()).decode()])
def test_an_answer_of_another_length_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Embedding(vector=text)


def test_a_vector_is_no_text_that_loops_or_is_cut() -> None:
    flat = Embedding.of([1.0] * 768).model_dump_json()
    assert fault_of(flat, SCHEMA) == (None, "")


def test_the_baseline_finds_a_caption_near_what_it_says() -> None:
    """Of two pictures the one that shows what a text names is nearer to it."""
    asks = [Ask("p", "", SCHEMA, (picture(i),)) for i in (1, 3)]
    asks += [text_ask("A red square on grey."), text_ask("A blue square on grey.")]
    red, blue, says_red, says_blue = vectors(EmbeddedEngine(), asks)
    assert red @ says_red > red @ says_blue
    assert blue @ says_blue > blue @ says_red


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"data": []}',
        b'{"data": [{"embedding": null}]}',
        b'{"data": [{"embedding": "?"}]}',
        b'{"data": [{"embedding": [0, 0]}]}',
        b'{"data": [{"embedding": ["a"]}]}',
        b'{"data": [3]}',
        b'{"data": [{"embedding": [1]}, {"embedding": [1]}]}',
    ],
)
def test_a_body_without_the_one_vector_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        embedding_of(body)


def test_base64_and_numbers_are_the_same_vector() -> None:
    numbers = embedding_of(b'{"data": [{"embedding": [3, 4]}], "usage": {"prompt_tokens": 5}}')
    packed = b64encode(np.array([3, 4], "<f4").tobytes())
    other = embedding_of(b'{"data": [{"embedding": "%s"}]}' % packed)
    assert numbers.choices == other.choices
    assert numbers.tokens_in == 5


def test_a_text_is_sent_as_all_servers_take_it_and_a_picture_as_vllm_does() -> None:
    config = HttpConfig(
        model="m", revision="r", base_url="http://h/v1", answers="vectors", extra_body={"user": "u"}
    )

    def sent(ask: Ask) -> Any:
        body = Body(config, ask, Sampling())
        encoded = body.encode(n=1, temperature=0.0, seed=0)
        assert len(encoded) <= body.size_bytes
        return json.loads(encoded)

    plain = {"model": "m", "encoding_format": "float", "user": "u"}
    assert sent(text_ask("A cat.")) == {**plain, "input": "A cat."}
    for text, count in (("", 1), ("Represent it.", 2)):
        shown = sent(Ask("p", text, SCHEMA, (picture(0),)))
        (message,) = shown["messages"]
        content = message["content"]
        assert message["role"] == "user" and len(content) == count
        assert content[0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
        assert {key: value for key, value in shown.items() if key != "messages"} == plain
