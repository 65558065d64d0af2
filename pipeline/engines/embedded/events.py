"""Events of a film: what holds for a while, and where in a film a caption holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from pipeline.engines.embedded.colour import NAMES
from pipeline.engines.embedded.motion import motions_of
from pipeline.engines.embedded.phrases import Claim, claim_of
from pipeline.engines.embedded.tracks import Film, Track

Span = tuple[float, float]
LEAST_ACTION_S = 2.0
LEAST_SCENE_S = 2.0


def events_of(film: Film, focus: str, duration_s: float, most: int) -> list[tuple[Span, str]]:
    """Spans and captions, in order of time; the longest where there are more than ``most``.

    A film in which nothing comes or goes is one event: the look that it has for longest.
    """
    if film.plain:
        found = _plain_events(film, duration_s) if focus == "event" else _actions(film, duration_s)
    else:
        found = _picture_events(film, focus, duration_s)
    if not found and focus == "event":
        looks = [Claim("background" if film.plain else "mostly", name) for name in NAMES]
        spans = [(span, c.sentence) for c in looks for span in _spans(film, c, duration_s)]
        found = _longest(spans, 1)
    return sorted(_longest(found, most))


def _longest(found: Iterable[tuple[Span, str]], most: int) -> list[tuple[Span, str]]:
    """The longest first, each once."""
    return sorted(set(found), key=lambda e: (e[0][0] - e[0][1], e))[:most]


def locate(film: Film, caption: str, duration_s: float) -> Span | None:
    """The longest span in which a caption holds; None where it never does or is not understood."""
    claim = claim_of(caption)
    spans = _spans(film, claim, duration_s) if claim else []
    return max(spans, key=lambda s: (s[1] - s[0], -s[0])) if spans else None


def _plain_events(film: Film, duration_s: float) -> list[tuple[Span, str]]:
    found: list[tuple[Span, str]] = []
    for track in film.shapes:
        span = film.span_of(track, duration_s)
        if span != (0.0, duration_s) and span[1] > span[0]:
            found.append((span, Claim("in view", _steady_colour(track), track.shape).sentence))
    if film.cuts:
        starts = [0, *film.cuts]
        borders = [*(film.before(index) for index in starts), duration_s]
        for index, span in zip(starts, pairwise(borders), strict=True):
            if span[1] > span[0]:
                colour = film.observations[index].background
                found.append((span, Claim("background", colour).sentence))
    return found


def _actions(film: Film, duration_s: float) -> list[tuple[Span, str]]:
    return [
        (
            (motion.start_s, motion.end_s),
            Claim("moves", motion.colour, motion.track.shape, motion.direction).sentence,
        )
        for motion in motions_of(film, duration_s)
        # The ends of a motion are estimates; one of just the least length is not to be lost.
        if motion.end_s - motion.start_s > LEAST_ACTION_S - 0.1
    ]


def _picture_events(film: Film, focus: str, duration_s: float) -> list[tuple[Span, str]]:
    if focus == "event":
        claims = [Claim("mostly", name) for name in NAMES]
    else:
        claims = [Claim("something moves")]
    return [
        (span, claim.sentence)
        for claim in claims
        for span in _spans(film, claim, duration_s)
        if span[1] - span[0] >= LEAST_SCENE_S and span != (0.0, duration_s)
    ]


def _spans(film: Film, claim: Claim, duration_s: float) -> list[Span]:
    """Every span in which the frames show what is claimed, in order."""
    if claim.kind == "moves":
        return [
            (motion.start_s, motion.end_s)
            for motion in motions_of(film, duration_s)
            if motion.track.shape == claim.shape
            and claim.colour in ("", motion.colour)
            and claim.direction in ("", motion.direction)
        ]

    def shape_in_view(index: int) -> bool:
        sightings = [t.at(index) for t in film.shapes if t.shape == claim.shape]
        return any(s is not None and claim.colour in ("", s.colour) for s in sightings)

    holds: dict[str, Callable[[int], bool]] = {
        "in view": shape_in_view,
        "background": lambda index: film.observations[index].background == claim.colour,
        "mostly": lambda index: film.observations[index].main_colour == claim.colour,
        "something moves": film.stirs,
    }
    return film.stretches(holds[claim.kind], duration_s)


def _steady_colour(track: Track) -> str:
    """The colour of a thing that keeps one, else nothing."""
    colours = {sighting.colour for sighting in track.sightings}
    return colours.pop() if len(colours) == 1 else ""
