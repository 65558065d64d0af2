"""Edit the changes of a video into a narration: merged, shortened, without the monotonous.

reads:  Change
writes: Annotation of the task narration, at most one per video; a Reject for each line left out
source: section 4.1 of arXiv:2512.21334, real-time narration, step 3
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from pipeline.records import Annotation, Change, Check, Reject
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, AnswerTime, Seen, Sentence, SingleAnswerConfig
from stages._spans import JITTER_S

WORD_CHARACTERS = 16
"""A line with words longer than this on average is not what was asked for."""
LEAST_CHARACTERS = 80
"""In a line of few words, one may be long."""


class Config(SingleAnswerConfig):
    """How narrations are edited, and which are kept."""

    prompt: str = Field(
        "polish", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(
        8192, ge=1, description="most tokens of the answer, the whole narration of a video"
    )
    max_words: int = Field(
        5, ge=1, description="words of a line that the prompt asks for; the paper's own"
    )
    min_gap_s: float = Field(
        2.0,
        ge=0,
        description="a line closer than so many seconds to the line kept before it is left out; the"
        " paper gives none",
    )
    min_lines: int = Field(
        1,
        ge=1,
        description="a narration with fewer lines is refused; the paper gives none. One line is"
        " enough by default because half of the paper's videos are shorter than 30 s, and a quiet"
        " video with one change is what teaches silence; monotony is the editor's to refuse",
    )
    max_lines: int = Field(
        150,
        ge=1,
        description="a narration with more lines is refused; the paper gives none. `max_tokens`"
        " must hold one more",
    )

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """One line more than is kept is one too many; a line is as long as its words may be."""
        return {
            "lines": {"maxItems": self.max_lines + 1},
            "lines.sentence": {
                "maxLength": max(LEAST_CHARACTERS, WORD_CHARACTERS * self.max_words)
            },
        }


class Line(Answer):
    """A line of the narration and when it is said."""

    time_s: AnswerTime
    sentence: Sentence


class Narration(Answer):
    """The edited lines, or that the video makes no narration."""

    seen: Seen
    negative: bool
    lines: list[Line]


Draft = Sequence[Change]
"""The changes of one video that were seen, in order of time; never empty."""


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Draft] | Reject]:
    """One draft a video, as text."""
    changes = sorted((c for c in rows[Change] if c.changed), key=lambda c: c.index)
    if not changes:
        yield Reject(reason="nothing_changed")
        return
    lines: list[dict[str, Any]] = [
        {"time_s": printed(c.time_s), "sentence": c.text} for c in changes
    ]
    times = list(dict.fromkeys(line["time_s"] for line in lines))
    variables = {"lines": lines, "max_words": config.max_words}
    yield Case(changes, variables, choices={"lines.time_s": times})


def placed(
    draft: Draft, lines: Sequence[Line], min_gap_s: float
) -> tuple[list[tuple[float, str]], list[tuple[str, Line]]]:
    """The lines that stand, with their times in seconds, in order; and the others with the reason.

    A line stands at the time of a change of the draft (``invented_time`` otherwise) and at least
    ``min_gap_s`` (less ``JITTER_S``) after the line before it (``too_close`` otherwise).
    """
    times = {printed(c.time_s): c.time_s for c in reversed(draft)}
    kept: list[tuple[float, str]] = []
    left: list[tuple[str, Line]] = []
    for line in sorted(lines, key=lambda x: x.time_s):
        time_s = times.get(printed(line.time_s))
        if time_s is None:
            left.append(("invented_time", line))
        elif kept and time_s - kept[-1][0] < min_gap_s - JITTER_S:
            left.append(("too_close", line))
        else:
            kept.append((time_s, line.sentence))
    return kept, left


def accept(
    case: Case[Draft], answers: Answers[Narration], config: Config
) -> Iterator[Annotation | Reject]:
    """The narration, and a refusal for each line that was left out of it."""
    draft, narration = case.subject, answers[0]
    row = narration.model_dump_json()
    if narration.negative:
        yield Reject(reason="negative", detail="the editor refused the video", row=row)
        return
    kept, left = placed(draft, narration.lines, config.min_gap_s)
    for reason, line in left:
        detail = f"line at {line.time_s:.2f} s"
        yield Reject(reason=reason, detail=detail, row=line.model_dump_json())
    if len(kept) < config.min_lines:
        detail = f"{len(kept)} of at least {config.min_lines}"
        yield Reject(reason="too_few_lines", detail=detail, row=row)
    elif len(kept) > config.max_lines:
        detail = f"{len(kept)} of at most {config.max_lines}"
        yield Reject(reason="too_many_lines", detail=detail, row=row)
    else:
        invented = sum(reason == "invented_time" for reason, _ in left)
        yield annotation(draft, kept, 1 - invented / len(narration.lines))


def annotation(draft: Draft, lines: Sequence[tuple[float, str]], known: float) -> Annotation:
    """The lines, each with its time in seconds, as instant responses to one standing question.

    ``known`` is the share of the editor's lines at times of the draft. A line with another time was
    left out, and the check says so.
    """
    return Annotation.instants(
        "narration",
        "",
        lines,
        checks=[Check(name="known_times", passed=known == 1, score=known, model="")],
        provenance=[change.provenance for change in draft],
        parent_ids=[change.provenance.request_id for change in draft],
    )


STAGE = annotation_stage(
    name="polish",
    version=4,
    reads=(Change,),
    writes=Annotation,
    config=Config,
    answer=Narration,
    variables={"lines": [{"time_s": 2.0, "sentence": "A ball rolls."}], "max_words": 5},
    cases=cases,
    accept=accept,
    tasks=lambda *_: {"narration"},
    reasons=(
        Reason("nothing_changed", "Nothing was seen to change in the video.", absence=True),
        Reason("negative", "The editor finds that the video makes no narration.", policy=True),
        Reason("invented_time", "The editor gives the line a time at which no change was seen."),
        Reason(
            "too_close", "The line is less than `min_gap_s` behind the line before it.", policy=True
        ),
        Reason("too_few_lines", "The narration has fewer lines than `min_lines`.", policy=True),
        Reason("too_many_lines", "The narration has more lines than `max_lines`.", policy=True),
    ),
)
