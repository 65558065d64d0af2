"""What stands before a frame in a prompt, so that a model can tell when it was presented."""

from __future__ import annotations

from typing import Literal

FrameLabel = Literal["seconds", "qwen3_vl", "none"]
"""``seconds``: ``[12.5 s]``, as prompts print times; ``qwen3_vl``: ``<12.5 seconds>``."""


def label_text(time_s: float, label: FrameLabel) -> str:
    """The label of a frame; empty where there is none."""
    if label == "none":
        return ""
    if label == "qwen3_vl":
        return f"<{time_s:.1f} seconds>"
    # Prompts print times to a hundredth, and a frame must go by the name the prompt gives it.
    return f"[{round(time_s, 2)} s]"
