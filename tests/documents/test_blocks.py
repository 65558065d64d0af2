"""The checks of documents find what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from tests.documents.blocks import blocks, command_lines, documents, problems, turnwise_arguments
from tests.documents.parse_only import parse_only

ROOT = Path(__file__).resolve().parents[2]
PAGE = """# A page

<!-- not run: it needs a GPU -->
```sh
turnwise run -c a.yaml \\
  --limit 2   # a few
```

```yaml title="a.yaml"
extends: b.yaml
```
"""


def test_blocks_are_found_with_reason_and_title() -> None:
    commands, file = blocks(PAGE)
    assert (commands.language, commands.reason, commands.runs) == ("sh", "it needs a GPU", True)
    assert (file.title, file.text, file.runs) == ("a.yaml", "extends: b.yaml\n", False)
    assert not list(problems(PAGE))
    (line,) = command_lines(commands.text)
    assert turnwise_arguments(line) == ["run", "-c", "a.yaml", "--limit", "2"]
    assert turnwise_arguments("ray job submit -- python pipeline/run.py plan -c b") == [
        *("plan", "-c", "b")
    ]
    assert turnwise_arguments("make demo") is None and turnwise_arguments("cd turnwise") is None


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("```\nturnwise run\n```\n", "no language"),
        ("```bash\nturnwise run\n```\n", "a block of bash"),
        ("    turnwise run -c a.yaml\n", "not in a block"),
        ("<!-- skip: because -->\n```sh\nls\n```\n", "not a comment that is known"),
        ("<!-- not run: no -->\n```text\nls\n```\n", "would not be run anyway"),
    ],
)
def test_a_block_that_no_test_would_look_at_is_a_problem(page: str, found: str) -> None:
    (problem,) = problems(page)
    assert found in problem


@pytest.mark.parametrize(
    "line",
    [
        "turnwise rum -c configs/demo.yaml",
        "turnwise run -c configs/demo.yaml --limt 2",
        "turnwise export runs/demo/corpus --format csv",
        "turnwise run",
    ],
)
def test_a_wrong_command_is_no_command(line: str) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|invalid|missing|not one of"):
        parse_only(turnwise_arguments(line) or [], ROOT)


@pytest.mark.parametrize(
    "line",
    ["plan -c configs/dmo.yaml", "plan -c configs/demo.yaml --set nodes.ingest.config.min_s=1"],
)
def test_a_wrong_config_is_found(line: str) -> None:
    with pytest.raises(ConfigError):
        parse_only(line.split(), ROOT)


@pytest.mark.parametrize("path", documents(ROOT), ids=lambda p: p.stem)
def test_every_block_is_run_or_says_why_not(path: Path) -> None:
    assert not list(problems(path.read_text(encoding="utf-8")))
