"""Engines answer asks. ``open_engine`` is the only place that knows which kinds exist."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from pipeline.engines.base import EmbeddedConfig, EngineConfig, EngineError, OpenEngine
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.vllm.config import VllmConfig

KINDS: Mapping[str, type[EngineConfig]] = {
    "embedded": EmbeddedConfig,
    "http": HttpConfig,
    "vllm": VllmConfig,
}

_open: dict[str, OpenEngine] = {}
_lock = Lock()


def open_engine(config: EngineConfig) -> OpenEngine:
    """The engine for a config, started once per process."""
    key = config.model_dump_json()
    with _lock:
        if key not in _open:
            _open[key] = _start(config)
        return _open[key]


def close_engines() -> None:
    """Closes all engines of this process. ``open_engine`` opens new ones afterwards."""
    with _lock:
        while _open:
            _open.popitem()[1].close()


def _start(config: EngineConfig) -> OpenEngine:
    # Imported here, so that a kind loads its own libraries only.
    if isinstance(config, HttpConfig):
        from pipeline.engines.http.engine import HttpEngine  # noqa: PLC0415

        return HttpEngine(config)
    if isinstance(config, VllmConfig):
        try:
            from pipeline.engines.vllm.engine import VllmEngine  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise EngineError(
                f"an engine of kind vllm needs {error.name}: install turnwise[vllm]"
            ) from error
        return VllmEngine(config)
    from pipeline.engines.embedded.engine import EmbeddedEngine  # noqa: PLC0415

    return EmbeddedEngine()
