"""Why an ask has no answer: the constants of ``Reply.error``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

PassingError = Literal["timeout", "connection", "rate_limited", "server_error", "engine_died"]
"""Errors of the engine or the connection to it. The same ask may be answered another time."""
AskError = Literal["too_long", "bad_request", "bad_frame", "unsupported", "not_asked"]
"""Errors of the ask: the engine refuses it, or was never asked."""
AnswerError = Literal[
    "truncated",
    "text_cut",
    "text_loops",
    "refused",
    "empty",
    "unparsable",
    "answer_too_large",
    "quotes_key",
]
"""Errors of the model's output: it is no answer. The same ask would have the same output."""
ErrorName = PassingError | AskError | AnswerError

PASSING_ERRORS: Final[frozenset[str]] = frozenset(get_args(PassingError))
ASK_ERRORS: Final[frozenset[str]] = frozenset(get_args(AskError))
ANSWER_ERRORS: Final[frozenset[str]] = frozenset(get_args(AnswerError))
NO_VALID_ANSWER: Final = "no_valid_answer"
"""The reason for an ask whose samples failed for several causes, or do not validate."""
WRONG_LANGUAGE: Final = "wrong_language"
"""The reason for an ask all of whose samples are in another language than was asked for."""
MEANINGS: Final[Mapping[str, str]] = {
    "timeout": "The engine did not answer in time; `retry` asks again.",
    "connection": "The server could not be reached, or the connection broke; `retry` asks again.",
    "rate_limited": "The server refused because it was asked too often; `retry` asks again.",
    "server_error": "The server failed (status 5xx, or an answer that is no answer); `retry` asks"
    " again.",
    "engine_died": "The engine died, more often than it is started again; `retry` asks again.",
    "too_long": "The prompt with its frames, or with its answer, has more tokens than the model"
    " takes: lower `max_frames`, or serve the model with a longer context.",
    "bad_request": "The server refuses the request as it is; the detail has its message.",
    "bad_frame": "A frame of the ask cannot be decoded.",
    "unsupported": "The model or its engine cannot answer such an ask, as one that sees no pictures"
    " cannot; the detail has the message.",
    "not_asked": "Nothing was asked: `doctor` measures how long the asks are, and no more.",
    "truncated": "The answer was cut off at `max_tokens` of the node; the detail has its"
    " beginning.",
    "text_cut": "A text of the answer is as long as its schema allows and has no end: the decoder"
    " cut it.",
    "text_loops": "Most of a text of the answer is what it said before: the model goes round in"
    " circles.",
    "refused": "The model, or a filter of its server, declined to answer.",
    "empty": "The answer has no text.",
    "unparsable": "The answer is not JSON of the schema that was asked for.",
    "answer_too_large": "The server sent more than `answer_megabytes` of the engine for one answer;"
    " nothing of it was kept.",
    "quotes_key": "The answer quotes the API key that the server was asked with; nothing of it was"
    " kept.",
    NO_VALID_ANSWER: "No sample is a valid answer, each for a cause of its own, or their values"
    " break the schema; the detail has the causes.",
    WRONG_LANGUAGE: "The answer is in another language than `language`, by its script or its short"
    " words.",
}
"""What each means, in a sentence for users; names in backquotes are settings or verbs."""
UNANSWERED: Final = frozenset(MEANINGS)
"""Every reason to reject an ask without a valid answer."""


class RequestError(Exception):
    """A request failed for good. ``error`` is the constant for the reply."""

    def __init__(self, error: ErrorName, detail: str) -> None:
        """``detail`` holds no key: see ``ApiKey.redact``."""
        super().__init__(f"{error}: {detail}")
        self.error: ErrorName = error
        self.detail = detail


def lasting_error(status: int, message: str) -> AskError:
    """The error of a request that was refused for good with an HTTP status and a message."""
    return known_error(status, message) or "bad_request"


def known_error(status: int, message: str) -> AskError | None:
    """What a message says that no further try can mend, under whatever status servers send it."""
    if status != 400 and status < 500:
        return None
    if NO_PICTURES.search(message):
        return "unsupported"
    return "too_long" if TOO_LONG.search(message) else None


TOO_LONG = re.compile(
    r"context[ _](length|window|size)|maximum model length|max_model_len|prompt is too long",
    re.IGNORECASE,
)
"""Matches the messages of servers about a prompt with more tokens than the model takes."""
NO_PICTURES = re.compile(
    r"(image|picture|vision|multimodal)[^.]{0,40}\b(not|only) (be )?support"
    r"|(not|n't) (a multimodal model|support[^.]{0,20} (image|vision|multimodal))|at most 0 image",
    re.IGNORECASE,
)
"""Matches the messages of servers about a picture that their model cannot be shown."""
