"""The two kinds of response that annotations hold, each to the one question ``q0``."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import Response, Span


def event_response(rid: str, text: str, start_s: float, end_s: float) -> Response:
    """Reported when its span, which is all its evidence, is over."""
    return Response(
        rid=rid,
        qid="q0",
        kind="event",
        text=text,
        start_s=start_s,
        end_s=end_s,
        respond_s=end_s,
        evidence=[Span(start_s=start_s, end_s=end_s)],
    )


def instant_response(
    rid: str,
    text: str,
    time_s: float,
    valid_until_s: float | None = None,
    evidence: Sequence[Span] = (),
) -> Response:
    """Reported at the first frame from ``time_s`` on."""
    return Response(
        rid=rid,
        qid="q0",
        kind="instant",
        text=text,
        start_s=time_s,
        end_s=time_s,
        respond_s=time_s,
        valid_until_s=valid_until_s,
        evidence=list(evidence),
    )
