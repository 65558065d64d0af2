from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.workflow.prompt import Prompt, PromptError, load_prompts


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


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }}",
        "{% for x in range(9) %}x{% endfor %}",
        "{{ a.__class__.__mro__ }} {# gone #}",
        "{% raw %}",
        "$(touch poisoned); `id` | sh",
        "<script>alert(1)</script> &amp; ../../etc/passwd",
    ],
)
def test_what_is_filled_in_is_no_template(text: str) -> None:
    prompt = Prompt("p", "Caption: {{ a }}\n{% for line in lines %}\n{{ line.text }}\n{% endfor %}")
    once = prompt.render({"a": text, "lines": [{"text": text}]})
    assert once == f"Caption: {text}\n{text}"
    # An answer that goes into the next prompt, and the one after it.
    assert prompt.render({"a": once, "lines": []}) == f"Caption: {once}"


@pytest.mark.parametrize(
    "template",
    ["{{ a.__class__.__mro__ }}", "{{ lines.append(1) }}", "{{ ''.__class__ }}{{ a }}{{ lines }}"],
)
def test_a_prompt_reaches_nothing_behind_what_it_is_given(template: str) -> None:
    prompt = Prompt("p", template)
    given = {
        name: value for name, value in {"a": "x", "lines": []}.items() if name in prompt.variables
    }
    with pytest.raises(PromptError, match="prompt 'p'"):
        prompt.render(given)


def test_the_system_part_stands_above_a_line_and_is_no_part_of_the_rest(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("Watch {a}; write {{ language }}.\n\n---\nFrame {{ n }}?\n")
    prompt = load_prompts("p", tmp_path)["p"]
    assert prompt.render_system({"language": "de"}) == "Watch {a}; write de."
    assert prompt.names_language
    assert prompt.variables == {"n"}
    assert prompt.render({"n": 3}) == "Frame 3?"
    without = Prompt("q", "Frame --- {{ n }}, in {{ language }}?")
    assert without.render_system({"language": "de"}) == ""
    assert not without.names_language
    with pytest.raises(PromptError, match="'p', system part: 'n' is undefined"):
        Prompt("p", "{{ n }}\n---\n{{ n }}").render_system({"language": "de"})


FOUND = [
    ("See\n{{ caption }} {{ n }}", ""),
    ("{% for t in times %}{{ t.s }}{% endfor %}\n{{ caption }} {{ n }}", ""),
    (
        "See\n{{ n }}\n{{ captoin }} {{ caption }}",
        "line 3: there is no variable 'captoin'; did you mean 'caption'? known: caption, n, times",
    ),
    (
        "{{ caption }}{{ n }}{{ zzz }}",
        "line 1: there is no variable 'zzz'; known: caption, n, times",
    ),
    ("{{ n }}", ": the variable 'caption' is given and not named; known: caption, n, times"),
    ("You.\n\n---\nA\n{{ caption }} {{ n }\n", "line 5: unexpected '}'"),
    ("You {{ n \n---\n{{ caption }} {{ n }}\n", "line 1: unexpected end"),
    ("A\n{% for x in times %}\n{{ caption }} {{ n }}", "line 3: Unexpected end of template"),
    ("{{ caption | jion }} {{ n }}", "line 1: No filter named 'jion'."),
    (
        "You.\n{{ n }}\n---\n{{ caption }} {{ n }}",
        "line 2: a system part has no variable but language: 'n'",
    ),
    ("In {{ language }}.\n---\n{{ caption }} {{ n }}", ""),
    ("{{ caption }}\n{{ n | join }}", "line 2: 'float' object is not iterable"),
    (
        "You.\n---\n{{ caption }} {{ n }}\n{% for t in times %}\n{{ t.z }}\n{% endfor %}",
        "line 5: 'dict object' has no attribute 'z'",
    ),
    ("{{ caption }}\n{{ n.__class__.__mro__ }}", "line 2: access to attribute '__class__'"),
    ("{{ caption }}{{ n }}\n{% include 'ground.md' %}", "line 2: no loader"),
]


@pytest.mark.parametrize(("text", "problem"), FOUND)
def test_what_is_wrong_with_a_text_is_found_before_it_is_used(text: str, problem: str) -> None:
    example = {"caption": "A ball rolls.", "n": 2.5, "times": [{"s": 1.0}]}
    found = list(Prompt("p", text).problems(example, optional=["times"]))
    assert len(found) == bool(problem), found
    if problem:
        assert found[0].startswith("prompts/p.md") and problem in found[0]


def test_what_a_value_has_not_is_an_error_of_the_prompt() -> None:
    with pytest.raises(PromptError, match="prompt 'p': 'dict object' has no attribute 'z'"):
        Prompt("p", "{{ a.z }}").render({"a": {}})


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_bytes(b"\xff")
    with pytest.raises(PromptError, match=r"p\.md: cannot be read"):
        load_prompts("p", tmp_path)
