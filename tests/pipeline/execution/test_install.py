from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.card import CARD, with_run
from pipeline.corpus.changelog import CHANGELOG, newest
from pipeline.corpus.corpus_format import COUNTS
from pipeline.corpus.counts import CorpusCounts, Slice
from pipeline.corpus.facts import Intake, RunFacts
from pipeline.execution.install import install_corpus
from pipeline.execution.runner import execute, missing_tasks
from pipeline.store import durable
from pipeline.store.location import Location
from pipeline.store.part_names import files_path, slot_of
from pipeline.store.parts import StoreError, discard, new_folder, read_counts, write_part
from pipeline.workflow.plan import NodePlan, planned_again
from tests.pipeline.toys import Count

Planner = Callable[..., Sequence[NodePlan]]


def run(plans: Sequence[NodePlan], executor: Any, root: Path) -> None:
    tasks = missing_tasks(plans, {p.node.name for p in plans})
    results = list(execute(plans, tasks, executor, Location.of(root)))
    assert not [r.error for r in results if r.error]


def _with_a_card(part: Location, text: str) -> Location:
    """The part again, with a card among its files."""
    folder = new_folder(slot_of(part))
    (folder / CARD).write_text(text, encoding="utf-8")
    none = dict.fromkeys(Slice.model_fields, 0) | {"task": "", "split": ""}
    lists: dict[str, list[object]] = {
        key: [] for key in ("slices", "sources", "models", "frames", "states")
    }
    counts_of = CorpusCounts.model_validate({**lists, "totals": [none], "not_for_training": 0})
    (folder / COUNTS).write_text(counts_of.model_dump_json(), encoding="utf-8")
    (folder / "total.txt").write_text("1")
    counts = read_counts(part)
    discard(part)
    made = write_part(slot_of(part), Count, [Count(letters=1)], [], counts, None, folder)
    return files_path(made) / CARD


def test_runs_that_publish_at_once_leave_one_whole_corpus(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans, corpus = plan_toys([1, 2, 3]), tmp_path / "run" / "corpus"
    run(plans, inline, tmp_path / "run")
    place = Location.of(corpus)
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: install_corpus(planned_again(plans), place), range(200)))
    assert all(done)
    assert [path.name for path in corpus.iterdir()] == ["total.txt"]
    assert not list(corpus.parent.glob(".corpus*")), "nothing half-written stays"


def test_facts_go_into_the_installed_corpus_and_not_into_the_part(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans, corpus = plan_toys([1]), tmp_path / "run" / "corpus"
    run(plans, inline, tmp_path / "run")
    bare = "# A corpus\n\n## Who wrote it\n\nPeople.\n"
    card = _with_a_card(planned_again(plans)[-1].parts[0], bare)
    facts = RunFacts(
        intake=Intake(3, 1, {"odd": 2}), config="run: {}\n", texts={"a/b": "Say {{ it }}."}
    )
    seen = set()
    for _ in range(2):
        assert install_corpus(planned_again(plans), Location.of(corpus), facts)
        version, entry = newest((corpus / CHANGELOG).read_text(encoding="utf-8"))
        assert entry == "0 dialogues about 0 videos. There was none before."
        installed = (corpus / CARD).read_text(encoding="utf-8")
        above, _, below = bare.partition("## Who wrote it")
        assert installed.startswith(with_run(bare, facts).partition("## Who wrote it")[0].strip())
        assert above.strip() in installed and installed.endswith("## Who wrote it" + below)
        assert f"`{version}`" in installed and entry in installed
        said = RunFacts.model_validate_json((corpus / "run.json").read_bytes())
        assert said == facts.model_copy(update={"config": "", "texts": {}})
        assert (corpus / "config.yaml").read_text(encoding="utf-8") == facts.config
        assert (corpus / "prompts/a/b.md").read_text(encoding="utf-8") == "Say {{ it }}."
        seen.add(corpus.stat().st_ino)
    assert len(seen) == 1, "what is in place stays"
    assert card.read_bytes().decode() == bare
    assert install_corpus(planned_again(plans), Location.of(corpus))
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
    assert install_corpus(planned_again(plans), Location.of(corpus))
    assert [path.name for path in corpus.iterdir()] == ["total.txt"]
    assert (other / "kept.txt").exists()
    assert not list(corpus.parent.glob(".corpus*"))


def test_a_file_of_another_size_is_made_again_and_one_of_other_bytes_is_named(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans, corpus = plan_toys([1, 2, 3]), Location.of(tmp_path / "run/corpus")
    run(plans, inline, tmp_path / "run")
    file = Path(files_path(planned_again(plans)[-1].parts[0])) / "total.txt"
    for spoil in (lambda: file.write_text(""), file.unlink):
        spoil()
        planned = plan_toys([1, 2, 3])
        assert [len(plan.missing) for plan in planned] == [0, 0, 1]
        assert not list(planned[-1].done())
        run(planned, inline, tmp_path / "run")
        assert file.read_text() == "6"
    file.write_text("7")
    with pytest.raises(StoreError, match=r"total.txt cannot be read: remove .*part-.*parquet and"):
        install_corpus(plan_toys([1, 2, 3]), corpus)
    assert not corpus.exists()


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_corpus_that_is_in_place_stays_and_another_takes_its_place(
    plan_toys: Planner, inline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    can_exchange: bool,
) -> None:  # fmt: skip
    if not can_exchange:
        monkeypatch.setattr(durable, "exchange", lambda one, other: False)
    corpus = tmp_path / "run/corpus"
    seen = []
    for ns in ([1], [1], [1, 2]):
        run(plan_toys(ns), inline, tmp_path / "run")
        assert install_corpus(plan_toys(ns), Location.of(corpus))
        seen.append((corpus.stat().st_ino, (corpus / "total.txt").read_text()))
    assert seen[0] == seen[1] != seen[2]
    assert [text for _, text in seen] == ["1", "1", "3"]
    assert not list(corpus.parent.glob(".corpus*"))


def test_a_reader_finds_a_corpus_at_every_moment(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    corpus, ended = tmp_path / "run/corpus", threading.Event()
    missed = []

    def look() -> None:
        while not ended.is_set():
            if not (corpus / "total.txt").exists():
                missed.append(1)

    thread = threading.Thread(target=look)
    for n in range(1, 30):
        run(plan_toys([n]), inline, tmp_path / "run")
        install_corpus(plan_toys([n]), Location.of(corpus))
        if n == 1:
            thread.start()
    ended.set()
    thread.join()
    assert not missed
