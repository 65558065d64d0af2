"""Asks a server of hostile modes in each of them, and says what came of it as JSON.

    python ask_hostile_server.py ROOT MODE[=TIMEOUT_S]…

The answers are ``outcomes``, by mode: ``answer``, the error of the reply, or ``EngineError``; and
``peak_rss_mb``, the most memory that this process ever had.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from pipeline.engines.base import Ask, EngineError, Sampling
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.engine import HttpEngine
from tests.peak_memory import peak_kib
from tests.pipeline.engines.contract import SCHEMA

AT_ONCE = 3
SCHEMA_OF_ALL = {**SCHEMA, "additionalProperties": True}


def outcome(root: str, mode: str, timeout_s: float) -> str:
    settings = {
        "attempts": 2,
        "longest_wait_s": 0.01,
        "temperatures": (),
        "timeout_s": timeout_s,
        "patience_s": 0,
    }
    place = {"model": "m", "revision": "r", "base_url": f"{root}/{mode}/v1"}
    engine = HttpEngine(HttpConfig.model_validate(place | settings))
    asks = [Ask(str(i), "Look.", SCHEMA_OF_ALL) for i in range(AT_ONCE)]
    try:
        replies = [reply for _, found in engine.generate(asks, Sampling()) for reply in found]
    except EngineError:
        return "EngineError"
    finally:
        engine.close()
    assert len(replies) == len(asks)
    (one,) = {reply.error or "answer" for reply in replies}
    return one


def main() -> None:
    root, *modes = sys.argv[1:]
    asked = [(mode, float(limit or 60)) for mode, _, limit in (m.partition("=") for m in modes)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda each: outcome(root, *each), asked)
        outcomes = {mode: one for (mode, _), one in zip(asked, found, strict=True)}
    print(json.dumps({"outcomes": outcomes, "peak_rss_mb": peak_kib() / 1024}))


if __name__ == "__main__":
    main()
