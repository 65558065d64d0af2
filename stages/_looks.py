"""Which looks of the verifier each response needs: said once, for asking and for judging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.records import Response
from stages._wording import bare

Look = Literal["answerable", "premature"]


def in_order(responses: Sequence[Response]) -> list[Response]:
    """The responses by the time they are due; responses due together stay as they were."""
    return sorted(responses, key=lambda r: r.respond_s)


def looks(responses: Sequence[Response]) -> list[tuple[Response, Look]]:
    """Every response with the looks it has to pass, in order of time.

    Each must be answerable when it is due. Each that differs from the one before it must also not
    be said already by the frames before it; the first has none before it.
    """
    pairs: list[tuple[Response, Look]] = []
    before: Response | None = None
    for response in in_order(responses):
        pairs.append((response, "answerable"))
        if before is not None and bare(before.text) != bare(response.text):
            pairs.append((response, "premature"))
        before = response
    return pairs
