"""A question about a caption, as far as its words are understood."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.engines.embedded.phrases import claim_of

LONGEST = 240


class Asked(NamedTuple):
    """A type, a question, and its answer."""

    kind: str
    question: str
    answer: str


def clip_question(caption: str) -> Asked:
    """About the first thing that the caption names, else about all of it."""
    claim = claim_of(caption)
    if claim is not None and claim.shape and claim.direction:
        thing = " ".join(filter(None, (claim.colour, claim.shape)))
        return Asked(
            "action_recognition",
            f"Which way did the {thing} go just now?",
            f"It went {claim.direction}.",
        )
    if claim is not None and claim.shape and claim.colour:
        question = f"What colour is the {claim.shape} now?"
        return Asked("object_perception", question, f"It is {claim.colour}.")
    if claim is not None and claim.colour:
        return Asked("spatial_awareness", "What fills most of the view now?", f"{claim.colour}.")
    return Asked("event_understanding", "What was that just now?", caption[:LONGEST])
