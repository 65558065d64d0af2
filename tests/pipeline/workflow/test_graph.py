from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.workflow.config import RunConfig, load_config
from pipeline.workflow.graph import build_graph, select

DEMO = Path(__file__).resolve().parents[3] / "configs" / "demo.yaml"


def config(nodes: dict[str, Any], **sections: Any) -> RunConfig:
    return RunConfig.model_validate({"source": {"path": "m"}, "nodes": nodes, **sections})


INGEST = {"stage": "ingest"}
SEGMENT = {"stage": "segment", "after": ["ingest"]}
NARRATE = {"stage": "narrate", "after": ["segment"], "engine": "captioner"}
ENGINES = {"captioner": {"kind": "embedded"}}


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"ingest": {"stage": "ingst"}}, "nodes.ingest.stage: .*did you mean 'ingest'"),
        ({"ingest": {"stage": "..ingest"}}, "nodes.ingest.stage: there is no stage '..ingest'"),
        ({"ingest": {"stage": "a.b"}}, "nodes.ingest.stage: there is no stage 'a.b'"),
        ({"ingest": {"stage": "_uri"}}, "nodes.ingest.stage: there is no stage '_uri'"),
        (
            {"ingest": INGEST | {"config": {"max_duration_s": float("inf")}}},
            "nodes.ingest.config.max_duration_s: .*finite number",
        ),
        (
            {"ingest": INGEST, "segment": {"stage": "segment", "after": ["ingset"]}},
            "nodes.segment.after: there is no node 'ingset'; did you mean 'ingest'",
        ),
        (
            {"ingest": INGEST | {"config": {"max_duration": 3}}},
            "nodes.ingest.config.max_duration: unknown key; did you mean 'm.._duration_s'",
        ),
        ({"ingest": INGEST, "segment": {"stage": "segment"}}, "Video comes from none of: nothing"),
        (
            {"ingest": INGEST, "segment": SEGMENT, "n": NARRATE | {"after": ["segment", "ingest"]}},
            "'ingest' writes Video, which stage 'narrate' does not read",
        ),
        (
            {"ingest": INGEST, "segment": SEGMENT, "n": {"stage": "narrate", "after": ["segment"]}},
            "nodes.n.engine: stage 'narrate' asks a model",
        ),
        (
            {"ingest": INGEST, "segment": SEGMENT, "n": NARRATE | {"engine": "verifier"}},
            "nodes.n.engine: role 'verifier' has no entry in engines; known: captioner",
        ),
        (
            {"ingest": INGEST, "segment": SEGMENT | {"engine": "captioner"}},
            "nodes.segment.engine: stage 'segment' asks no model",
        ),
        (
            {"ingest": INGEST, "segment": SEGMENT, "n": NARRATE | {"config": {"prompt": "nope"}}},
            "nodes.n.config.prompt: there is no prompt",
        ),
        (
            {"a": {"stage": "segment", "after": ["b"]}, "b": {"stage": "segment", "after": ["a"]}},
            "circle",
        ),
        ({"a": INGEST, "b": INGEST}, "exactly one node must read the manifest .* not a, b"),
    ],
)
def test_a_wrong_graph_is_refused_by_key(nodes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_graph(config(nodes, engines=ENGINES))


def chain() -> Any:
    return build_graph(
        config({"ingest": INGEST, "segment": SEGMENT, "narrate": NARRATE}, engines=ENGINES)
    )


@pytest.mark.parametrize(
    ("only", "start", "until", "chosen"),
    [
        ((), (), (), {"ingest", "segment", "narrate"}),
        (("segment",), (), (), {"segment"}),
        ((), ("segment",), (), {"segment", "narrate"}),
        ((), (), ("segment",), {"ingest", "segment"}),
        ((), ("segment",), ("segment",), {"segment"}),
    ],
)
def test_selection(only: Any, start: Any, until: Any, chosen: set[str]) -> None:
    assert select(chain(), only, start, until) == chosen


def test_selecting_nothing_or_the_unknown_is_refused() -> None:
    with pytest.raises(ConfigError, match="no node 'segmnt'; did you mean 'segment'"):
        select(chain(), ("segmnt",))
    with pytest.raises(ConfigError, match="at once"):
        select(chain(), (), ("narrate",), ("ingest",))


def test_identity_is_the_work_and_not_its_place() -> None:
    def narrate(**changes: Any) -> str:
        sections = {"engines": ENGINES} | changes.pop("sections", {})
        nodes = {"ingest": INGEST, "segment": SEGMENT, "narrate": NARRATE | changes}
        return str(build_graph(config(nodes, **sections))[-1].recipe_digest)

    same = narrate()
    assert narrate(execution={"cpus": 4, "gpus": 1}) == same
    assert narrate(sections={"run": {"workers": 7, "executor": "ray", "root": "/x"}}) == same
    assert narrate(config={"seed": 1}) != same
    (node,) = [n for n in chain() if n.name == "narrate"]
    assert node.recipe["engine"] == {"model": "embedded", "revision": "1"}


def test_the_order_of_after_says_nothing() -> None:
    verify = {"stage": "verify", "engine": "captioner"}
    nodes = {
        "ingest": INGEST,
        "segment": SEGMENT,
        "points": {"stage": "change_points", "after": ["segment"], "engine": "captioner"},
        "asked": {"stage": "change_questions", "after": ["points"], "engine": "captioner"},
    }
    one = build_graph(
        config(nodes | {"v": verify | {"after": ["asked", "segment"]}}, engines=ENGINES)
    )
    other = build_graph(
        config(nodes | {"v": verify | {"after": ["segment", "asked"]}}, engines=ENGINES)
    )
    assert one[-1].recipe_digest == other[-1].recipe_digest
    assert [node.name for node in one[-1].after] == [node.name for node in other[-1].after]


def test_python_without_docstrings_has_the_same_recipes() -> None:
    code = (
        "from pathlib import Path; from pipeline.workflow.config import load_config;"
        "from pipeline.workflow.graph import build_graph;"
        f"print([n.recipe_digest for n in build_graph(load_config(Path({str(DEMO)!r}), ()))])"
    )
    command = [sys.executable, "-OO", "-c", code]
    said = subprocess.run(command, cwd=DEMO.parents[1], capture_output=True, text=True, check=True)
    here = [node.recipe_digest for node in build_graph(load_config(DEMO, ()))]
    assert said.stdout.strip() == str(here)
