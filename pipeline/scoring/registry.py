"""The measures by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pydantic import ValidationError

from pipeline.errors import ConfigError, did_you_mean, explain
from pipeline.scoring import measures
from pipeline.scoring.measure import Measure
from pipeline.settings import Settings


def measure_names() -> list[str]:
    """Of all measures: each is a public module of ``pipeline/scoring/measures``."""
    return sorted(m.name for m in iter_modules(measures.__path__) if not m.name.startswith("_"))


def find_measure(name: str) -> Measure[Any]:
    """The measure of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in (known := measure_names()):
        raise ConfigError(f"unknown measure {name!r}{did_you_mean(name, known)}")
    found = import_module(f"{measures.__name__}.{name}").MEASURE
    assert isinstance(found, Measure), f"{name}: MEASURE is no Measure"
    return found


def settings_of(name: str, given: Mapping[str, Any]) -> Settings:
    """The settings of a measure, by key.

    Raises:
        ConfigError: a key is unknown, or its value not possible; the message names it.
    """
    kind: type[Settings] = find_measure(name).settings
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise ConfigError(explain(error, kind, name)) from None
