"""Why an ask has no answer: the constants of ``Reply.error``."""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

PassingError = Literal["timeout", "connection", "rate_limited", "server_error", "engine_died"]
"""Errors of the engine or the connection to it. The same ask may be answered another time."""
AskError = Literal["too_long", "bad_request", "bad_frame", "unsupported", "not_asked"]
"""Errors of the ask: the engine refuses it, or was never asked."""
AnswerError = Literal["truncated", "refused", "empty", "unparsable"]
"""Errors of the model's output: it is no answer. The same ask would have the same output."""
ErrorName = PassingError | AskError | AnswerError

PASSING_ERRORS: Final[frozenset[str]] = frozenset(get_args(PassingError))
ASK_ERRORS: Final[frozenset[str]] = frozenset(get_args(AskError))
ANSWER_ERRORS: Final[frozenset[str]] = frozenset(get_args(AnswerError))
NO_VALID_ANSWER: Final = "no_valid_answer"
"""The reason for an ask whose samples failed for several causes, or do not validate."""
UNANSWERED: Final = PASSING_ERRORS | ASK_ERRORS | ANSWER_ERRORS | {NO_VALID_ANSWER}
"""Every reason to reject an ask without a valid answer."""


class RequestError(Exception):
    """A request failed for good. ``error`` is the constant for the reply."""

    def __init__(self, error: ErrorName, detail: str) -> None:
        """``detail`` holds no key: see ``ApiKey.redact``."""
        super().__init__(f"{error}: {detail}")
        self.error: ErrorName = error
        self.detail = detail


def lasting_error(status: int, message: str) -> AskError:
    """The error of a request that was refused with an HTTP status and a message."""
    return "too_long" if status == 400 and TOO_LONG.search(message) else "bad_request"


TOO_LONG = re.compile(
    r"context[ _](length|window|size)|maximum model length|max_model_len|prompt is too long",
    re.IGNORECASE,
)
"""Matches the messages of servers about a prompt with more tokens than the model takes."""
