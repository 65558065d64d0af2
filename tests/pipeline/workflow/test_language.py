from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from pipeline.engines.answer import answer_schema, narrowed
from pipeline.workflow.language import is_foreign, written


@pytest.mark.parametrize(
    ("text", "language", "foreign"),
    [
        ("A man opens a door.", "en", False),
        ("一个男人打开门。", "en", True),
        ("LEGO积木放在桌子上", "en", True),
        ("The sign reads 出口通道.", "en", False),
        ("Мужчина открывает дверь.", "en-GB", True),
        ("Мужчина открывает дверь.", "ru", False),
        ("A man opens a door.", "zh", True),
        ("iPhone 15 Pro Max在桌上", "zh-Hant", False),
        ("ドアが開く", "ja", False),
        ("3: 12.5", "en", False),
        ("", "zh", False),
        ("Муж", "xx", False),
        # Short words tell languages of one script apart.
        ("Ein Mann öffnet die Tür.", "en", True),
        ("Ein Mann öffnet die Tür.", "de", False),
        ("A man opens the door.", "de", True),
        ("Un homme ouvre la porte de la maison.", "en", True),
        ("Un hombre abre la puerta de la casa.", "en", True),
        ("Een man loopt naar de deur.", "en", True),
        ("En man går med en hund på gatan.", "en", True),
        ("Bir adam ve bir köpek bu evde.", "en", True),
        # Names, loanwords and sentences without short words are no fault.
        ("Riders of the Tour de la Provence pass.", "en", False),
        ("Two dogs chase red balls.", "en", False),
        ("red", "en", False),
        ("Os dois homens estão na rua.", "fi", False),
    ],
)  # fmt: skip
def test_a_text_is_foreign_by_its_script(text: str, language: str, *, foreign: bool) -> None:
    assert is_foreign(text, language) == foreign


class Line(BaseModel):
    seen: str
    aspect: Literal["count", "scene"]
    sentence: str


class Said(BaseModel):
    seen: str
    lines: list[Line]
    value: str
    found: bool


def test_only_what_a_model_had_to_word_is_judged() -> None:
    line = Line(seen="a", aspect="count", sentence="b")
    said = Said(seen="c", lines=[line, line], value="d", found=True).model_dump(mode="json")
    schema = answer_schema(Said)
    assert list(written(said, schema)) == ["b", "b", "d"]
    assert list(written(said, narrowed(schema, {"value": {"enum": ["d"]}}))) == ["b", "b"]
