"""The waist: one instruction task on one video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pipeline.records.base import THIS_CALL, Provenance, Ratio, Record, Seconds

AskedBy = Literal["start", "before_first", "after_event", "still", "given"]
"""What settles when a question is asked: at the start, at a moment before its first answer, after
its evidence, where its answer changes no more, or whoever wrote the data says when."""
DueBy = Literal["end", "start_plus", "earliest_reliable", "window", "fallback"]
"""What settles when a response is due: the end of its evidence, a time after its start, the first
frame from which a verifier answers so, or any turn in which it is valid. ``fallback``: the end, as
the policy of its task asks for a turn that nothing confirms."""


class Question(Record):
    """A question to the assistant, asked at ``asked_s``."""

    qid: str
    text: str
    asked_s: Seconds
    options: list[str] = []
    """To choose from; none where the answer is in free words."""
    kind: str = ""
    """What it asks for, where a stage asked for kinds: ``descriptive``, ``counting``, ``state``,
    ``action`` or ``binary``."""
    distractors: list[str] = []
    """Answers that are right at no time of the video, whether or not they are among ``options``."""
    asked_by: AskedBy = "start"
    """What settled ``asked_s``."""
    depends_on: str = ""
    """The ``qid`` of an earlier question without which, and its answers, nobody can tell what this
    one asks for; empty where it can be asked by itself."""


class Span(Record):
    """A half-open interval in seconds."""

    start_s: Seconds
    end_s: Seconds


class Response(Record):
    """A response of the assistant, and when it may be known.

    An ``event`` is reported when ``[start_s, end_s)`` is over; an ``instant`` at the first frame
    that shows it. ``respond_s`` is when the evidence is complete. It is due then, or at ``due_s``
    where that is not null. A response that is due before ``respond_s`` names in ``evidence`` what
    it rests on, and ``due_s`` is one of ``confirmed_s``.
    """

    rid: str
    qid: str
    kind: Literal["instant", "event"]
    text: str
    start_s: Seconds
    end_s: Seconds
    respond_s: Seconds
    valid_until_s: Seconds | None = None
    """When it stops being true; null where it stays so or nobody knows."""
    evidence: list[Span] = []
    due_s: Seconds | None = None
    due_by: DueBy = "end"
    """What settled when it is due."""
    valid_from_s: Seconds | None = None
    """From when on it may be said; null where no policy looked at it."""
    earliest_answerable_s: Seconds | None = None
    """When the first frame was presented from which on a verifier that sees the frames up to then
    gives this answer; null where it was not looked for, or not found."""
    confirmed_s: list[Seconds] = []
    """The times of the frames, from that one to ``respond_s``, at which the verifier was asked. It
    gave this answer each time."""
    still_until_s: Seconds | None = None
    """The time of the last of several frames behind ``respond_s`` at which the verifier was asked,
    and gave this answer each time; null where it was not asked, or once gave another."""
    from_memory: bool = False
    """Whether its evidence is to be had from the memory of a window alone: a verifier told the
    answer from that, and not from the frames that such a window shows."""

    @classmethod
    def instant(cls, rid: str, text: str, time_s: float, **fields: Any) -> Response:
        """A response to the question ``q0`` at the first frame from ``time_s`` on."""
        times = {"start_s": time_s, "end_s": time_s, "respond_s": time_s}
        return cls(rid=rid, qid="q0", kind="instant", text=text, **times, **fields)

    @classmethod
    def event(cls, rid: str, text: str, start_s: float, end_s: float) -> Response:
        """A response to the question ``q0`` when its span, which is all its evidence, is over."""
        times = {"start_s": start_s, "end_s": end_s, "respond_s": end_s}
        evidence = [Span(start_s=start_s, end_s=end_s)]
        return cls(rid=rid, qid="q0", kind="event", text=text, **times, evidence=evidence)


class Check(Record):
    """One verification of an annotation, or of one response of it (``rid``)."""

    name: str
    passed: bool
    score: float
    model: str
    rid: str = ""


class Annotation(Record):
    """The waist: one instruction task on one video."""

    video_id: str = ""
    annotation_id: str = ""
    task: str
    aspect: str = ""
    """For a task with kinds of question, which kind this is."""
    questions: list[Question]
    responses: list[Response]
    checks: list[Check] = []
    provenance: list[Provenance] = []
    """The model calls that made it, first to last; empty when it comes from a dataset."""
    origins: list[str] = []
    """Who wrote the datasets' part of it: ``human``, ``model``, ``asr``; empty where no dataset had
    a part in it, or its writer is unknown."""
    parent_ids: list[str] = []
    """The rows it was made from, or the ask where it was made from frames alone."""
    is_negative: bool = False
    """Whether silence is the right answer: what is asked for does not occur in the video. Such a
    one has a question and no response; any other that becomes a dialogue has responses."""

    @classmethod
    def instants(
        cls, task: str, question: str, answers: Sequence[tuple[float, str]], **fields: Any
    ) -> Annotation:
        """One question asked at the start, answered at each ``(time_s, text)``, in their order."""
        responses = [Response.instant(f"r{i}", text, t) for i, (t, text) in enumerate(answers)]
        asked = Question(qid="q0", text=question, asked_s=0)
        return cls(task=task, questions=[asked], responses=responses, **fields)


class Verdict(Record):
    """One check of one response of an annotation by the verifier."""

    video_id: str = ""
    annotation_id: str
    rid: str
    check: Literal["answerable", "premature", "look", "still", "in_context", "without_context"]
    """Seen when it is due; not seen just before; seen at an earlier time, which passes nothing and
    fails nothing; still seen at a later time. Told from what it rests on; not told without the
    exchange or the memory that it needs."""
    at_s: Seconds = 0.0
    """When the last frame that it shows was presented."""
    opens: bool = False
    """Whether the answer is the first one, and that frame the first of the video."""
    expected: str
    seen: str
    passed: bool
    consistency: Ratio = 1.0
    """The share of the samples that saw the same."""
    provenance: Provenance = THIS_CALL
