from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.workflow.config import RunConfig, load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.selection import select

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


def test_the_longest_answer_must_fit_its_tokens() -> None:
    nodes = {"ingest": INGEST, "segment": SEGMENT, "narrate": NARRATE}
    polish = {"stage": "polish", "after": ["narrate"], "engine": "captioner"}
    build_graph(config(nodes | {"polish": polish}, engines=ENGINES))
    for settings in ({"max_lines": 600}, {"max_words": 40}, {"max_tokens": 1024}):
        changed = polish | {"config": settings}
        with pytest.raises(ConfigError) as raised:
            build_graph(config(nodes | {"polish": changed}, engines=ENGINES))
        said = str(raised.value)
        assert said.startswith("nodes.polish.config.max_tokens: the longest answer that its schema")
        assert said.endswith("allowed: raise it, or ask for less")
    most = {"max_lines": 600, "max_tokens": 32768}
    build_graph(config(nodes | {"polish": polish | {"config": most}}, engines=ENGINES))


def test_the_language_of_a_run_is_that_of_every_stage_that_asks_and_of_the_corpus() -> None:
    nodes = {"ingest": INGEST, "segment": SEGMENT, "narrate": NARRATE}
    graphs = [build_graph(config(nodes, engines=ENGINES, language=code)) for code in ("en", "de")]
    english, german = ({node.name: node for node in graph} for graph in graphs)
    assert german["narrate"].recipe["config"]["language"] == "de"
    assert english["narrate"].recipe_digest != german["narrate"].recipe_digest
    assert english["segment"].recipe_digest == german["segment"].recipe_digest
    own = NARRATE | {"config": {"language": "fr"}}
    *_, narrate = build_graph(config(nodes | {"narrate": own}, engines=ENGINES, language="de"))
    assert narrate.recipe["config"]["language"] == "fr"
    writing = load_config(DEMO, ["language=en"])
    assert build_graph(writing)[-1].recipe["config"]["language"] == "en"
    with pytest.raises(ValidationError, match="language"):
        config(nodes, engines=ENGINES, language="German")


def test_a_prompt_that_does_not_name_the_language_writes_english_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "Compare {{ before_s }} with {{ after_s }}."
    prompts = {"narrate": Prompt("narrate", text)}
    monkeypatch.setattr("pipeline.workflow.graph.load_prompts", lambda name: prompts)
    nodes = {"ingest": INGEST, "segment": SEGMENT, "narrate": NARRATE}
    build_graph(config(nodes, engines=ENGINES))
    with pytest.raises(ConfigError, match=r"narrate\.config\.prompt: prompts/narrate\.md does not"):
        build_graph(config(nodes, engines=ENGINES, language="de"))


def test_the_order_of_the_fields_of_an_answer_is_part_of_the_recipe() -> None:
    nodes = {"ingest": INGEST, "segment": SEGMENT, "narrate": NARRATE}
    *_, narrate = build_graph(config(nodes, engines=ENGINES))
    answer = narrate.recipe["answer"]
    assert answer.index('"seen"') < answer.index('"changed"') < answer.index('"sentence"')
