from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.engines.http.config import HttpConfig
from pipeline.errors import ConfigError
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph

ROOT = Path(__file__).resolve().parents[3]
COMBINATIONS = sorted((ROOT / "configs").glob("sources_*.yaml"))
TEACHERS = sorted((ROOT / "configs" / "teachers").glob("*.yaml"))
CONFIGS = sorted({*(ROOT / "configs").glob("*.yaml"), *TEACHERS} - {*COMBINATIONS})
MINIMAL = "source: {path: m.jsonl}\nnodes: {ingest: {stage: ingest}}\n"


def written(folder: Path, text: str, name: str = "run.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_shipped_configs_are_valid(path: Path) -> None:
    from pipeline.workflow.graph import build_graph

    build_graph(load_config(path))


@pytest.mark.parametrize("path", COMBINATIONS, ids=lambda p: p.stem)
def test_shipped_combinations_are_valid(path: Path) -> None:
    from pipeline.manifest.adapters.licences import load_licences, terms_of
    from pipeline.manifest.reconcile.combination import load_combination
    from pipeline.manifest.registry import lookup_adapter

    found = load_combination(path)
    for item in found.sources:
        terms_of(load_licences(), lookup_adapter(item.source, item.options).licence)


def test_the_manifest_of_the_paper_has_its_numbers() -> None:
    from pipeline.manifest.reconcile.combination import load_combination
    from pipeline.records.hash_sampling import largest_remainder

    found = load_combination(ROOT / "configs" / "manifests" / "sources_465k.yaml")
    assert (len(found.sources), found.videos) == (9, 135_875)
    shares = {place: one.share for place, one in enumerate(found.durations)}
    assert list(largest_remainder(shares, 135_875).values()) == [
        68_273,
        19_153,
        21_834,
        20_529,
        6_086,
    ]
    config = load_config(ROOT / "configs" / "streamo_instruct_465k.yaml")
    drawn = config.nodes["plan_mixture"].config["shares"]
    assert sum(drawn.values()) == pytest.approx(100, abs=0.2)
    tasks = {path.stem for path in (ROOT / "prompts" / "instructions").glob("*.md")}
    of_other_recipes = {"options", "dense_captioning", "step_recognition"}
    assert drawn.keys() == {task.removesuffix("_after") for task in tasks} - of_other_recipes


def test_defaults_and_overrides(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, MINIMAL), ["run.workers=3", "run.name=x y"])
    assert (config.run.workers, config.run.name) == (3, "x y")
    assert config.run.videos_per_shard == 64


def test_extends_goes_key_by_key(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL + "run: {name: base, workers: 2}\n", "base.yaml")
    config = load_config(written(tmp_path, "extends: base.yaml\nrun: {workers: 5}\n"))
    assert (config.run.name, config.run.workers) == ("base", 5)


def test_extends_in_a_circle_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "extends: run.yaml\n", "other.yaml")
    with pytest.raises(ConfigError, match="extends itself"):
        load_config(written(tmp_path, "extends: other.yaml\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rum: {workers: 1}\n", "rum: unknown key; did you mean 'run'"),
        ("run: {worker: 1}\n", "run.worker: unknown key; did you mean 'workers'"),
        ("run: {workers: 0}\n", "run.workers: .*greater than or equal to 1"),
        ("run: {executor: rya}\n", "run.executor: 'rya' is not one of .*did you mean 'ray'"),
        ("engines: {captoner: {kind: embedded}}\n", "engines.captoner: .*did you mean 'captioner'"),
        ("engines: {captioner: {kind: vlm}}\n", "engines.captioner.kind: 'vlm'"),
        ("engines: {captioner: {model: gpt-9}}\n", "engines.captioner.model: 'gpt-9'"),
        ("nodes: {a: {stag: ingest}}\n", "nodes.a.stag: unknown key; did you mean 'stage'"),
        ("nodes: [1]\n", "nodes: "),
        ("x", "must be a mapping|not YAML"),
        ("run: {\n", "not YAML"),
        ("run: {workers: 1, workers: 2}\n", "'workers' stands here twice"),
        ("run: {workers: 1}\nrun: {name: a}\n", "'run' stands here twice"),
        ("extends: [a.yaml]\n", "extends: must be a path"),
        ("nodes: {a/b: {stage: ingest}}\n", r"nodes.a/b: String should match pattern"),
        ("nodes: {..: {stage: ingest}}\n", r"nodes\.\.\.: String should match pattern"),
        ("nodes: {a b: {stage: ingest}}\n", "nodes.a b: String should match pattern"),
        ("nodes: {a: {stage: ingest, execution: {cpus: .inf}}}\n", "cpus: .*finite number"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, text: str, message: str) -> None:
    head = "" if text == "x" else "source: {path: m.jsonl}\n"
    nodes = "" if "nodes" in text else "nodes: {ingest: {stage: ingest}}\n"
    whole = text if text == "x" else head + nodes + text
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, whole))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="source: this key is needed"):
        load_config(written(tmp_path, "nodes: {}\n"))
    with pytest.raises(ConfigError, match=r"absent.yaml: cannot be read"):
        load_config(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    "override",
    ["run.workers", "=3", "run..x=1", "run.name.x=1", "run.name={", "run={name: a, name: b}"],
)
def test_a_wrong_override_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        load_config(written(tmp_path, MINIMAL + "run: {name: a}\n"), [override])


RECIPE = "extends: streamo.yaml\n"
MISSPELT = [
    ("nodes.segmnt.config.x=1", "nodes.segmnt: there is no node 'segmnt'; did you mean 'segment'?"),
    ("nodes.segmnt.confg.x=1", "nodes.segmnt: there is no node 'segmnt'; did you mean 'segment'?"),
    (
        "nodes.zzz.config.x=1",
        "nodes.zzz: there is no node 'zzz'; a new one needs the key stage; kn",
    ),
    ("nodes.segment.confg.x=1", "nodes.segment.confg: unknown key; did you mean 'config'?"),
    (
        "nodes.segment.config.turns=1",
        "nodes.segment.config.turns: unknown key; did you mean 'turns_",
    ),
    (
        "nodes.segment.execution.cpu=1",
        "nodes.segment.execution.cpu: unknown key; did you mean 'cpus",
    ),
    ("nodes.segment.config=3", "nodes.segment.config: must be a section of keys, not 3"),
    ("nodes.segment=3", "nodes.segment: must be a section of keys, not 3"),
    (
        "engines.narratr.base_url=http://x",
        "engines.narratr: 'narratr' is not one of narrator, capt",
    ),
    ("engines.narratr.base_url=http://x", "; did you mean 'narrator'?"),
    (
        "engines.editor.base_url=http://x",
        "engines.editor.kind: it is 'embedded'; these are keys of",
    ),
    ("sorce.path=x", "sorce: unknown key; did you mean 'source'?"),
    ("corpus.titel=x", "corpus.titel: unknown key; did you mean 'title'?"),
]


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize(("override", "message"), MISSPELT)
def test_what_is_misspelt_is_named(
    tmp_path: Path, override: str, message: str, in_file: bool
) -> None:
    text = RECIPE
    if in_file:
        key, _, value = override.partition("=")
        for depth, name in enumerate(key.split(".")):
            text += "\n" * (depth > 0) + "  " * depth + f"{name}:"
        text += f" {value}\n"
    with pytest.raises(ConfigError) as caught:
        build_graph(load_config(written(tmp_path, text), [] if in_file else [override]))
    assert message in str(caught.value)
    assert "needed" not in str(caught.value)


def test_what_is_set_for_a_role_that_no_node_asks_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL)
    with pytest.raises(ConfigError, match=r"^engines.editor: no node asks 'editor'"):
        load_config(path, ["engines.editor.kind=embedded"])
    # A file of engines may be shared by configs that use some of them.
    load_config(written(tmp_path, MINIMAL + "engines: {editor: {kind: embedded}}\n"))


def test_an_override_can_make_a_node_with_all_it_needs(tmp_path: Path) -> None:
    overrides = ["nodes.again.stage=segment", "nodes.again.after=[ingest]"]
    nodes = build_graph(load_config(written(tmp_path, RECIPE), overrides))
    assert "again" in [node.name for node in nodes]


def test_an_override_opens_a_section_that_is_null(tmp_path: Path) -> None:
    path = written(tmp_path, RECIPE + "nodes: {dialogue: {config: {window: null}}}\n")
    config = load_config(path, ["nodes.dialogue.config.window.max_tokens=300"])
    assert config.nodes["dialogue"].config["window"] == {"max_tokens": 300}


def test_a_config_extends_one_that_comes_along_from_anywhere(tmp_path: Path) -> None:
    assert "narrate" in load_config(written(tmp_path, RECIPE)).nodes
    written(tmp_path, MINIMAL, "streamo.yaml")
    assert [*load_config(written(tmp_path, RECIPE)).nodes] == ["ingest"], "the nearer one first"
    with pytest.raises(ConfigError, match=r"extends: there is no .*; did you mean 'streamo.yaml'"):
        load_config(written(tmp_path, "extends: streamoo.yaml\n"))
    with pytest.raises(ConfigError, match=r"configs/streamo.yaml: cannot be read"):
        load_config(written(tmp_path, "extends: configs/streamo.yaml\n"))


def test_a_merged_mapping_may_be_set_over(tmp_path: Path) -> None:
    nodes = """
nodes:
  ingest: &one {stage: ingest, config: &low {min_duration_s: 1}}
  a: &two {<<: *one, config: {<<: *low, min_duration_s: 2}}
  b: {<<: *two, config: {max_duration_s: 9}}
"""
    found = load_config(written(tmp_path, "source: {path: m.jsonl}" + nodes)).nodes
    assert [found[name].config for name in ("ingest", "a", "b")] == [
        {"min_duration_s": 1},
        {"min_duration_s": 2},
        {"max_duration_s": 9},
    ]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_config_that_comes_along_makes_a_graph_of_pinned_models(path: Path) -> None:
    config = load_config(path)
    nodes = build_graph(config)
    assert {node.stage.name for node in nodes} >= {"ingest", "dialogue", "write_corpus"}
    for engine in config.engines.values():
        # Nobody serves it yet, so nothing is known of what is served: a run does not start.
        if engine.kind != "embedded" and engine.model != "TencentARC/ARC-Hunyuan-Video-7B":
            assert re.fullmatch("[0-9a-f]{40}", engine.revision), engine.model


def models_of(name: str) -> dict[str, str]:
    config = load_config(ROOT / "configs" / name)
    assert all(engine.gpus <= 8 for engine in config.engines.values()), "a node has eight"
    processes = {engine.model_dump_json() for engine in config.engines.values()}
    assert len(processes) == 4, "roles with one model share its processes"
    return {role: engine.model.rpartition("/")[2] for role, engine in config.engines.items()}


def test_the_corpus_of_the_paper_has_teachers_that_vllm_serves_and_the_paper_s_beside_them() -> (
    None
):
    served = models_of("streamo_instruct_465k.yaml")
    assert served == {
        "narrator": "Qwen2.5-VL-72B-Instruct",
        "editor": "GLM-4.5-FP8",
        "captioner": "Qwen3-VL-32B-Instruct",
        "grounder": "Qwen3-VL-32B-Instruct",
        "change_detector": "GLM-4.5V",
        "verifier": "Qwen2.5-VL-72B-Instruct",
    }
    own = dict.fromkeys(("captioner", "grounder"), "ARC-Hunyuan-Video-7B")
    assert models_of("teachers/paper.yaml") == served | own


def test_a_section_of_another_kind_takes_the_place_of_the_whole(tmp_path: Path) -> None:
    first = "engines: {captioner: {kind: vllm, model: m, revision: r, replicas: 2}}\n"
    nodes = "source: {path: m.jsonl}\nnodes: {a: {stage: caption, engine: captioner}}\n"
    written(tmp_path, first + nodes, "first.yaml")
    other = "{kind: http, model: n, revision: s, base_url: 'http://h/v1'}"
    text = f"extends: first.yaml\nengines: {{captioner: {other}}}\n"
    found = load_config(written(tmp_path, text)).engines["captioner"]
    assert (found.kind, found.model) == ("http", "n")
    same = "extends: first.yaml\nengines: {captioner: {kind: vllm, model: n}}\n"
    found = load_config(written(tmp_path, same)).engines["captioner"]
    assert (found.revision, len(found.replica_configs())) == ("r", 2)


def test_an_override_changes_one_of_two_roles_that_share_a_section(tmp_path: Path) -> None:
    text = (
        "extends: streamo.yaml\n"
        "engines:\n"
        "  editor: &same {kind: http, base_url: http://m:1/v1, model: a, revision: '1'}\n"
        "  verifier: *same\n"
    )
    engines = load_config(written(tmp_path, text), ["engines.editor.model=b"]).engines
    assert isinstance(editor := engines["editor"], HttpConfig)
    assert isinstance(verifier := engines["verifier"], HttpConfig)
    assert (editor.model, verifier.model) == ("b", "a")
