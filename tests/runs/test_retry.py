"""A server that fails some asks: what is recorded of them, and how they are asked again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.exit_status import PARTLY
from pipeline.run import main
from pipeline.store.location import Location
from pipeline.store.parts import discard
from tests.conftest import LONG
from tests.runs.answering_server import Server, serving
from tests.runs.asking import write_asking
from tests.runs.test_http_run import rows_of

pytestmark = pytest.mark.faults

VIDEOS = ("--limit", "4")
Config = Callable[[str], str]
Output = pytest.CaptureFixture[str]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def config_of(write_config: Callable[..., Path], server: Server) -> Config:
    every_turn = {"config": {"still_levels": 0}}
    return lambda name: str(write_asking(write_config, name, server, narrate=every_turn))


@dataclass(frozen=True)
class Whole:
    """A run without a failure: what was asked, and its rows."""

    asked: Counter[str]
    rows: dict[str, str]

    def without_its_run(self) -> dict[str, str]:
        """But for what a corpus tells of its own run."""
        own = {"README.md", "CHANGELOG.md", "config.yaml", "run.json"}
        return {name: digest for name, digest in self.rows.items() if name not in own}


@pytest.fixture(scope="module")
def kept() -> list[Whole]:
    """The one of the first test that needs it."""
    return []


@pytest.fixture
def whole(config_of: Config, server: Server, kept: list[Whole], tmp_path: Path) -> Whole:
    if not kept:
        assert main(["run", "-c", config_of("whole"), *VIDEOS]) == 0
        kept.append(Whole(server.asked, rows_of(tmp_path / "whole")))
        server.asked, server.answered = Counter(), Counter()
    return kept[0]


class Killed(RuntimeError):
    """Here."""


def some(name: str) -> bool:
    return int(name, 16) % 7 == 0


def asked_twice(server: Server, answered: Counter[str], whole: Counter[str]) -> set[str]:
    """The asks that were answered and asked again, but for those that several nodes have."""
    return {name for name in server.asked.keys() & answered.keys() if whole[name] == 1}


def rejects(config: str, capsys: Output, *options: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["rejects", "-c", config, *VIDEOS, "--json", *options]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_only_what_failed_is_asked_again_and_what_lies_below_is_healed(
    config_of: Config, server: Server, whole: Whole, tmp_path: Path, capsys: Output
) -> None:
    config = config_of("failing")
    server.fails = some
    assert main(["run", "-c", config, *VIDEOS]) == 0
    failed = {name for name in server.asked if some(name)}
    assert len(failed) > 5
    found = rejects(config, capsys, "--reason", "server_error")
    assert {row["reason_class"] for row in found} == {"engine"}
    assert {row["attempts"] for row in found} == {1}
    assert rows_of(tmp_path / "failing") != whole.rows

    # Twenty that fail in a row, with none that is answered between, look like the end of a server.
    answered, server.asked = server.answered.copy(), Counter()
    before = rows_of(tmp_path / "failing")
    assert main(["retry", "-c", config, *VIDEOS, "--reason", "server_error,timeout"]) == PARTLY
    assert main(["run", "-c", config, *VIDEOS]) == 0
    assert server.asked.keys() == failed
    assert {row["attempts"] for row in rejects(config, capsys, "--reason", "server_error")} == {2}
    assert rows_of(tmp_path / "failing") == before

    server.fails, server.asked = lambda name: False, Counter()
    assert main(["retry", "-c", config, *VIDEOS]) == 0
    assert failed & whole.asked.keys() <= server.asked.keys()
    assert not asked_twice(server, answered, whole.asked)
    assert rows_of(tmp_path / "failing").items() >= whole.without_its_run().items()
    assert not list(tmp_path.glob("*/parts/*/*/journal-*"))

    server.asked = Counter()
    capsys.readouterr()
    assert main(["retry", "-c", config, *VIDEOS]) == 0
    assert "nothing to retry" in capsys.readouterr().out
    assert not server.asked


@pytest.mark.long
@pytest.mark.parametrize("written", [1, 5] if LONG else [5])
def test_a_retry_that_is_killed_loses_no_answer(
    config_of: Config,
    server: Server,
    whole: Whole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: int,
) -> None:
    config = config_of("failing")
    server.fails = some
    assert main(["run", "-c", config, *VIDEOS]) == 0
    answered = server.answered.copy()
    server.asked.clear()
    server.fails = lambda name: False

    gone: list[Location] = []

    def killed(part: Location) -> None:
        if len(gone) == written:
            raise Killed
        gone.append(part)
        discard(part)

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.execution.retry.discard", killed)
        with pytest.raises(Killed):
            main(["retry", "-c", config, *VIDEOS])
    assert main(["run", "-c", config, *VIDEOS]) == 0
    assert main(["retry", "-c", config, *VIDEOS]) == 0
    assert not asked_twice(server, answered, whole.asked)
    assert rows_of(tmp_path / "failing").items() >= whole.without_its_run().items()


def test_rejects_are_listed_with_their_references(
    config_of: Config, server: Server, tmp_path: Path, capsys: Output
) -> None:
    config = config_of("failing")
    server.fails = some
    assert main(["run", "-c", config, *VIDEOS]) == 0
    rows = rejects(config, capsys)
    assert rejects(config, capsys, "--node", "narrate") == [
        row for row in rows if row["node"] == "narrate"
    ]
    failed = [row for row in rows if row["reason"] == "server_error"]
    for row in failed:
        replies = tmp_path / "failing" / row["replies"]
        assert replies.is_file()
        assert row["detail"] == "server_error: status 500: out of memory"
        assert row["first_at"] == row["last_at"] and row["prompt_sha"] and row["request_id"]
    unasked = [row for row in rows if not row["request_id"]]
    assert {row["reason_class"] for row in unasked} & {"rule", "absence"}
    assert all(row["attempts"] == 1 and row["first_at"] for row in unasked)
    assert not any(row["replies"] for row in unasked)

    assert main(["status", "-c", config, *VIDEOS, "--rejects"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == rows
    assert main(["rejects", "-c", config, *VIDEOS]) == 0
    table = capsys.readouterr().out
    kinds = Counter((row["node"], row["reason_class"], row["reason"]) for row in rows)
    for (node, kind, reason), count in kinds.items():
        assert any(
            line.split()[:4] == [node, kind, reason, str(count)] for line in table.splitlines()
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--node", "narate"], "--node: there is no node 'narate'; did you mean 'narrate'?"),
        (["--reason", "timeot"], "nothing was rejected as 'timeot'; did you mean 'timeout'?"),
    ],
)
@pytest.mark.parametrize("verb", ["rejects", "retry"])
def test_an_unknown_name_is_an_error(
    config_of: Config, capsys: Output, verb: str, options: list[str], message: str
) -> None:
    assert main([verb, "-c", config_of("none"), *VIDEOS, *options]) == 2
    assert message in capsys.readouterr().err
