from __future__ import annotations

import pytest

from pipeline.engines.embedded.colour import NAMES
from pipeline.engines.embedded.phrases import SHAPES, Claim, a, claim_of, place_of

CLAIMS = [
    *(Claim("in view", colour, shape) for colour in ("", *NAMES) for shape in SHAPES),
    *(Claim("moves", "red", shape, "down and left") for shape in SHAPES),
    *(Claim("background", colour) for colour in NAMES),
    *(Claim("mostly", colour) for colour in NAMES),
    Claim("something moves"),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.sentence)
def test_what_is_said_is_understood(claim: Claim) -> None:
    assert claim_of(claim.sentence) == claim


@pytest.mark.parametrize(
    ("caption", "claim"),
    [
        ("The gray circles are visible", Claim("in view", "grey", "circle")),
        ("A circle moving up", Claim("moves", "", "circle", "up")),
        ("A red circle is in view on the left.", Claim("in view", "red", "circle")),
        ("a man rides a horse", None),
        ("", None),
    ],
)
def test_other_words(caption: str, claim: Claim | None) -> None:
    assert claim_of(caption) == claim


def test_articles() -> None:
    assert (a("orange circle"), a("red circle")) == ("An orange circle", "A red circle")


@pytest.mark.parametrize(
    ("cx", "place"), [(0, "left"), (0.33, "left"), (0.34, "middle"), (0.67, "right"), (1, "right")]
)
def test_thirds(cx: float, place: str) -> None:
    assert place_of(cx) == place
