"""What several stages turn videos and rows down for, in the same sense."""

from __future__ import annotations

from pipeline.workflow.stage import Reason

BAD_SPAN = Reason("bad_span", "The span has no length, or leaves the video by over `tolerance_s`.")
COVERS_VIDEO = Reason(
    "covers_video",
    "The spans cover more of the video than `max_share`: there is nothing to look for.",
    absence=True,
)
INCONSISTENT = Reason(
    "inconsistent", "The samples have less in common than `min_consistency`.", policy=True
)
LOW_AGREEMENT = Reason(
    "low_agreement", "No event of the video was kept: its spans do not agree.", policy=True
)
OTHER_EVENT_FAILED = Reason(
    "other_event_failed",
    "Another event of the video failed, and `policy` keeps all or none.",
    policy=True,
)
