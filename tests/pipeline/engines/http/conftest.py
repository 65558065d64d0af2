"""A server that misbehaves on demand, and an engine that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from pipeline.engines.base import Ask, Frame, Reply, Sampling
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.engine import HttpEngine
from tests.pipeline.engines.contract import SCHEMA, replies_to
from tests.pipeline.engines.server_process import ServerProcess

ATTEMPTS = 3
TIMEOUT_S = 1.5
"""Of an engine that is asked for what never comes; a busy machine answers the rest in less."""
KEY_VARIABLE = "MODEL_KEY"
SECRET = "sk-very-secret-0123456789"

Opener = Callable[..., HttpEngine]
_numbers = count()


@dataclass
class Outcome:
    """What came of one odd ask between two plain ones, and what the server saw of it."""

    replies: list[Reply]
    tries: list[dict[str, Any]]

    @property
    def reply(self) -> Reply:
        (reply,) = self.replies
        return reply


@dataclass
class Bench:
    """An engine with few tries and short waits, and its server."""

    server: ServerProcess
    engine: HttpEngine
    plain: list[Ask] = field(default_factory=lambda: [ask_to("ok", "a"), ask_to("ok", "b")])

    def __call__(
        self, do: str, sampling: Sampling | None = None, frames: tuple[Frame, ...] = ()
    ) -> Outcome:
        """Asks for a behaviour; its neighbours must come to their answers whatever it is."""
        marker = f"{do}#{next(_numbers)}"
        asks = [self.plain[0], ask_to(marker, marker, frames), self.plain[1]]
        before, replies, after = replies_to(self.engine, asks, sampling)
        assert all(reply.text for reply in (*before, *after))
        assert {reply.request_id for reply in replies} == {marker}
        return Outcome(list(replies), self.server.seen(marker))


def ask_to(do: str, request_id: str = "id", frames: tuple[Frame, ...] = ()) -> Ask:
    return Ask(request_id, f"do:{do}", SCHEMA, frames)


def config_of(server: ServerProcess | str, **settings: Any) -> HttpConfig:
    quick = {"attempts": ATTEMPTS, "longest_wait_s": 0.02, "patience_s": 0}
    url = server if isinstance(server, str) else server.base_url
    return HttpConfig.model_validate(
        {"model": "m", "revision": "r", "base_url": url} | quick | settings
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("server") / "port") as started:
        yield started


@pytest.fixture
def opened(server: ServerProcess) -> Iterator[Opener]:
    """``opened(**settings)``: an engine that is closed when the test ends."""
    with ExitStack() as stack:

        def open_one(where: ServerProcess | str = server, **settings: Any) -> HttpEngine:
            engine = HttpEngine(config_of(where, **settings))
            stack.callback(engine.close)
            return engine

        yield open_one


@pytest.fixture(scope="module")
def bench(server: ServerProcess) -> Iterator[Bench]:
    engine = HttpEngine(config_of(server))
    yield Bench(server, engine)
    engine.close()


@pytest.fixture(scope="module")
def hasty(server: ServerProcess) -> Iterator[Bench]:
    """With a short time limit."""
    engine = HttpEngine(config_of(server, timeout_s=TIMEOUT_S))
    yield Bench(server, engine)
    engine.close()
