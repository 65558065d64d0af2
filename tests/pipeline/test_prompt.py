from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.prompt import Prompt, PromptError, load_prompts


def test_renders_its_variables() -> None:
    prompt = Prompt("p", "{% for s in lines %}\n{{ s }};\n{% endfor %}\nof {{ n }}\n")
    assert prompt.render({"lines": ["a", "b"], "n": 2}) == "a;\nb;\nof 2"
    assert prompt.variables == {"lines", "n"}


def test_missing_and_unused_variables_are_errors() -> None:
    prompt = Prompt("p", "{{ a }}")
    with pytest.raises(PromptError, match=r"not given \['a'\], not used \['b'\]"):
        prompt.render({"b": 1})


def test_a_folder_is_loaded_whole(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "b.md").write_text("B")
    (tmp_path / "many" / "a.md").write_text("A")
    (tmp_path / "one.md").write_text("1")
    assert list(load_prompts("many", tmp_path)) == ["many/a", "many/b"]
    assert load_prompts("one", tmp_path)["one"].text == "1"
    with pytest.raises(PromptError, match="no prompt"):
        load_prompts("absent", tmp_path)


@pytest.mark.parametrize("name", ["", "../one", "/one", "many/../one", "a\0b", "one.md"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "many").mkdir()
    for folder in (tmp_path, tmp_path / "many"):
        (folder / "one.md").write_text("1")
    with pytest.raises(PromptError, match="there is no prompt"):
        load_prompts(name, tmp_path / "many" if name == "../one" else tmp_path)
