"""Where on a cluster work may go, and what it takes there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.settings import Settings

GIB = 1024**3
_VALUES = re.compile(r"!?(?:in\((?P<several>[^()]+)\)|(?P<one>[^!()]+))")


def _checked(selector: dict[str, str]) -> dict[str, str]:
    for key, wanted in selector.items():
        if not _VALUES.fullmatch(wanted):
            raise ValueError(f"{key}: {wanted!r} is none of value, !value, in(a,b), !in(a,b)")
    return selector


LabelSelector = Annotated[dict[str, str], AfterValidator(_checked)]
"""The labels that a machine must have: by name of the label a value, ``!value``, ``in(a,b)`` or
``!in(a,b)``, as Ray reads them. A machine without the label has no value of it."""


class Placement(Settings):
    """What one replica of an engine takes beside its GPUs. No part of its identity."""

    cpus: float = Field(
        0,
        ge=0,
        le=10_000,
        description="CPU cores that are kept for a replica, such as for what prepares its frames:"
        " by Ray, and on one machine of those that run.workers takes when it is null",
    )
    memory_gib: float = Field(
        0, ge=0, le=1_000_000, description="GiB of memory that Ray keeps for a replica"
    )
    label_selector: LabelSelector = Field(
        {},
        description="labels that its machine must have in Ray: by name a value, !value, in(a,b) or"
        " !in(a,b)",
    )
    across_machines: bool = Field(
        False,
        description="whether the GPUs of one replica may lie on several machines, which vLLM then"
        " joins by its Ray backend. Untried on GPUs",
    )


def matches(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    """Whether a machine with these labels is one that a selector means."""
    for key, wanted in selector.items():
        found = _VALUES.fullmatch(wanted)
        assert found is not None, "it was checked"
        several = found["several"]
        values = [one.strip() for one in several.split(",")] if several else [found["one"]]
        if (labels.get(key) in values) == wanted.startswith("!"):
            return False
    return True
