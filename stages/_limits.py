"""What reading one video may take, as settings of the stages that read videos."""

from __future__ import annotations

from pydantic import Field

from pipeline.media.base import DEFAULT_LIMITS, Limits
from pipeline.workflow.stage import StageConfig


class LimitsConfig(StageConfig):
    """Settings common to stages that read videos. What takes more is a reject that says so."""

    timeout_s: float = Field(
        DEFAULT_LIMITS.timeout_s,
        gt=0,
        le=1_000_000,
        description="seconds of wall clock that reading one video may take",
    )
    max_file_bytes: int = Field(
        DEFAULT_LIMITS.max_file_bytes, ge=1, description="files of more bytes are refused"
    )
    max_frame_pixels: int = Field(
        DEFAULT_LIMITS.max_frame_pixels,
        ge=1,
        description="videos with more pixels a picture, as the file stores it, are refused; 8K has"
        " half of the default, 16K twice",
    )
    max_frames: int = Field(
        DEFAULT_LIMITS.max_frames,
        ge=1,
        description="videos of more frames are refused; the default is 23 hours at 60 frames a"
        " second",
    )
    memory_bytes: int = Field(
        DEFAULT_LIMITS.memory_bytes,
        ge=1,
        le=1 << 50,
        description="bytes of memory of the process that reads a video; one that needs more is"
        " refused",
    )

    def limits(self) -> Limits:
        """As the decoder takes them."""
        return Limits(**self.model_dump(include=set(LimitsConfig.model_fields)))
