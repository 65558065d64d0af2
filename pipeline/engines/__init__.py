"""Engines answer asks. ``open_engine`` is the only place that knows which kinds exist."""

from __future__ import annotations

from functools import cache

from pipeline.engines.base import Engine, EngineConfig


@cache
def open_engine(config: EngineConfig) -> Engine:
    """The engine for a config, started once per process."""
    from pipeline.engines.embedded import EmbeddedEngine  # noqa: PLC0415  a kind loads what it needs

    return EmbeddedEngine()
