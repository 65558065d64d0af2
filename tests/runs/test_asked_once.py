"""What was answered is not asked again: after edits, in other shards, of a killed run, in another
root; and ``plan --asks`` says beforehand what is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import main
from pipeline.workflow import graph
from pipeline.workflow.prompt import Prompt, load_prompts
from tests.conftest import LONG
from tests.runs import answering_server
from tests.runs.answering_server import Server, serving
from tests.runs.asking import write_asking
from tests.runs.raw_files import call
from tests.runs.test_http_run import rows_of

pytestmark = [pytest.mark.faults, pytest.mark.long]

VIDEOS = ("--limit", "3")
TIMES_S = (2.0, 7.0, 12.0)
SHIFTS_S = (0.0, 0.5, 1.0)
"""By how much the grounder is off, of each action of a video: with 2 s each an IoU of 1, of 0.6,
and of 0.33. Events are located where they are."""

CHEAP = {
    "agree more": ["nodes.agree.config.min_iou=0.7"],
    "a shorter narration": ["nodes.polish.config.min_gap_s=9"],
    "a smaller tolerance": ["nodes.ground.config.tolerance_s=0.2"],
    "no tolerance of captions": ["nodes.caption.config.tolerance_s=0"],
    "every question with options": ["nodes.multiple_choice.config.share=1"],
    "answers further apart": ["nodes.lint.config.min_gap_s=4"],
    "no question is still": ["nodes.verify.config.still_share=0"],
    "all of a video or none": ["nodes.agree.config.policy=video"],
    "other words": ["nodes.dialogue.config.seed=5"],
    "fewer turns in a file": ["corpus.shards_per_group=1"],
}
"""Edits that only leave out, or word anew."""
REWORDED = "Be quick."


def teacher(body: dict[str, Any]) -> str:
    """Answers by which events, questions and negatives come about, the same in every video."""
    schema = body["response_format"]["json_schema"]["schema"]
    content = body["messages"][-1]["content"]
    texts = [content] if isinstance(content, str) else [p["text"] for p in content if "text" in p]
    text, labels = texts[-1], [float(t[1:-3]) for t in texts[:-1]]
    said: dict[str, Any]
    match schema["title"]:
        case "Events":
            # As many events as are asked for, so that every video of a shard asks for the same.
            things = (3, 4, 5) if "each action" in text else (0, 1)
            said = {"events": [
                {"caption": f"Thing {i} moves.", "start_s": TIMES_S[i % 3],
                 "end_s": TIMES_S[i % 3] + 2}
                for i in things
            ]}  # fmt: skip
        case "SpanSeen":
            i = int(re.search(r"Thing (\d)", text)[1])  # type: ignore[index]
            start_s = TIMES_S[i % 3] + (SHIFTS_S[i % 3] if i >= 3 else 0)
            found = "Ball" not in text
            said = {"seen": "It moves.", "found": found, "start_s": start_s, "end_s": start_s + 2}
        case "Rewritten":
            said = {"sentence": f"{re.search(r'Thing . moves', text)[0]} now."}  # type: ignore[index]
        case "Query":
            said = {"query": re.search(r"Thing . moves", text)[0]}  # type: ignore[index]
        case "OneChange":
            said = {"attribute": "object", "old": "moves", "new": "turns into a Ball"}
        case "ChangePoints":
            said = {"points": [
                {"seen": "It turns.", "aspect": "attribute", "subject": "lamp", "before": f"v{i}",
                 "after": f"v{i + 1}", "time_s": t}
                for i, t in enumerate(TIMES_S)
            ]}  # fmt: skip
        case "ChangeQuestion":
            (times,) = re.findall(r'"enum": \[([\d., ]+)\]', json.dumps(schema))
            moments = [
                {"time_s": float(t), "value": f"v{i + 1}"} for i, t in enumerate(times.split(","))
            ]
            later = " now" if REWORDED in json.dumps(body["messages"][0]) else ""
            said = {
                "question": f"Which v is it{later}?",
                "answers": moments,
                "distractors": ["red"],
            }
        case "AnswerSeen":
            now = sum(t <= labels[-1] for t in TIMES_S)
            said = {"seen": "It is so.", "value": f"v{now}" if now else "unknown"}
        case _:
            return answering_server.answer(body)
    return json.dumps(said)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        found.answer = teacher
        yield found


@pytest.fixture
def asking(write_config: Callable[..., Path], server: Server) -> Callable[..., str]:
    """``asking(name)``: the config of a run in ``tmp_path/name``, two videos a shard."""
    return lambda name, **nodes: str(write_asking(write_config, name, server, **nodes))


@pytest.fixture
def run(server: Server) -> Callable[..., Counter[str]]:
    """``run(config, "a.b=c")``: what that asks."""

    def asked(config: str, *edits: str, options: tuple[str, ...] = ()) -> Counter[str]:
        before = server.asked.copy()
        assert main(["run", "-c", config, *VIDEOS, *options, *sets(edits)]) == 0
        return server.asked - before

    return asked


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """``plan(config, "a.b=c")``: the rows by node."""

    def planned(config: str, *edits: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
        more = (*VIDEOS, *options, *sets(edits))
        status, out, _ = call(capsys, "plan", "-c", config, *more, "--asks", "--json")
        assert status == 0
        return {row["node"]: row for row in json.loads(out)}

    return planned


def sets(edits: tuple[str, ...]) -> list[str]:
    return [part for edit in edits for part in ("--set", edit)]


def new_asks(rows: dict[str, Any]) -> dict[str, int]:
    """By node."""
    return {name: row["new_asks"] for name, row in rows.items() if row.get("new_asks")}


def same_rows(root: Path, other: Path) -> bool:
    """Whether the other root has all rows and files of this one, but for what tells of its run."""
    own = {"README.md", "CHANGELOG.md", "config.yaml", "run.json"}
    rows = {name: digest for name, digest in rows_of(root).items() if name not in own}
    return rows.items() <= rows_of(other).items()


@contextmanager
def reworded(name: str) -> Iterator[None]:
    """The prompt of that name has one more sentence."""

    def loaded(other: str) -> dict[str, Prompt]:
        found = load_prompts(other)
        if other != name:
            return found
        text = found[name].text
        return found | {name: replace(found[name], text=f"{REWORDED}\n\n{text}")}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(graph, "load_prompts", loaded)
        yield


def open_nodes(rows: dict[str, Any]) -> set[str]:
    """Those with asks that depend on what is not there yet."""
    return {name for name, row in rows.items() if row.get("more_asks")}


def test_edits_ask_what_they_admit(
    asking: Callable[..., str],
    run: Callable[..., Counter[str]],
    plan: Callable[..., dict[str, Any]],
    server: Server,
    tmp_path: Path,
) -> None:
    config = asking("run")
    whole = run(config)
    assert whole.total() > 50
    for name, edits in CHEAP.items():
        rows = plan(config, *edits)
        assert not new_asks(rows) and not open_nodes(rows), name
        assert any(row["to_do"] for row in rows.values()), name
        if LONG or name == "agree more":
            assert not run(config, *edits), name

    # What an edit admits is asked, and nothing else.
    admitting = ["nodes.agree.config.min_iou=0.2"]
    rows = plan(config, *admitting)
    assert new_asks(rows) == {"rewrite": 2}, "a caption, the same in all videos of a shard"
    assert not open_nodes(rows)
    assert run(config, *admitting).total() == 2
    assert not new_asks(plan(config, *admitting))

    # What is drawn among other rows, or made of answers to come, is drawn and asked anew.
    rows = plan(config, "nodes.query.config.max_queries=1")
    assert (new_asks(rows).keys() | open_nodes(rows)) <= {"query", "near_miss", "ground_negatives"}

    # An edit of what a model sees asks its node anew, and what its answers change.
    rows = plan(config, "nodes.rewrite.config.seed=1")
    assert rows["rewrite"]["asks"] == 12
    assert new_asks(rows) == {"rewrite": 8} and not open_nodes(rows)
    assert run(config, "nodes.rewrite.config.seed=1").total() == 8

    # So does an edit of a prompt. Where the answers stay as they are, nothing else is asked.
    if LONG:
        with reworded("rewrite"):
            rows = plan(config)
            assert set(new_asks(rows)) == {"rewrite"}
            assert run(config).total() == sum(new_asks(rows).values())
        # The questions are other ones now, and each is verified anew.
        answered: Counter[str] = Counter()

        def counting(body: dict[str, Any]) -> str:
            answered[body["response_format"]["json_schema"]["schema"]["title"]] += 1
            return teacher(body)

        server.answer = counting
        with reworded("change_questions"):
            rows = plan(config)
            assert open_nodes(rows) == {"verify"}
            run(config)
        assert answered.pop("ChangeQuestion") == new_asks(rows)["change_questions"] > 0
        assert answered.pop("AnswerSeen") > 0 and not answered
        assert not run(config), "the old wording has its replies"

    # In a folder of its own, the same rows come out.
    other = asking("other")
    assert run(other, *admitting)
    assert run(config, *admitting).total() == 0
    assert same_rows(tmp_path / "other", tmp_path / "run")


def test_other_shards_and_other_roots_ask_nothing(
    asking: Callable[..., str],
    run: Callable[..., Counter[str]],
    plan: Callable[..., dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = asking("run")
    run(config)
    # What is planned in one shard of three videos reads frames that are not there yet.
    rows = plan(config, "run.videos_per_shard=3")
    assert rows["narrate"]["more_asks"] and not rows["narrate"]["asks"]
    assert not run(config, "run.videos_per_shard=3", "nodes.near_miss.config.choice_seed=0")

    # A second root, and one more video.
    there = ("--replies-from", str(tmp_path / "run"))
    second = asking("second", shard=3)
    assert not run(second, options=there)
    assert same_rows(tmp_path / "second", tmp_path / "run")
    status, _, error = call(capsys, "plan", "-c", second, "--replies-from", str(tmp_path / "none"))
    assert status == 2 and "is no root of a run" in error

    # gc keeps what was answered.
    for extra in ([], ["--replies"]):
        edit = ["--set", "nodes.polish.config.seed=1"]
        _, out, _ = call(capsys, "gc", "-c", config, *edit, *extra)
        (token,) = re.findall(r"--remove ([0-9a-f]{8})", out)
        assert ("of replies are kept (--replies)" in out) == (not extra)
        call(capsys, "gc", "-c", config, *edit, *extra, "--remove", token)
        folder = tmp_path / "run/parts/polish"
        assert bool(list(folder.rglob("replies-*"))) == (not extra)
        assert not list(folder.rglob("part-*"))
        if not extra:
            assert not run(config)
