from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipeline.errors import ConfigError
from pipeline.manifest.adapters.licences import load_licences
from pipeline.store.files.yaml_files import MOST_REPEATED, load_yaml
from pipeline.workflow.config import load_config


def laughs(levels: int) -> str:
    """Ten of the line before, in every line."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def merges(levels: int) -> str:
    """A mapping that takes in the one before twice, in every line."""
    lines = ["m0: &m0 {k: 1}"]
    lines += [f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


BOMBS = {
    "laughs": laughs(9),
    "merges": merges(40),
    "itself": "a: &a {b: *a}\n",
    "itself in a list": "a: &a [[*a]]\n",
    "brackets": "a: " + "[" * 100_000 + "\n",
    "braces": "a: " + "{a: " * 100_000 + "\n",
    "dashes": "- " * 100_000 + "\n",
    "a number of many digits": f"a: {'9' * 100_000}\n",
    "a date that is none": "a: 2020-13-45\n",
    "a class": "a: !!python/object/apply:os.system ['touch poisoned']\n",
    "twice": "a: 1\na: 2\n",
}


@pytest.mark.parametrize("load", [load_config, load_licences])
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_in_a_file_is_an_error_of_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, load: Callable[[Path], object]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMBS[name])
    with pytest.raises(ConfigError, match=r"bomb\.yaml") as raised:
        load(path)
    assert len(str(raised.value)) < 5_000
    assert [p.name for p in tmp_path.iterdir()] == ["bomb.yaml"]


def test_a_bomb_on_the_command_line_too(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("source: {path: m.jsonl}\nnodes: {}\n")
    with pytest.raises(ConfigError, match=r"run\.name"):
        load_config(path, ["run.name=" + "[" * 10_000])


def test_aliases_may_repeat_what_a_config_needs() -> None:
    assert load_yaml("a: &a {b: [1, 2]}\nc: [*a, *a]\n") == {
        "a": {"b": [1, 2]},
        "c": [{"b": [1, 2]}] * 2,
    }
    assert len(load_yaml(merges(10))["m9"]) == 1
    much = f"a: &a [{', '.join('1' * 1000)}]\nb: [{', '.join(['*a'] * 100)}]\n"
    with pytest.raises(yaml.YAMLError, match=str(MOST_REPEATED)):
        load_yaml(much)
    assert load_yaml(much.replace("*a, ", "", 2))


def test_a_long_text_without_aliases_is_no_bomb() -> None:
    many = MOST_REPEATED // 10
    assert len(load_yaml("\n".join(f"k{n}: [1]" for n in range(many)))) == many
