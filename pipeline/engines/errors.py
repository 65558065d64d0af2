"""Why an ask has no answer: the constants that ``Reply.error`` takes, and what each says."""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

PassingError = Literal["timeout", "connection", "rate_limited", "server_error", "engine_died"]
"""Of the engine or the way to it. The same ask may be answered another time."""
AskError = Literal["too_long", "bad_request", "bad_frame", "unsupported", "not_asked"]
"""Of the ask: the engine does not take it, or was not given it."""
AnswerError = Literal["truncated", "refused", "empty", "unparsable"]
"""Of what the model said: it is no answer. The same ask has the same one again."""
ErrorName = PassingError | AskError | AnswerError

PASSING_ERRORS: Final[frozenset[str]] = frozenset(get_args(PassingError))
ASK_ERRORS: Final[frozenset[str]] = frozenset(get_args(AskError))
ANSWER_ERRORS: Final[frozenset[str]] = frozenset(get_args(AnswerError))
NO_VALID_ANSWER: Final = "no_valid_answer"
"""The reason of an ask whose samples failed for several causes, or said what does not validate."""
UNANSWERED: Final = PASSING_ERRORS | ASK_ERRORS | ANSWER_ERRORS | {NO_VALID_ANSWER}
"""Every reason for which an ask is rejected that has no valid answer."""


class RequestError(Exception):
    """A request failed for good. ``error`` is the constant that goes into the reply."""

    def __init__(self, error: ErrorName, detail: str) -> None:
        """``detail`` is fit to be written: see ``Key.said``."""
        super().__init__(f"{error}: {detail}")
        self.error: ErrorName = error
        self.detail = detail


def lasting_error(status: int, message: str) -> AskError:
    """The error that a refused request stands for."""
    return "too_long" if status == 400 and TOO_LONG.search(message) else "bad_request"


TOO_LONG = re.compile(
    r"context[ _](length|window|size)|maximum model length|max_model_len|prompt is too long",
    re.IGNORECASE,
)
"""How servers put it that a prompt has more tokens than the model takes."""
