from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.corpus.formats.base import FormatError
from pipeline.corpus.formats.system import system_text
from pipeline.dialogue.state_tokens import STATE_TOKENS, StateTokensName
from tests.pipeline.corpus.formats.samples import PLACEHOLDERS

TEMPLATE = Path(__file__).parents[4].joinpath("prompts/system/turnwise.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["official", "paper"])
def test_the_system_text_spells_every_state(name: StateTokensName) -> None:
    spelling = STATE_TOKENS[name]
    text = system_text(TEMPLATE, spelling)
    for token in (spelling.silence, spelling.standby, spelling.response):
        assert f"- {token} " in text
    assert "{" not in text
    assert not any(placeholder in text for placeholder in PLACEHOLDERS)


def test_only_variables_change_and_they_must_be_known() -> None:
    assert system_text("\n{{silence}} {{ response }} \n", STATE_TOKENS["paper"]) == (
        "\n<Silence> <Response> \n"
    )
    with pytest.raises(FormatError, match="unknown_variable"):
        system_text("{{ quiet }}", STATE_TOKENS["paper"])
