"""The page about the paper's protocol: every line has a file that does it, or a reason why not."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "explanation" / "protocol.md").read_text(encoding="utf-8")
PATH = re.compile(r"`((?:configs|data_manifest|pipeline|prompts|stages)/[\w./-]+)`")


def lines() -> list[tuple[str, str]]:
    """The two columns of all rows of all tables."""
    rows = [row.strip("| ").split(" | ") for row in PAGE.splitlines() if row.startswith("| ")]
    return [(row[0], row[1]) for row in rows if row[0] not in ("what the paper asks for", "what")]


def test_the_files_are_there() -> None:
    named = set(PATH.findall(PAGE))
    assert len(named) > 30
    assert {path for path in named if not (ROOT / path).is_file()} == set()


def test_each_line_has_a_file_or_a_reason() -> None:
    done, _, left = PAGE.partition("## What is not done")
    assert left
    for asked, how in lines():
        if f"| {asked} |" in done:
            assert PATH.search(how) or how.startswith("not done: "), asked


def test_each_table_of_the_supplement_is_there() -> None:
    asked = " ".join(asked for asked, _ in lines())
    assert {int(number) for number in re.findall(r"table (\d+)", asked)} >= {13, 14, 15, 16, 17}
