"""Why a record, a video or an annotation of a dataset does not come into the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REFUSED: Final[Mapping[str, str]] = {
    # records that are no entry
    "damaged": "The file, or this record in it, cannot be read.",
    "malformed": "The record has not the form that its dataset documents.",
    "unsupported": "A file of this kind is not read: its suffix says so.",
    "unsupported_task": "The record is of a task that nothing is made of.",
    "unpaired_turns": "Questions and answers of the record do not take turns.",
    "unclear_answer": "The answer of the record is not of the form of its task.",
    "changing_answers": "A question of the record has several answers.",
    "other_set": "The video was read already, with its tags of another set.",
    "no_column": "The table lacks a column that an option names.",
    "no_caption": "No question of the record names an event in quotation marks.",
    "no_response": "The row has no key `response`, so it is no raw row.",
    "no_video": "The record names no video.",
    "no_words": "The record has no words with times.",
    "no_time": "The record lacks a time that it needs.",
    "bad_id": "The id of the record is not of the form of its dataset.",
    "bad_rate": "The frame rate of the record is not above 0.",
    "bad_options": "The options of the question are no list of texts.",
    # annotations
    "not_utf8": "A text of the annotation cannot be written in UTF-8.",
    "no_text": "The annotation has no text, or a word for none in its place.",
    "no_question": "The annotation is an answer without a question.",
    "blank_option": "An option of the question is blank.",
    "bad_time": "A time cannot be read, or is not finite.",
    "no_start": "The annotation has an end alone.",
    "no_end": "The annotation has a start alone; `no_end=next` ends it where the next starts.",
    "reversed_span": "The annotation ends before it starts; `reversed=swap` turns it round.",
    "empty_span": "The annotation ends when it starts.",
    "before_start": "The annotation ends, or is asked, before the video starts.",
    "duplicate": "The same annotation of the video came before.",
    # videos
    "bad_name": "The name of the video is empty, or UTF-8 cannot write it.",
    "bad_split": "The split has other than letters, digits and `_`.",
    "other_split": "Another entry of the video is in a split of higher priority.",
    "no_split": "No file says which split the video is in (`unassigned=refuse`).",
    "missing_file": "No folder has a file of this name.",
    "ambiguous": "Several files have this name, and none of them is nearer than the others.",
    "bad_clip": "The clip has no start, no end, or no length.",
    "held_out": "The video is tested with, or on a list of `hold_out`, so it is not trained with.",
    "same_video": "Another row shows the same video, and `same_video: first` keeps that one.",
}
"""What is wrong with it, or why it may not come in."""

WITHOUT_FILE: Final = ("missing_file", "ambiguous", "unsupported")
"""Of a video whose file was not found. What else is wrong with it counts all the same."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "split": "The video is in another split than the one that is wanted.",
    "limit": "There are as many rows of the source as `limit` allows.",
    "not_drawn": "There are as many rows as the shares allow, and the draw took others.",
    "other_length": "The length of the video is in none of the bins that are wanted.",
    "share_alike": "The licence is share-alike, which `without` leaves out.",
    "ego4d": "The video is Ego4D's, which `without` leaves out.",
}
"""Nothing is wrong with it: it is not wanted."""
