"""In a process whose ``PYTHONPATH`` has this folder, an engine of kind vllm needs no vLLM."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path


class _StandIn:
    """Finds the module of the engine here."""

    @staticmethod
    def find_spec(name: str, *_: object) -> ModuleSpec | None:
        if name != "pipeline.engines.vllm.engine":
            return None
        return spec_from_file_location(name, Path(__file__).with_name("engine.py"))


sys.meta_path.insert(0, _StandIn)  # a class can find as an object does
