"""The formats that dialogues are exported to and read back from, one file a format."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.corpus.formats.activation import ACTIVATION
from pipeline.corpus.formats.base import Format
from pipeline.corpus.formats.livecc import LIVECC
from pipeline.corpus.formats.messages import MESSAGES
from pipeline.corpus.formats.qwen_vl import QWEN_VL
from pipeline.corpus.formats.raw import RAW
from pipeline.corpus.formats.stream import STREAM
from pipeline.corpus.formats.stride import STRIDE

FORMATS: Mapping[str, Format] = MappingProxyType(
    {made.name: made for made in (RAW, STREAM, MESSAGES, QWEN_VL, LIVECC, ACTIVATION, STRIDE)}
)
