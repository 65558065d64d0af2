"""The base of every section of settings: which keys and which numbers there can be."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

MOST: Final = 2**53
"""No setting is a larger number, in either direction. JSON and floats hold each whole one up to it,
and the machine's own numbers go further."""

DEFAULT_LANGUAGE: Final = "en"
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A language as BCP 47 has it: ``de``, ``pt-BR``."""


class Settings(BaseModel):
    """Frozen, and strict about keys. Fields that need closer bounds have them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @field_validator("*")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, int | float) and abs(one) > MOST:
                raise ValueError(f"Input should be from -{MOST} to {MOST}")
        return value
