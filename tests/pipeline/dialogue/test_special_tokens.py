from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dialogue.special_tokens import CHAT, MEDIA, neutralise

TOKENS = [
    "<image>",
    "<video>",
    "<|im_start|>",
    "<|image_pad|>",
    "</s>",
    "[INST]",
    "<\uff5cUser\uff5c>",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_broken(token: str) -> None:
    assert neutralise(f"a{token}b") == f"a{token[0]} {token[1:]}b"


@given(st.lists(st.sampled_from(TOKENS) | st.text("<>|/simage[INST]_\n", max_size=6)).map("".join))
def test_no_token_is_left_and_no_letter_lost(text: str) -> None:
    plain = neutralise(text)
    assert not MEDIA.search(plain) and not CHAT.search(plain)
    assert plain.replace(" ", "") == text
    assert neutralise(plain) == plain


@pytest.mark.parametrize("text", ["x < 3 | y > 2", "<b>bold</b>", "<|a b|>", "<0s-1s>", "<images>"])
def test_what_is_no_token_stays(text: str) -> None:
    assert neutralise(text) == text
