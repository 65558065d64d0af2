"""The answer of an embedder: a vector of unit length, as text that any reply can hold."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, field_validator

_UNIT = 1e-3
"""How far from 1 the length of a vector may be: half precision is nearer."""


class Embedding(BaseModel):
    """The vector of a text or a picture: base64 of float32, little-endian, of unit length."""

    vector: str = Field(json_schema_extra={"contentEncoding": "base64"})

    @field_validator("vector")
    @classmethod
    def _of_unit_length(cls, vector: str) -> str:
        values = np.frombuffer(b64decode(vector, validate=True), "<f4")
        if not abs(float(np.linalg.norm(values.astype(np.float64))) - 1) <= _UNIT:
            raise ValueError("it is no vector of unit length")
        return vector

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """The numbers, float32."""
        return np.frombuffer(b64decode(self.vector), "<f4").astype(np.float32)

    @classmethod
    def of(cls, values: Iterable[Any]) -> Embedding:
        """The vector of these numbers, scaled to unit length.

        Raises:
            ValueError: there is none, one is no finite number, or all are 0.
        """
        exact = np.asarray([*values], np.float64)
        length = float(np.linalg.norm(exact)) if exact.ndim == 1 else 0.0
        if not 0 < length < float("inf"):
            raise ValueError("it is no vector with a direction")
        return cls(vector=b64encode((exact / length).astype("<f4").tobytes()).decode())
