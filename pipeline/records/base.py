"""What every row has, and what goes with rows."""

from __future__ import annotations

import struct
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Levels = Annotated[float, Field(ge=0, le=255)]
"""Of the brightness of a colour in a pixel, of which there are 256."""
Coordinate = Annotated[
    float,
    Field(ge=-1, le=1, allow_inf_nan=False),
    AfterValidator(lambda value: struct.unpack("<f", struct.pack("<f", value))[0]),
]
"""A number of a vector of unit length, in single precision."""
State = Literal["silence", "standby", "response"]

R = TypeVar("R", bound="Record")


class Record(BaseModel):
    """Base of every row. Subclasses are the contract between two stages."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def trusted(cls: type[R], fields: dict[str, Any]) -> R:
        """A record of values that are known to be valid, one for each of its fields, in order.

        Like ``model_construct``, which takes ten times as long to look for fields left out.
        """
        made = _new(cls)
        _set_fields(made, fields)
        _set_names(made, _names(cls))
        _set_extra(made, None)
        _set_private(made, None)
        return made


_new = object.__new__
# Setting the slots of a model this way takes a third of the time of `object.__setattr__`.
_set_fields, _set_names, _set_extra, _set_private = (
    BaseModel.__dict__[name].__set__ for name in BaseModel.__slots__
)


@cache
def _names(kind: type[Record]) -> set[str]:
    """Shared by all trusted records of a kind: a frozen one never changes its own."""
    return set(kind.model_fields)


class Reject(Record):
    """A row that was turned down, kept beside the rows that were accepted.

    ``reason`` is a short constant (``low_agreement``), ``detail`` explains it for this row, and
    ``row`` is the row itself as JSON. The machinery fills in ``video_id``, ``stage`` (the node) and
    ``request_id``, which is that of the ask whose answers were refused, and else empty.
    """

    video_id: str = ""
    reason: str
    detail: str = ""
    row: str = ""
    stage: str = ""
    request_id: str = ""


FILTER: Final = "filter"
"""Stands for the kind of the engine in the provenance of a row for which no model was asked."""


class Provenance(Record):
    """Where a row that a model wrote comes from, or a filter in its place. Holds no clock, host or
    transport."""

    stage: str
    prompt: str
    """Name of the prompt file."""
    prompt_sha: str
    model: str
    revision: str
    engine: str
    """Kind of the engine: embedded, http or vllm; or ``FILTER``, and ``model`` names it."""
    engine_version: str
    temperature: float
    max_tokens: int
    seed: int
    samples: int
    tokens_in: int
    tokens_out: int
    request_id: str

    @classmethod
    def of_filter(cls, stage: str, name: str, revision: str) -> Provenance:
        """Of a row that a stage wrote by a filter, without an ask; the rest is empty."""
        decided = {"stage": stage, "engine": FILTER, "model": name, "revision": revision}
        return THIS_CALL.model_copy(update=decided)

    @property
    def key(self) -> list[str | int]:
        """What distinguishes the calls of a run, for the id of a row made from one. The text of the
        prompt is not in it: another that leads to the same row leaves its id as it is."""
        return [self.model, self.revision, self.seed, self.request_id]

    @property
    def writer(self) -> str:
        """The model that answered, as ``model@revision``."""
        return f"{self.model}@{self.revision}"


_EMPTY: dict[object, str | float] = {str: "", int: 0, float: 0.0}
THIS_CALL = Provenance.model_validate(
    {name: _EMPTY.get(field.annotation) for name, field in Provenance.model_fields.items()}
)
"""Stands in a row of a stage that asks a model for the call whose answers the row is made from."""


class ModelReply(Record):
    """What an engine said to an ask, kept beside the rows that were made of it.

    ``request_id`` is that of the provenance of these rows; ``sample`` counts the replies to one ask
    from 0. Exactly one of ``text`` and ``error`` is set. ``ask`` is a digest of all that the engine
    saw of the ask, and ``video_id`` the video that it was about; ``attempts``, ``first_at`` and
    ``last_at`` tell how often and when it was asked, resumed and retried runs included. Unlike a
    row it is measured: the same run on another day has other times.
    """

    request_id: str
    sample: int
    text: str | None
    error: str | None
    detail: str
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    """Of ``tokens_in``, those that the engine had from an earlier ask, where it says."""
    latency_s: float
    """From the moment the engine took up the ask to its answer."""
    engine_version: str
    ask: str
    attempts: int
    first_at: str
    last_at: str
    video_id: str = ""
