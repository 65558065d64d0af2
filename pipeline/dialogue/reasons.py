"""Why a dialogue cannot be made, cannot hold a response, or cannot be cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNFIT: Final[Mapping[str, str]] = {
    "bad_segments": "The turns of the video do not lie side by side from its start to its end.",
    "other_video": "The annotation is of another video than the turns.",
    "duplicate_id": "Two questions, or two responses, of an annotation have the same id.",
    "duplicate_annotation": "The same annotation came before.",
    "answered_negative": "What is marked as a negative, to which silence is right, has a response.",
    "empty_text": "A question or a response has no text.",
    "unknown_qid": "The response answers a question that is not there, or was refused itself.",
    "reversed_span": "A span ends before it starts.",
    "zero_length_span": "An event ends when it starts.",
    "past_the_end": "Nothing of the response's span is in the video.",
    "early_response": "The response is due before the evidence that it names is complete.",
    "budget_too_small": "A turn with its open questions does not fit in `window.max_tokens`.",
    "evidence_over_budget": "A response and its evidence do not fit in one window of"
    " `window.max_tokens`.",
    "no_memory": "A stretch before the window has no summary, so its memory is not whole.",
    "bad_stretch": "A stretch of `memory.raw_s` is no whole number of turns.",
    "evidence_over_reach": "The evidence of a response begins further back than `memory` lets its"
    " window show frames again.",
    "evidence_forgotten": "What a response has from memory is further back than `memory` reaches.",
    "bad_frame_size": "The frames are of a size that the model of `window` does not take.",
    "bad_tokenizer": "The file `window.tokenizer` describes no tokenizer.",
}
"""What makes an annotation or a response unfit: by ``reason``, a sentence for users."""

UNASKED: Final[Mapping[str, str]] = {
    "bad_duration": "The length of the video, as it is stated or found, is no length of a video.",
    "not_whole": "A window of a dialogue cannot be cut again: export from whole dialogues.",
    "weighted": "A dialogue whose turns have weights cannot be cut: cut first, then weigh.",
}
"""The same, of what no run asks for, only the verbs that read files."""
