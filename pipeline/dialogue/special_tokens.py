"""Texts that a tokenizer or trainer reads as special tokens: chat markers and placeholders.

A caption that holds one, copied from a screen or hallucinated by a model, would end its speaker's
turn, or shift every image after it.
"""

from __future__ import annotations

import re

MEDIA = re.compile(r"<(?:image|stream|video|audio)>")
"""Placeholders that trainers and chat templates replace by an image or a video."""
CHAT = re.compile(
    r"<[|\uff5c][^<>|\uff5c\s]{1,64}[|\uff5c]>"  # <|im_start|>, <|image_pad|> and their kin
    r"|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>|\[/?INST\]|</?think>"
)
"""Tokens of the chat templates of Qwen, GLM, DeepSeek, Llama, Mistral and Gemma."""


def neutralise(text: str) -> str:
    """The text with a space in every special token, so that a tokenizer reads it as text."""
    for pattern in (MEDIA, CHAT):
        text = pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text
