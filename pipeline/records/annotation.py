"""The waist: one instruction task on one video."""

from __future__ import annotations

from typing import Literal

from pipeline.records.base import Provenance, Ratio, Record, Seconds


class Question(Record):
    """A question to the assistant, asked at ``asked_s``."""

    qid: str
    text: str
    asked_s: Seconds
    options: list[str] = []


class Span(Record):
    """A half-open interval in seconds."""

    start_s: Seconds
    end_s: Seconds


class Response(Record):
    """What the assistant is to say, and when it may know it.

    An ``event`` is reported when ``[start_s, end_s)`` is over; an ``instant`` at the first frame
    that shows it. ``respond_s`` is when the evidence is complete.
    """

    rid: str
    qid: str
    kind: Literal["instant", "event"]
    text: str
    start_s: Seconds
    end_s: Seconds
    respond_s: Seconds
    valid_until_s: Seconds | None = None
    evidence: list[Span] = []


class Check(Record):
    """One verification of an annotation, or of one response of it (``rid``)."""

    name: str
    passed: bool
    score: float
    model: str
    rid: str = ""


class Annotation(Record):
    """The waist: one instruction task on one video."""

    video_id: str
    annotation_id: str
    task: str
    aspect: str = ""
    """For a task with kinds of question, which kind this is."""
    questions: list[Question]
    responses: list[Response]
    checks: list[Check] = []
    provenance: list[Provenance] = []
    """The model calls that made it, first to last; empty when a dataset said it."""
    origins: list[str] = []
    """Who wrote what a dataset said of it: ``human``, ``model``, ``asr``; empty where no dataset
    had a part in it, or does not say."""
    parent_ids: list[str] = []


class Verdict(Record):
    """One look of the verifier at one response of an annotation."""

    video_id: str
    annotation_id: str
    rid: str
    check: Literal["answerable", "premature"]
    expected: str
    seen: str
    passed: bool
    consistency: Ratio = 1.0
    """The share of the samples that saw the same."""
    provenance: Provenance
