"""How much of its video an event may cover that is asked for by its span."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from pipeline.records.spans import MAX_SHARE, TimeSpan, covered_share
from pipeline.workflow.stage import StageConfig


class CoverageConfig(StageConfig):
    """A setting of the stages that make event grounding."""

    max_share: float = Field(
        MAX_SHARE,
        gt=0,
        le=1,
        description="an event that covers more of its video than this, all its spans together, is"
        " none to ground: who answers that it was all of the video is right within a tenth, and"
        " has learnt nothing; 1 takes all; the paper gives none",
    )

    def excess(self, spans: Iterable[TimeSpan], duration_s: float) -> str:
        """How much of a video the spans of an event cover where that is too much; else empty."""
        share = covered_share(spans, duration_s)
        if share <= self.max_share:
            return ""
        return f"{share:.3f} of it, of at most {self.max_share:.3f}"
