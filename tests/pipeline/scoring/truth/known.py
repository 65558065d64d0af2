"""A video whose truth is known, and dialogues on it."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.media.scenes.truth import Truth
from pipeline.records import Dialogue, Turn

TRUTH = Truth.model_validate(
    {
        "video_id": "v",
        "duration_s": 20.0,
        "script": "",
        "changes": [
            {"time_s": 3.4, "kind": "enter", "text": "A red circle appears"},
            {"time_s": 7.8, "kind": "colour", "text": "The square turns from blue to green"},
            {"time_s": 12.1, "kind": "leave", "text": "The red circle disappears"},
        ],
        "events": [
            {"family": "event", "caption": "A red circle", "start_s": 3.4, "end_s": 12.1},
            {"family": "action", "caption": "It moves", "start_s": 14.0, "end_s": 19.0},
        ],
        "tracks": [
            {
                "aspect": "count",
                "subject": "shapes",
                "values": [
                    {"time_s": 0.0, "value": "1"},
                    {"time_s": 3.4, "value": "2"},
                    {"time_s": 12.1, "value": "1"},
                ],
            },
            {
                "aspect": "attribute",
                "subject": "square",
                "values": [{"time_s": 0.0, "value": "blue"}, {"time_s": 7.8, "value": "green"}],
            },
            {
                "aspect": "attribute",
                "subject": "circle",
                "values": [
                    {"time_s": 0.0, "value": "gone"},
                    {"time_s": 3.4, "value": "red"},
                    {"time_s": 12.1, "value": "gone"},
                    {"time_s": 15.2, "value": "red"},
                ],
            },
        ],
    }
)


def dialogue(
    task: str, answers: Mapping[int, str], aspect: str = "", question: str = "", asked: int = 0
) -> Dialogue:
    turns = [
        Turn(
            index=n,
            start_s=n,
            end_s=n + 1,
            frame_s=n,
            state="response" if n in answers else "silence",
            question=question if n == asked else "",
            text=answers.get(n, ""),
        )
        for n in range(max([20, *(turn + 1 for turn in answers)]))
    ]
    return Dialogue(
        sample_id=f"{task}-{aspect}", video_id="v", task=task, aspect=aspect, source="", licence="",
        split="train", sha256="0", uri="v.mp4", clip_start_s=0, clip_end_s=None, duration_s=20,
        width=0, height=0, turns_per_s=1, n_silence=20 - len(answers), n_standby=0,
        n_response=len(answers), n_tail=0, models=[], annotation_ids=[], checks=[], parent_ids=[],
        provenance=[], questions=[], responses=[], turns=turns,
    )  # fmt: skip
