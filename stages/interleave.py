"""Put the questions of a stream between its clips: some behind their clip, some before it, few.

reads:  CaptionedStream, Annotation (of the task clip_qa), Segment
writes: Annotation of the task streaming_qa, at most one a stream
source: arXiv:2505.05467, appendix (``V Q A`` of each clip; drop 0.55 leaves ``V``; shift 0.1 makes
        ``Q V A`` of it, so that the clip is waited for; irrelevant questions 0.0001)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from pipeline.records import (
    Annotation,
    CaptionedStream,
    Question,
    Record,
    Reject,
    Response,
    Segment,
)
from pipeline.records.complete import complete
from pipeline.records.hash_sampling import hash_fraction, hash_rank
from pipeline.workflow.stage import Context, Reason, Stage, StageConfig, VideoRows
from stages._turn_order import First, behind, side_of
from stages._wording import bare

TASK = "streaming_qa"
IRRELEVANT = "irrelevant"
"""The kind of a question about what the stream does not show."""


class Config(StageConfig):
    """How many questions stay, and where they stand."""

    drop: float = Field(0.55, ge=0, le=1, description="of the questions, those that go")
    shift: float = Field(
        0.1, ge=0, le=1, description="of the questions, those that are asked before their clip"
    )
    first: First = Field(
        "drop",
        description="what is drawn first, which the paper does not say. drop: of all, and shift"
        " among those that stay; shift: of all, and drop among those that were not shifted",
    )
    irrelevant: float = Field(
        0.0001,
        ge=0,
        le=1,
        description="of the clips, those behind which a question about another stream is asked",
    )
    irrelevant_answer: str = Field(
        "Nothing that I have seen so far tells me that.",
        min_length=1,
        description="the answer to such a question; the paper does not give its own",
    )
    seed: int = Field(0, description="of all draws, with the ids of stream and clip")


@dataclass(frozen=True)
class Asked:
    """A stream with its turns and the questions about its clips, by place of the clip."""

    stream: CaptionedStream
    turns: Sequence[Segment]
    questions: Sequence[Annotation]


def placed(here: Asked, config: Config) -> Iterator[tuple[Annotation, Question]]:
    """The questions that stay, with when they are asked."""
    for annotation in here.questions:
        (question,), (response,) = annotation.questions, annotation.responses
        name = f"{here.stream.video_id} {question.qid}"
        drawn = side_of(name, config.drop, config.shift, config.first, config.seed)
        if drawn == "dropped":
            continue
        asked_s = response.start_s if drawn == "before" else behind(here.turns, response.end_s)
        yield annotation, question.model_copy(update={"asked_s": asked_s})


def irrelevant(
    here: Asked, shard: Sequence[Asked], config: Config
) -> Iterator[tuple[Annotation, Question, Response]]:
    """The questions about other streams, each with its answer.

    One is drawn of those of the shard. One that is asked here too, or whose answer is in a caption
    of this stream, is not irrelevant.
    """
    shown = bare(" ".join(clip.caption for clip in here.stream.captions))
    own = {bare(each.questions[0].text) for each in here.questions}
    for place in range(len(here.stream.clips)):
        name = f"{here.stream.video_id} {place} {IRRELEVANT}"
        if hash_fraction(name, config.seed) >= config.irrelevant:
            continue
        others = (
            each
            for other in shard
            if other.stream.split == here.stream.split and other is not here
            for each in other.questions
            if bare(each.questions[0].text) not in own and bare(each.responses[0].text) not in shown
        )
        chosen = min(
            others,
            key=lambda each: hash_rank(f"{name} {each.annotation_id}", config.seed),
            default=None,
        )
        if chosen is None:
            continue
        ends_s = sum(each.duration_s for each in here.stream.clips[: place + 1])
        asked_s = behind(here.turns, ends_s)
        given = chosen.questions[0].model_copy(
            update={"qid": f"i{place}", "kind": IRRELEVANT, "asked_s": asked_s}
        )
        answer = Response.instant(f"i{place}", config.irrelevant_answer, asked_s)
        yield chosen, given, answer.model_copy(update={"qid": given.qid})


def dialogue_of(here: Asked, shard: Sequence[Asked], config: Config) -> Annotation | Reject:
    """All questions of a stream that stay, in one annotation."""
    stays = [(a, q, a.responses[0]) for a, q in placed(here, config)]
    stays += irrelevant(here, shard, config)
    if not stays:
        return Reject(reason="none_stays", detail=f"of {len(here.questions)} questions")
    return Annotation(
        task=TASK,
        questions=[question for _, question, _ in stays],
        responses=[response for _, _, response in stays],
        provenance=list(dict.fromkeys(call for a, _, _ in stays for call in a.provenance)),
        origins=sorted({origin for a, _, _ in stays for origin in a.origins}),
        parent_ids=list(dict.fromkeys(a.annotation_id for a, _, _ in stays)),
    )


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[Record]:
    """The dialogues of all streams of a shard. Holds their questions."""
    shard = [
        Asked(
            rows[CaptionedStream][0],
            rows[Segment],
            sorted(rows[Annotation], key=lambda each: each.responses[0].start_s),
        )
        for rows in videos
    ]
    for here in shard:
        if here.turns:
            yield complete(dialogue_of(here, shard, config), here.stream.video_id)
        else:
            yield Reject(video_id=here.stream.video_id, reason="no_turns")


STAGE = Stage(
    "interleave",
    1,
    (CaptionedStream, Annotation, Segment),
    Annotation,
    Config,
    run,
    tasks=lambda *_: {TASK},
    reasons=(
        Reason("none_stays", "All questions of the stream were drawn to go.", absence=True),
        Reason("no_turns", "The stream could not be cut into turns.", absence=True),
    ),
)
