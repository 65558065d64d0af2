"""The registry of adapters: the public modules of ``data_manifest``, by name.

Such a module has an ``ADAPTER``, or a function ``make`` that makes one from options.
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
    """A module of the registry; ``adapter`` is None where options are needed to make it.

    ``headline`` is the first line of the module's docstring.
    """

    name: str
    adapter: Adapter | None
    headline: str


def adapter_names() -> Sequence[str]:
    """The names of all adapters, in order."""
    found = pkgutil.iter_modules(import_module(PACKAGE).__path__)
    return sorted(module.name for module in found if not module.name.startswith("_"))


def known_adapters() -> Sequence[Known]:
    """All adapters, in the order of their names."""
    modules = ((name, _module(name)) for name in adapter_names())
    return [
        Known(name, getattr(module, "ADAPTER", None), (inspect.getdoc(module) or "").split("\n")[0])
        for name, module in modules
    ]


def lookup_adapter(name: str, options: Mapping[str, str]) -> Adapter:
    """The adapter of a name; ``options`` are its own, and empty for one that takes none.

    Raises:
        ConfigError: there is no such adapter, or it does not take these options.
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
