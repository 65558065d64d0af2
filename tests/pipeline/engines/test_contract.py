"""Every engine against the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.engines.base import Ask, Frame
from pipeline.engines.embedded.engine import EmbeddedEngine
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.engine import HttpEngine
from tests.pipeline.engines.contract import SCHEMA, EngineContract, Subject
from tests.pipeline.engines.server_process import ServerProcess


@pytest.fixture(scope="module")
def embedded() -> Subject:
    bad = Ask("bad", "", SCHEMA, (Frame(0.0, b"no picture"),))
    return Subject(
        EmbeddedEngine(), "Describe it.", bad, EmbeddedEngine, takes_system=False, ends=False
    )


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """Against a server that answers each ask after a time of its own, so that order is lost."""
    with ServerProcess(tmp_path_factory.mktemp("contract") / "port") as server:
        config = HttpConfig(model="m", revision="r", base_url=server.base_url, concurrency=16)
        engine = HttpEngine(config)
        yield Subject(
            engine,
            "do:shuffled",
            Ask("bad", "do:400", SCHEMA),
            lambda: HttpEngine(config),
            slow="do:stall",
            under_way=lambda _: server.most()["now"],
        )
        engine.close()


@pytest.fixture(scope="module", params=["embedded", "http"])
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.getfixturevalue(request.param)
    return found


class TestEveryEngine(EngineContract):
    """With each subject in turn."""
