"""What changed between the first and the last frame of a few, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from pipeline.engines.embedded.motion import STILL, Velocity, direction_words
from pipeline.engines.embedded.observe import THUMB, Observation
from pipeline.engines.embedded.phrases import a, place_words
from pipeline.engines.embedded.tracks import Film, Sighting, film_of, is_cut, picture_change

BRIGHTER = 0.08
CHANGED = 0.05
MOST_SEEN = 240
"""Characters that the schemas of answers leave for what is seen."""
NOTHING = "There is nothing to see."


def change_of(observations: Sequence[Observation]) -> str:
    """The most significant change from the first frame to the last; empty where there is none.

    A cut comes before what appears or disappears, then what turns another colour, then what moves.
    What comes and goes in between is no change from the first to the last.
    """
    if not observations:
        return ""
    first, last = observations[0], observations[-1]
    if is_cut(first, last):
        scene = a(f"{last.background} background").lower() if last.plain else "another picture"
        return f"The scene cuts to {scene}."
    if first.plain and last.plain:
        return next(_shape_changes(film_of((0.0, 1.0), (first, last))), "")
    return _picture_change(first, last)


def looks(shown: Sequence[Observation]) -> str:
    """What the frames show, at their beginning and at their end."""
    ends = (*shown[:1], *shown[1:][-1:])
    return (" ".join(map(describe, ends)) or NOTHING)[:MOST_SEEN]


def describe(seen: Observation) -> str:
    """What one frame shows, in a sentence."""
    things = [a(f"{b.colour} {b.shape}").lower() for b in seen.blobs if b.shape != "region"]
    light = "bright" if seen.brightness > 0.66 else "dark" if seen.brightness < 0.33 else "grey"
    if not seen.plain or not things:
        tone = "" if light == "grey" else f" and {light}"
        return f"The picture is mostly {seen.background}{tone}."
    listed = ", ".join(things[:-1]) + (" and " if len(things) > 1 else "") + things[-1]
    return f"{listed[0].upper()}{listed[1:]} on a {seen.background} background."


def _shape_changes(film: Film) -> Iterator[str]:
    pairs = [(track.shape, track.at(0), track.at(1)) for track in film.shapes]
    for shape, before, after in pairs:
        if before is None and after is not None:
            yield f"{a(f'{after.colour} {shape}')} appears {place_words(after.blob.cx)}."
    for shape, before, after in pairs:
        if before is not None and after is None:
            yield f"The {before.colour} {shape} disappears."
    both = [(shape, p, q) for shape, p, q in pairs if p is not None and q is not None]
    for shape, p, q in both:
        if p.colour != q.colour:
            yield f"The {shape} turns from {p.colour} to {q.colour}."
    for shape, p, q in sorted(both, key=lambda pair: -_way(pair[1], pair[2]).speed):
        clear = "region" not in (p.blob.shape, q.blob.shape)
        if clear and _way(p, q).speed > STILL:
            yield f"The {p.colour} {shape} moves {direction_words(_way(p, q))}."


def _way(p: Sighting, q: Sighting) -> Velocity:
    return Velocity(q.x - p.x, q.y - p.y)


def _picture_change(before: Observation, after: Observation) -> str:
    brighter = after.brightness - before.brightness
    if abs(brighter) > BRIGHTER:
        return f"The picture becomes {'brighter' if brighter > 0 else 'darker'}."
    if picture_change(before, after) <= CHANGED:
        return ""
    old, new = _grey(before), _grey(after)
    (right, down), sure = cv2.phaseCorrelate(old, new, cv2.createHanningWindow(THUMB, cv2.CV_32F))
    if sure > 0.5 and max(abs(right), abs(down)) >= 1:
        # What is seen goes the other way than the camera that sees it.
        return f"The view moves {direction_words(Velocity(-right, -down))}."
    change = np.abs(new - old).sum(0)
    centre = float((change * (np.arange(THUMB[0]) + 0.5)).sum() / change.sum()) / THUMB[0]
    return f"Something moves {place_words(centre)}."


def _grey(seen: Observation) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    wide, high = THUMB
    return np.frombuffer(seen.thumb, np.uint8).reshape(high, wide).astype(np.float32)
