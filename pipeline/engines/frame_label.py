"""The label before a frame in a prompt, which tells the model when it was presented."""

from __future__ import annotations

from typing import Literal

FrameLabel = Literal["seconds", "qwen3_vl", "none"]
"""``seconds``: ``[12.5 s]``, as prompts print times; ``qwen3_vl``: ``<12.5 seconds>``."""


def label_text(time_s: float, label: FrameLabel) -> str:
    """The label of a frame; empty for ``none``."""
    if label == "none":
        return ""
    if label == "qwen3_vl":
        return f"<{time_s:.1f} seconds>"
    # As prompts print times, so that the model can match a frame with a time in the text.
    return f"[{round(time_s, 2)} s]"
