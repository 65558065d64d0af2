"""Relevance matrices of a video with a frame a second, as the stages of EvoStreaming read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.records import Annotation, PieceRelevance, Provenance, Question
from stages._trajectory import TASK

CALL = Provenance(
    **dict.fromkeys(
        ("stage", "prompt", "prompt_sha", "engine", "engine_version", "request_id"), "q"
    ),
    **dict.fromkeys(("temperature", "max_tokens", "seed", "samples", "tokens_in", "tokens_out"), 0),
    model="m",
    revision="1",
)


def matrix(
    annotation_id: str,
    pieces: int,
    relevant: Mapping[str, Sequence[int]] | None = None,
    scores: Mapping[str, float] | None = None,
) -> list[PieceRelevance]:
    """Pieces of two turns, and which of them are relevant to which question: all to ``q0`` by
    default. A relevant one has the score of its question, or 1."""
    wanted = {"q0": range(pieces)} if relevant is None else relevant
    high = scores or {}
    return [
        PieceRelevance(
            video_id="v",
            annotation_id=annotation_id,
            index=index,
            pieces=pieces,
            start_s=2 * index,
            end_s=2 * index + 2,
            after_s=2 * index - 1 if index else None,
            first_frame_s=2 * index,
            frame_s=2 * index + 1,
            qids=[*wanted],
            scores=[high.get(qid, 1.0) * (index in own) for qid, own in wanted.items()],
            relevant=[index in own for own in wanted.values()],
            provenance=CALL,
        )
        for index in range(pieces)
    ]


def asked(*texts: str) -> Annotation:
    """Questions on the video ``v`` that nobody has answered yet."""
    return Annotation(
        video_id="v",
        annotation_id="a",
        task=TASK,
        aspect="memory_dependent",
        questions=[Question(qid=f"q{i}", text=text, asked_s=0) for i, text in enumerate(texts)],
        responses=[],
    )
