"""Values of a JSON row of unknown making, of the kind that is asked for or refused."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn

from pipeline.corpus.attribution import models_of
from pipeline.corpus.formats.base import FormatError


def refuse(detail: str) -> NoReturn:
    """Never returns.

    Raises:
        FormatError: ``bad_row``.
    """
    raise FormatError("bad_row", detail)


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """The value, an object."""
    return value if isinstance(value, dict) else refuse(f"{what} is no object")


def array(value: object, what: str) -> list[Any]:
    """The value, an array."""
    return value if isinstance(value, list) else refuse(f"{what} is no array")


def text(value: object, what: str) -> str:
    """The value, a text."""
    return value if isinstance(value, str) else refuse(f"{what} is no text")


def texts(value: object, what: str) -> tuple[str, ...]:
    """The value, an array of texts."""
    return tuple(text(item, what) for item in array(value, what))


def number(value: object, what: str) -> float:
    """The value, a finite number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(f"{what} is no number")
    try:
        found = float(value)
    except OverflowError:
        refuse(f"{what} is too large")
    return found if isfinite(found) and found >= 0 else refuse(f"{what} is {found}")


def count(value: object, what: str) -> int:
    """The value, a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        refuse(f"{what} is no count")
    return value


def optional_number(row: Mapping[str, Any], key: str) -> float | None:
    """A number of a row; null where it is missing or null."""
    value = row.get(key)
    return None if value is None else number(value, key)


def attribution(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``ReadSample`` that say where it comes from; each may be missing."""
    return {
        "source": text(row.get("source", ""), "source"),
        "licence": text(row.get("licence", ""), "licence"),
        "models": models_of(text(row.get("models", ""), "models")),
        "is_negative": row.get("is_negative") is True,
    }
