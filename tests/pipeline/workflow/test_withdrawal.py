"""``corpus.exclude``: where it is read, what it changes, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.dialogue.tiling import even_tiling
from pipeline.errors import ConfigError
from pipeline.records import Annotation, StreamClip
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.withdrawal import Exclusion, reasons_to_withdraw
from tests.pipeline.dialogue.samples import dialogue_of

STREAMO = Path(__file__).resolve().parents[3] / "configs" / "streamo.yaml"


def config_of(folder: Path, exclude: list[dict[str, Any]], **more: Any) -> Path:
    path = folder / "run.yaml"
    corpus = {"title": "Ours", "exclude": exclude}
    path.write_text(yaml.safe_dump({"extends": str(STREAMO), "corpus": corpus, **more}))
    return path


def recipes(config: Path) -> dict[str, str]:
    return {node.name: node.recipe_digest for node in build_graph(load_config(config))}


def test_only_the_stage_that_chooses_dialogues_is_made_anew(tmp_path: Path) -> None:
    bare = recipes(config_of(tmp_path, []))
    out = [{"reason": "its owner asked", "videos": ["a", "b"]}]
    assert {n for n, r in recipes(config_of(tmp_path, out)).items() if r != bare[n]} == {
        "apply_mixture"
    }


def test_a_file_of_ids_counts_by_what_stands_in_it(tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("a\n\n  b ü \n", encoding="utf-8")
    listed = recipes(config_of(tmp_path, [{"reason": "asked", "videos": ["a", "b ü"]}]))
    config = config_of(tmp_path, [{"reason": "asked", "videos": str(ids)}])
    assert recipes(config) == listed
    moved = ids.rename(tmp_path / "moved.txt")
    assert recipes(config_of(tmp_path, [{"reason": "asked", "videos": str(moved)}])) == listed
    moved.write_text("a\n", encoding="utf-8")
    assert recipes(config_of(tmp_path, [{"reason": "asked", "videos": str(moved)}])) != listed
    (node,) = (n for n in build_graph(load_config(config_of(tmp_path, [{"reason": "asked",
               "sources": ["s"]}]))) if isinstance(n.config, Exclusion))  # fmt: skip
    assert node.name == "apply_mixture"


@pytest.mark.parametrize(
    ("exclude", "said"),
    [
        ([{"reason": "asked", "videos": "no/such/file"}], "no/such/file cannot be read"),
        ([{"reason": "asked"}], "neither videos nor sources"),
        ([{"reason": "", "videos": ["a"]}], "reason"),
        ([{"videos": ["a"]}], "reason"),
        ([{"reason": "asked", "video": ["a"]}], "video"),
    ],
)
def test_what_withdraws_nothing_is_refused(
    tmp_path: Path, exclude: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(config_of(tmp_path, exclude))


def test_a_run_in_which_no_node_would_look_is_refused(tmp_path: Path) -> None:
    nodes = {"write_files": {"after": ["dialogue", "segment"]}}
    whole = yaml.safe_load(STREAMO.read_text(encoding="utf-8"))
    kept = {name: node for name, node in whole["nodes"].items() if "mixture" not in name}
    kept["write_files"] = {**kept["write_files"], **nodes["write_files"]}
    path = tmp_path / "run.yaml"
    for exclude in ([], [{"reason": "asked", "videos": ["a"]}]):
        config = {**whole, "nodes": kept, "corpus": {"exclude": exclude}}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        if exclude:
            with pytest.raises(ConfigError, match=r"corpus\.exclude: no node .* apply_mixture"):
                build_graph(load_config(path))
        else:
            build_graph(load_config(path))


def test_a_stream_goes_with_a_clip_that_is_withdrawn() -> None:
    clips = [
        StreamClip(uri="u", video_id=name, source=f"of {name}", duration_s=1, sha256="")
        for name in "ab"
    ]
    said = Annotation.instants("tsqa", "?", [(1.0, "now")], video_id="S")
    whole = dialogue_of(said, even_tiling("S", 2, 1))
    stream = whole.model_copy(update={"clips": tuple(clips), "source": "of a + of b"})
    for exclude in ({"videos": ["b"]}, {"sources": ["of b"]}):
        one = {"reason": "asked", **exclude}
        why = reasons_to_withdraw(Exclusion.model_validate({"exclude": [one]}).exclude)
        assert (why(stream), why(whole)) == ("asked", None)
