"""What a tokenizer takes for something other than text: the frame of a chat, a place for an image.

Nobody who writes captions means them. Where a text has one, from a screen or from a model that was
led astray, it would end its speaker's turn, or shift every image behind it.
"""

from __future__ import annotations

import re

MEDIA = re.compile(r"<(?:image|stream|video|audio)>")
"""What trainers and chat templates replace by an image or a video."""
CHAT = re.compile(
    r"<[|\uff5c][^<>|\uff5c\s]{1,64}[|\uff5c]>"  # <|im_start|>, <|image_pad|> and their kin
    r"|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>|\[/?INST\]|</?think>"
)
"""Tokens of the chat templates of Qwen, GLM, DeepSeek, Llama, Mistral and Gemma."""


def neutralise(text: str) -> str:
    """The text with a space in every such token, so that a tokenizer takes it for text."""
    for pattern in (MEDIA, CHAT):
        text = pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text
