"""What the rows are that a node reads of a video, and how long answers are: both made up, for
counting asks and tokens where nothing was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.records import (
    THIS_CALL,
    Annotation,
    Candidate,
    Change,
    ChangePoint,
    DenseSegment,
    Event,
    FramedSegment,
    Record,
    TurnFrame,
    VerifiedEvent,
    Video,
)

Rows = Mapping[type[Record], Sequence[Record]]
EVENTS, QUERIES, CANDIDATES = 5, 2, 3
"""Events (and as many actions) of a video, how many are asked for, and candidates for negatives."""
QUESTIONS, VALUES = 3, 3
"""Questions whose answers change, and the answers of each."""
CHANGES_PER_S = 0.3
"""Lines of a narration before it is edited."""
CAPTION = "A man in a red shirt throws a ball to a dog on the lawn."
SEEN = "A man in a red shirt stands on the lawn and holds a ball; a dog looks at it."

LISTED = {"caption": CAPTION, "start_s": 12.5, "end_s": 31.5}
POINT = {"seen": SEEN, "aspect": "action", "subject": "man in the red shirt", "before": "standing",
         "after": "throwing a ball", "time_s": 12.5}  # fmt: skip
TIMED = {"time_s": 12.5, "value": "throwing a ball"}
ANSWERS: Mapping[str, Any] = {
    "narrate": {"seen": SEEN, "changed": False, "sentence": ""},
    "narrate_breaths": {"time_s": 12.5, "seen": SEEN, "changed": False, "sentence": ""},
    "polish": {"seen": SEEN, "negative": False,
               "lines": [{"time_s": 12.5, "sentence": "The man throws a ball."}] * 12},
    "caption": {"events": [LISTED] * EVENTS},
    "ground": {"seen": SEEN, "found": True, "start_s": 12.5, "end_s": 31.5},
    "ground_many": {"number": 1, "seen": SEEN, "found": True, "start_s": 12.5, "end_s": 31.5},
    "rewrite": {"sentence": CAPTION},
    "query": {"query": CAPTION},
    "near_miss": {"attribute": "colour", "old": "red", "new": "blue"},
    "change_points": {"points": [POINT] * QUESTIONS * (VALUES - 1)},
    "change_questions": {"question": "What is the man in the red shirt doing?",
                         "answers": [TIMED] * VALUES, "distractors": ["sitting down"] * 3},
    "verify": {"seen": SEEN, "value": "throwing a ball"},
}  # fmt: skip
"""By stage, an answer of the length that is assumed; of one that is about several turns or
captions, what it says of one."""


def rows_of(video_id: str, seconds: int) -> Mapping[str, Rows]:
    """What each stage that asks a model, or a node of its own, reads of a video of so many seconds,
    made up."""
    video = Video(
        video_id=video_id, uri=f"{video_id}.mp4", duration_s=seconds, width=640, height=360,
        rotation_deg=0, codec="h264", frame_rate=25.0, sha256="0" * 64,
    )  # fmt: skip
    turns = [
        DenseSegment(video_id=video_id, index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1,
                     jpeg=b"", further=[TurnFrame(frame_s=i + 0.5, jpeg=b"")])
        for i in range(seconds)
    ]  # fmt: skip
    step = seconds / EVENTS
    spans: list[Any] = [
        {"video_id": video_id, "event_id": f"{video_id} {family} {i}", "family": family,
         "caption": f"{CAPTION} {family} {i}", "start_s": i * step, "end_s": (i + 1) * step,
         "provenance": THIS_CALL}
        for family in ("event", "action")
        for i in range(EVENTS)
    ]  # fmt: skip
    events = [Event(**span) for span in spans]
    kept = [
        VerifiedEvent(**span, grounded_start_s=span["start_s"], grounded_end_s=span["end_s"],
                      iou=1.0, kept=True, reason="")
        for span in spans
    ]  # fmt: skip
    queries = [
        Annotation.instants("event_grounding", CAPTION, [((i + 1) * step, "")],
                            video_id=video_id, annotation_id=f"{video_id} g{i}")
        for i in range(QUERIES)
    ]  # fmt: skip
    candidates = [
        Candidate(**span, kind="near_miss", parent_id="", calls=[]) for span in spans[:CANDIDATES]
    ]
    due = [int((k + 0.5) * seconds / VALUES) for k in range(VALUES)]
    changing = [
        Annotation.instants("tsqa", "What is the man in the red shirt doing?",
                            [(t, f"throwing a ball {k}") for k, t in enumerate(due)],
                            video_id=video_id, annotation_id=f"{video_id} a{q}")
        for q in range(QUESTIONS)
    ]  # fmt: skip
    points = [
        ChangePoint(video_id=video_id, aspect="action", subject=f"man {q}", before=f"standing {k}",
                    after=f"standing {k + 1}", time_s=t, seen=SEEN)
        for q in range(QUESTIONS)
        for k, t in enumerate(due[1:])
    ]  # fmt: skip
    changes = [
        Change(video_id=video_id, index=i, time_s=i, changed=True, text=CAPTION)
        for i in range(1, max(2, int(seconds * CHANGES_PER_S)))
    ]
    frames: Rows = {FramedSegment: turns, DenseSegment: turns, Video: [video]}
    return {
        "narrate": frames,
        "narrate_breaths": frames,
        "polish": {Change: changes},
        "caption": frames,
        "ground": {**frames, Event: events},
        "ground_negatives": {**frames, Event: candidates},
        "rewrite": {VerifiedEvent: kept},
        "query": {**frames, VerifiedEvent: kept},
        "near_miss": {Annotation: queries},
        "change_points": frames,
        "change_questions": {ChangePoint: points},
        "verify": {**frames, Annotation: changing},
    }
