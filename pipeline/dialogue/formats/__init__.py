"""The formats that dialogues are exported to and read back from, one file a format."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.dialogue.formats.activation import ACTIVATION
from pipeline.dialogue.formats.base import Format
from pipeline.dialogue.formats.livecc import LIVECC
from pipeline.dialogue.formats.messages import MESSAGES
from pipeline.dialogue.formats.qwen_vl import QWEN_VL
from pipeline.dialogue.formats.raw import RAW
from pipeline.dialogue.formats.stream import STREAM

FORMATS: Mapping[str, Format] = MappingProxyType(
    {made.name: made for made in (RAW, STREAM, MESSAGES, QWEN_VL, LIVECC, ACTIVATION)}
)
