"""Why a row of a file is no dialogue, and why a dialogue is no row of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNREAD: Final[Mapping[str, str]] = {
    "bad_row": "The row is not of the format; the detail says what is wrong with it.",
    "no_video_name": "The row names no video: `video_name`, `video_path` or `videos`.",
    "bad_entry": "A question or a response is no JSON object.",
    "bad_text": "A text is no string, or one that UTF-8 cannot write.",
    "bad_time": "A time is neither a number of seconds nor a clock, such as 01:30.",
    "before_start": "A time lies before the start of the video.",
    "no_time": "A response has neither a time nor a span.",
    "bad_evidence": "The evidence of a response is no list of pairs of seconds.",
    "unknown_duration": "Nothing says how long the video is: `--durations` or `--videos` would.",
    "too_many_turns": "The video has more turns than a row may have: give a lower `--fps`.",
    "unknown_frames": "The format shows frames, and no folder holds the video: see `--videos`.",
    "outside": "The path of the video leaves the folder of `--videos`.",
    "no_valid_response": "All responses of the row were refused.",
    "official_failure": "The official converter stops at this row (`--compat`).",
    "dropped": "The official converter leaves this row out (`--compat`): it has no frame.",
}
"""Of the verbs that read annotation files; beside the reasons of dialogues and of videos."""

UNWRITTEN: Final[Mapping[str, str]] = {
    "not_carried": "The format has no place for this dialogue; the detail says for what of it.",
    "token_in_text": "A text holds a token of a state or of a chat template, which would end it.",
    "placeholder_in_text": "A text holds what a trainer reads as an image or a video.",
    "unknown_variable": "The system text has a variable that is no state.",
}
"""Of the verbs that write files for trainers."""
