"""What a dialogue costs in tokens: the frames by the rule of the model, the texts by a count."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from math import ceil, floor, sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator

from pipeline.dialogue.memory_text import memory_text
from pipeline.dialogue.tiling import DialogueError
from pipeline.dialogue.turn_labels import label_of
from pipeline.records import Dialogue
from pipeline.settings import Settings

Counter = Callable[[str], int]
"""How many tokens a text is."""

MESSAGE_TOKENS = 5
"""What ChatML puts around a message: its begin, the role, a line break, its end, a line break."""

FRAME_ENDS = 2
"""The tokens before and behind a frame that say where it begins and ends."""

MAX_ASPECT = 200
"""A model with a pixel rule refuses a frame whose longer side is more than so many shorter ones."""


@dataclass(frozen=True)
class PixelRule:
    """One token for each cell of ``grid_px`` by ``grid_px`` pixels of the frame as the model
    resizes it.

    The frame is stored with its longer side at most ``longer_px``. Each side is then rounded to the
    nearest number of cells (a half to the even one), at least one. Where that is more than
    ``max_pixels``, the stored sides are divided by ``sqrt(width * height / max_pixels)`` and
    rounded down instead, to at least one cell; where it is less than ``min_pixels``, they are
    multiplied by ``sqrt(min_pixels / (width * height))`` and rounded up.
    """

    grid_px: int
    min_pixels: int
    max_pixels: int
    longer_px: int = 448

    def tokens(self, width: int, height: int) -> int:
        """Cells of a frame of so many pixels; of an unknown size (0) the most there can be."""
        if not (width and height):
            return self.most
        width, height = _stored(width, height, self.longer_px)
        if max(width, height) > MAX_ASPECT * min(width, height):
            raise DialogueError("bad_frame_size", f"{width}x{height} is thinner than a model takes")
        columns, rows = (max(1, round(side / self.grid_px)) for side in (width, height))
        pixels = columns * rows * self.grid_px**2
        if pixels > self.max_pixels:
            shrink = sqrt(width * height / self.max_pixels)
            columns, rows = (max(1, floor(s / shrink / self.grid_px)) for s in (width, height))
        elif pixels < self.min_pixels:
            grow = sqrt(self.min_pixels / (width * height))
            columns, rows = (ceil(side * grow / self.grid_px) for side in (width, height))
        return columns * rows

    @property
    def most(self) -> int:
        """No frame has more cells, whatever its shape."""
        least, limit = self.min_pixels / self.grid_px**2, self.max_pixels / self.grid_px**2
        side = max(1, round(self.longer_px / self.grid_px))
        bounds = [min(int(limit), side**2)]
        if limit < side:  # a strip one cell high is as long as the aspect allows
            bounds.append(int(sqrt(MAX_ASPECT * limit)))
        if least > 1:  # rounding up: a strip, or one cell more along both sides
            bounds += [ceil(sqrt(MAX_ASPECT * least)), int(2 * least + 2)]
        return max(1, *bounds)


@dataclass(frozen=True)
class FixedRule:
    """So many tokens a frame, whatever its size."""

    count: int

    def tokens(self, width: int, height: int) -> int:
        """``count``."""
        del width, height
        return self.count


FrameRule = PixelRule | FixedRule
FrameRuleName = Literal["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "internvl"]

FRAME_RULES: Mapping[FrameRuleName, FrameRule] = MappingProxyType(
    {
        # Patches of 14 or 16 pixels, two by two of them a token; Streamo was trained within these
        # limits (arXiv:2512.21334, train.sh): at most 128 tokens a frame, 98 with the wider grid.
        "qwen2_vl": PixelRule(grid_px=28, min_pixels=3136, max_pixels=100352),
        "qwen2_5_vl": PixelRule(grid_px=28, min_pixels=3136, max_pixels=100352),
        "qwen3_vl": PixelRule(grid_px=32, min_pixels=3136, max_pixels=100352),
        # One tile of 448 by 448, whatever the frame.
        "internvl": FixedRule(256),
    }
)


def frame_tokens(width: int, height: int, rule: FrameRule) -> int:
    """Tokens of one frame of a video of so many pixels, its begin and end included.

    Raises:
        DialogueError: ``bad_frame_size``.
    """
    if width < 0 or height < 0:
        raise DialogueError("bad_frame_size", f"{width}x{height}")
    return rule.tokens(width, height) + FRAME_ENDS


def _stored(width: int, height: int, longer_px: int) -> tuple[int, int]:
    longer = max(width, height)
    if longer <= longer_px:
        return width, height
    return max(1, round(width * longer_px / longer)), max(1, round(height * longer_px / longer))


_PIECES = re.compile(r"(?P<letters>[^\W\d_]+)|(?P<joined> (?=[^\s\d]))|(?P<mark>.)", re.DOTALL)


def estimate_tokens(text: str) -> int:
    """How many tokens a text is, without a tokenizer: rather too many than too few.

    A run of letters is one token for each three bytes of UTF-8 begun, a digit, a mark of
    punctuation or a line break one; another character beyond ASCII one a byte after its first. One
    space before a letter or a mark belongs to that; any other white space is a token. Scripts that
    a tokenizer has hardly seen can cost more.
    """
    tokens = 0
    for piece in _PIECES.finditer(text):
        size = len(piece.group().encode("utf-8", "replace"))
        if piece.lastgroup == "letters":
            tokens += ceil(size / 3)
        elif piece.lastgroup == "mark":
            tokens += max(1, size - 1)
    return tokens


@lru_cache(maxsize=8)
def tokenizer_counter(path: Path) -> Counter:
    """The count of the tokenizer in a ``tokenizer.json``, without special tokens around a text.

    Raises:
        ModuleNotFoundError: the library ``tokenizers`` is not installed.
        OSError: the file cannot be read.
        DialogueError: ``bad_tokenizer``.
    """
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - only those who count need it
    except ModuleNotFoundError as error:
        advice = "install the extra `tokenizer`, as in: pip install 'turnwise[tokenizer]'"
        raise ModuleNotFoundError(f"{path} needs the library tokenizers: {advice}") from error
    text = path.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DialogueError("bad_tokenizer", f"{path}: {error}") from error
    if not isinstance(content, dict) or "model" not in content:
        raise DialogueError("bad_tokenizer", f"{path} describes no model")
    tokenizer = Tokenizer.from_str(text)

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count


class Budget(Settings):
    """How long a dialogue may be, and how its tokens are counted."""

    max_tokens: int = Field(ge=1, description="the longest sample that is trained on, in tokens")
    overlap_turns: int = Field(
        0, ge=0, description="turns of the window before that a window repeats, as context"
    )
    frames: FrameRuleName = Field(
        "qwen2_5_vl", description="the model by whose rule a frame becomes tokens"
    )
    frame_tokens: int | None = Field(
        None, ge=1, description="so many tokens a frame, instead of the rule of a model"
    )
    longer_px: int = Field(
        448, ge=16, le=1 << 16, description="longer side of a stored frame in pixels"
    )
    min_pixels: int | None = Field(
        None, ge=1, description="smaller frames are enlarged; the model's training limit when null"
    )
    max_pixels: int | None = Field(
        None, ge=1, description="larger frames are shrunk; the model's training limit when null"
    )
    tokenizer: Path | None = Field(
        None, description="tokenizer.json of the model; texts are estimated, generously, when null"
    )
    system_tokens: int = Field(
        200, ge=0, description="the system message with its markers, in tokens"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Budget:
        if self.system_tokens >= self.max_tokens:
            raise ValueError(
                f"max_tokens ({self.max_tokens}) leaves no space beside system_tokens"
                f" ({self.system_tokens})"
            )
        limits = [name for name in ("min_pixels", "max_pixels") if getattr(self, name) is not None]
        if limits and self.frame_tokens is not None:
            raise ValueError(f"frame_tokens is fixed: {limits[0]} has nothing to limit")
        rule = self.rule
        if isinstance(rule, PixelRule):
            if rule.min_pixels > rule.max_pixels:
                detail = f"min_pixels ({rule.min_pixels}), max_pixels ({rule.max_pixels})"
                raise ValueError(f"the least is more than the most: {detail}")
        elif limits:
            raise ValueError(f"frames of {self.frames} cost the same at any size: no {limits[0]}")
        return self

    @property
    def rule(self) -> FrameRule:
        """How a frame becomes tokens."""
        if self.frame_tokens is not None:
            return FixedRule(self.frame_tokens)
        rule = FRAME_RULES[self.frames]
        if isinstance(rule, FixedRule):
            return rule
        return replace(
            rule,
            longer_px=self.longer_px,
            min_pixels=rule.min_pixels if self.min_pixels is None else self.min_pixels,
            max_pixels=rule.max_pixels if self.max_pixels is None else self.max_pixels,
        )

    @property
    def counter(self) -> Counter:
        """How a text becomes tokens."""
        return estimate_tokens if self.tokenizer is None else tokenizer_counter(self.tokenizer)


@dataclass(frozen=True)
class TurnCosts:
    """The tokens of a dialogue, piece by piece.

    ``before[i]`` is the cost of the turns before turn ``i`` (counted from the first, one number
    more than there are turns), with their questions and without their responses.
    ``questions`` and ``responses`` give the cost of each text by its id, the line break or space
    beside it included.
    """

    base: int
    before: tuple[int, ...]
    questions: Mapping[str, int]
    responses: Mapping[str, int]
    total: int


def turn_costs(dialogue: Dialogue, budget: Budget) -> TurnCosts:
    """What a dialogue costs: the system message and its memory; for each turn the markers of two
    messages, the label of its time, the frame and the state; and the texts.

    Raises:
        DialogueError: ``bad_frame_size``, ``bad_tokenizer``.
    """
    count = budget.counter
    questions = {question.qid: count(question.text) + 1 for question in dialogue.questions}
    responses = {response.rid: count(response.text) + 1 for response in dialogue.responses}
    state = 1
    fixed = 2 * MESSAGE_TOKENS + frame_tokens(dialogue.width, dialogue.height, budget.rule) + state
    turns = dialogue.turns
    costs = [fixed + count(label_of(index, dialogue.turns_per_s) + "\n") for index in turns.indices]
    for place, asked in turns.asked.items():
        costs[place] += sum(questions[qid] for qid in asked.qids)
    before = tuple(accumulate(costs, initial=0))
    answers = sum(responses[rid] for said in turns.said.values() for rid in said.rids)
    base = budget.system_tokens
    if dialogue.memory:
        base += count(memory_text(dialogue.memory) + "\n")
    total = base + before[-1] + answers
    return TurnCosts(base, before, questions, responses, total)
