from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.card import CARD, Intake, with_intake
from pipeline.execution.install import install_corpus
from pipeline.execution.runner import execute, missing_tasks
from pipeline.store.location import Location
from pipeline.store.parts import files_path
from pipeline.workflow.plan import NodePlan

Planner = Callable[..., Sequence[NodePlan]]


def run(plans: Sequence[NodePlan], executor: Any, root: Path) -> None:
    tasks = missing_tasks(plans, {p.node.name for p in plans})
    results = list(execute(plans, tasks, executor, Location.of(root)))
    assert not [r.error for r in results if r.error]


def test_runs_that_publish_at_once_leave_one_whole_corpus(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans, corpus = plan_toys([1, 2, 3]), tmp_path / "run" / "corpus"
    run(plans, inline, tmp_path / "run")
    place = Location.of(corpus)
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: install_corpus(plans, place), range(200)))
    assert all(done)
    assert [path.name for path in corpus.iterdir()] == ["total.txt"]
    assert not list(corpus.parent.glob(".corpus*")), "nothing half-written stays"


def test_the_intake_goes_into_the_installed_card_and_not_into_the_part(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans, corpus = plan_toys([1]), tmp_path / "run" / "corpus"
    run(plans, inline, tmp_path / "run")
    card = files_path(plans[-1].tasks[0].part) / CARD
    bare = "# A corpus\n\n## Who wrote it\n\nPeople.\n"
    card.write_text(bare)
    for _ in range(2):
        assert install_corpus(plans, Location.of(corpus), Intake(3, 1, {"odd": 2}))
        installed = (corpus / CARD).read_text(encoding="utf-8")
        assert installed == with_intake(bare, Intake(3, 1, {"odd": 2}))
    assert card.read_bytes().decode() == bare
    assert install_corpus(plans, Location.of(corpus))
    assert (corpus / CARD).read_text(encoding="utf-8") == bare


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_makes_place_for_the_corpus(
    plan_toys: Planner, inline: Any, tmp_path: Path, kind: str
) -> None:
    plans, corpus = plan_toys([1]), tmp_path / "run" / "corpus"
    run(plans, inline, tmp_path / "run")
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept.txt").write_text("")
    corpus.symlink_to(other) if kind == "link" else corpus.write_text("")
    assert install_corpus(plans, Location.of(corpus))
    assert [path.name for path in corpus.iterdir()] == ["total.txt"]
    assert (other / "kept.txt").exists()
    assert not list(corpus.parent.glob(".corpus*"))
