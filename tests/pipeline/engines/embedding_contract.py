"""What every embedder must keep, as tests of whatever the fixture ``embedder`` is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.engines.answer import answer_schema
from pipeline.engines.base import Ask, Engine, OpenEngine, Sampling
from pipeline.engines.embedding import Embedding
from tests.pipeline.engines.contract import picture, replies_to

SCHEMA = answer_schema(Embedding)
Vectors = list[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Embedder:
    """An engine that gives vectors, and an ask that it cannot answer."""

    engine: OpenEngine
    bad: Ask
    text: str = "A red circle."
    """Words that lead to a vector."""


def text_ask(text: str) -> Ask:
    return Ask(f"text-{text}", text, SCHEMA)


def picture_ask(number: int, text: str = "") -> Ask:
    return Ask(f"picture-{number}-{text}", text, SCHEMA, (picture(number),))


def vectors(engine: Engine, asks: Sequence[Ask]) -> Vectors:
    rows = replies_to(engine, asks, Sampling(max_tokens=1))
    assert [row[0].request_id for row in rows] == [ask.request_id for ask in asks]
    assert all(reply.text is not None for row in rows for reply in row), rows
    return [Embedding.model_validate_json(row[0].text or "").values for row in rows]


class EmbeddingContract:
    """Tests that an engine which gives vectors must pass."""

    def test_texts_and_pictures_share_a_space_of_vectors_of_unit_length(
        self, embedder: Embedder
    ) -> None:
        asks = [text_ask(f"{embedder.text} {i}") for i in range(6)]
        asks += [picture_ask(i) for i in range(6)]
        found = vectors(embedder.engine, asks)
        assert {each.shape for each in found} == {found[0].shape}
        assert all(each.dtype == np.float32 for each in found)
        np.testing.assert_allclose([np.linalg.norm(each) for each in found], 1, atol=1e-3)
        assert len({each.tobytes() for each in found}) > 3, "the asks must differ"

    def test_rows_are_not_mixed(self, embedder: Embedder) -> None:
        asks = [picture_ask(i) for i in range(8)]
        together = vectors(embedder.engine, asks)
        for ask, expected in zip(asks, together, strict=True):
            (alone,) = vectors(embedder.engine, [ask])
            np.testing.assert_allclose(alone, expected, atol=1e-3)

    def test_a_bad_row_is_an_error_row(self, embedder: Embedder) -> None:
        asks = [picture_ask(0), embedder.bad, picture_ask(1)]
        good, bad, other = replies_to(embedder.engine, asks, Sampling(max_tokens=1))
        assert good[0].text and other[0].text
        assert bad[0].text is None
        assert bad[0].error
        assert bad[0].request_id == embedder.bad.request_id

    def test_no_asks_no_replies(self, embedder: Embedder) -> None:
        assert list(embedder.engine.generate([], Sampling())) == []
