from __future__ import annotations

import pytest

from pipeline.store.files.text_table import text_table


def test_columns_are_aligned_and_lines_end_with_text() -> None:
    assert text_table(
        [("a", 1, "x"), ("bcd", 20, "")], ("name", ">rows", "reason")
    ).splitlines() == [
        "name  rows  reason",
        "a        1  x",
        "bcd     20",
    ]


def test_rows_that_are_printed_one_by_one_line_up() -> None:
    rows = [("ok", "disk", "free"), ("failure", "server", "gone\nstart it")]
    assert [text_table([row], widths=(7, 6)) for row in rows] == [
        "ok       disk    free",
        "failure  server  gone\n                 start it",
    ]


def test_terminal_settings_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "[bold]x[/bold] :smile: " * 100 + "end"
    plain = text_table([(long, "中文", 1), ("", "a", 2)], ("", "", ""))
    assert long in plain and "…" not in plain
    for name, value in {"COLUMNS": "20", "FORCE_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    assert text_table([(long, "中文", 1), ("", "a", 2)], ("", "", "")) == plain


def test_a_table_of_nothing_is_its_heads() -> None:
    assert text_table([], ("node", ">rows")) == "node  rows"
    assert text_table([]) == ""
