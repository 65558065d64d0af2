"""The adapters there are: the public modules of ``data_manifest``, by their names.

Such a module has an ``ADAPTER``, or a function ``make`` that makes one of options.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from pipeline.errors import ConfigError, did_you_mean
from pipeline.manifest.adapters.adapter import Adapter
from pipeline.manifest.rules import Rules

PACKAGE = "data_manifest"


@dataclass(frozen=True)
class Known:
    """An adapter, or None where options make it; and the first line of its module's text."""

    name: str
    adapter: Adapter | None
    headline: str


def adapter_names() -> Sequence[str]:
    """Names of all adapters there are."""
    found = pkgutil.iter_modules(import_module(PACKAGE).__path__)
    return sorted(module.name for module in found if not module.name.startswith("_"))


def known_adapters() -> Sequence[Known]:
    """All adapters, by name."""
    modules = ((name, _module(name)) for name in adapter_names())
    return [
        Known(name, getattr(module, "ADAPTER", None), (inspect.getdoc(module) or "").split("\n")[0])
        for name, module in modules
    ]


def find_adapter(name: str, options: Mapping[str, str]) -> Adapter:
    """The adapter of that name; ``options`` are for those that options make.

    Raises:
        ConfigError: there is none, or it does not take these options.
    """
    names = adapter_names()
    if name not in names:
        raise ConfigError(f"manifest: there is no adapter {name!r}{did_you_mean(name, names)}")
    module = _module(name)
    if not hasattr(module, "ADAPTER"):
        try:
            made: Adapter = module.make(options)
        except ValueError as error:
            raise ConfigError(f"--option: {name}: {error}") from None
        return made
    if options:
        wrong = sorted(options)[0]
        hint = did_you_mean(wrong, Rules.model_fields)
        raise ConfigError(f"--option {wrong}: the adapter {name} takes none of its own{hint}")
    adapter: Adapter = module.ADAPTER
    return adapter


def _module(name: str) -> ModuleType:
    return import_module(f"{PACKAGE}.{name}")
