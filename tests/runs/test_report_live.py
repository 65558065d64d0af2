"""A report that is served while parts come and go."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from pipeline.cli.options import planned, run_root
from pipeline.reports.viewer import live
from pipeline.reports.viewer.server import ReportServer
from pipeline.reports.viewer.site import Site
from pipeline.workflow.plan import planned_again
from tests.pipeline.reports.viewer.test_site import value_of


def test_a_served_report_follows_its_run(
    finished_config: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.05)
    settings, plans = planned(finished_config("run"), None, 2)
    (part,) = (tmp_path / "run/parts/dialogue").glob("*/part-00001-*.parquet")
    made = part.rename(tmp_path / "made")
    site = Site(settings, run_root(settings), tmp_path / "report", 0, "turnwise run", served=True)
    plans = planned_again(plans)
    site.write(plans)
    stop, server = Event(), ReportServer(site, "127.0.0.1", 0, "me")
    follower = Thread(target=live.follow, args=(site, plans, stop))
    threads = [follower, Thread(target=server.serve_forever)]

    def got(name: str) -> str:
        with urllib.request.urlopen(server.url + name) as answer:
            text: str = answer.read().decode()
        return text

    def videos() -> set[str]:
        index: Any = value_of(got("data/index.js"))
        return set(index["video"]["values"])

    def state_when(holds: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        while not holds(state := json.loads(got("state"))):
            assert follower.is_alive()
            time.sleep(0.02)
        found: dict[str, str] = state
        return found

    for thread in threads:
        thread.start()
    try:
        first, first_videos = json.loads(got("state")), videos()
        part.write_bytes(b"half")
        broken = state_when(lambda state: state["trouble"] != "")
        assert part.name in broken["trouble"] and broken["stamp"] == first["stamp"]
        made.rename(part)
        state_when(lambda state: state["trouble"] == "" and state["stamp"] != first["stamp"])
        assert len(first_videos) == 1 and first_videos < videos()
    finally:
        stop.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()
