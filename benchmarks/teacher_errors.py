"""What a teacher says of a scene whose script it knows, spoilt on purpose at set rates.

Pure: the same settings, scene and ask give the same answer, so what a writer said is known to the
checker that is to believe it, and to who counts afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from random import Random
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from benchmarks.many_scenes import COLOURS, truth_about
from pipeline.engines.embedded.questions import VALUES
from pipeline.media.scenes.truth import GONE, TrueTrack
from pipeline.records.spans import TimeSpan, iou

RIGHT = "right"
SPANS = ("moved", "stretched", "invented", "misdescribed")
"""Errors of a captioned event: another span, of a true IoU below 0.3, or a span that is too long or
too short for that; an event that is not there; a true span whose caption says another colour."""
TIMES = ("wrong value", "early", "late")
"""Errors of what changes: from one moment on, another value; a moment 2 to 6 s from its own."""
SLIGHT = "slight"
"""A span of a true IoU from 0.3 to 0.95, or a moment less than 2 s from its own: the curve."""
FOREIGN = "foreign"
"""Said in another language."""
MOVED_IOU = 0.3
MOST_SHIFT_S = 6.0
LEAST_SHIFT_S = 2.0
FRAME_S = 1.0
"""A frame a second is shown."""

Family = Literal["event", "action"]


@dataclass(frozen=True)
class Errors:
    """How often a teacher errs, and how. Written as a query, it is the name of a model."""

    seed: int = 0
    """Of the scenes and of all draws."""
    spoilt: float = 0.0
    """Share of a writer's items, divided evenly among the kinds of error."""
    slight: float = 0.0
    """Share of a writer's items that are shifted a little."""
    checker: float = 0.0
    """Share of a checker's answers that are wrong."""
    alike: float = 0.0
    """Share of the asks of a checker whose samples all make the same error, or none."""
    follows: float = 0.0
    """Share of the items of which a checker believes what the writer said: its correlation."""
    broken: float = 0.0
    """Share of the tries whose JSON is broken."""
    left_out: float = 0.0
    """Share of the captions that an answer about several of them leaves out."""
    exchanged: float = 0.0
    """Share of such answers that have the spans of two captions the wrong way round."""
    foreign: float = 0.0
    """Share of a captioner's answers that are in ``language``."""
    reworded: float = 0.0
    """Share of the captions whose rewording by the editor is in ``language``."""
    language: str = "zh"
    jitter_s: float = 0.5
    """How far the ends of a right span may be off: between two frames nobody sees more."""

    @classmethod
    def named(cls, model: str) -> Errors:
        """The settings that a model's name says."""
        kinds = {field.name: field.type for field in fields(cls)}
        types = {"int": int, "float": float, "str": str}
        given = dict(parse_qsl(model))
        return cls(**{name: types[str(kinds[name])](text) for name, text in given.items()})

    @property
    def name(self) -> str:
        """As the name of a model."""
        usual = asdict(Errors())
        return urlencode({k: v for k, v in asdict(self).items() if v != usual[k] or k == "seed"})

    def draw(self, *name: object) -> Random:
        """Draws for something with a name."""
        return Random(f"{self.seed} {' '.join(map(str, name))}")

    def kind(self, draw: Random, kinds: Sequence[str]) -> str:
        """The kind of an item."""
        at = draw.random()
        if at < self.spoilt:
            return kinds[int(at / self.spoilt * len(kinds))]
        return SLIGHT if at < self.spoilt + self.slight else RIGHT


@dataclass(frozen=True)
class StatedEvent:
    """An event as a captioner tells it; times in seconds."""

    family: Family
    kind: str
    caption: str
    start_s: float
    end_s: float
    true_iou: float
    """Of its span with that of the true event with this caption, or that it was made from."""


@dataclass(frozen=True)
class StatedTrack:
    """What holds of a subject from each time in seconds on; empty while it is not in view."""

    aspect: str
    subject: str
    kind: str
    moments: tuple[tuple[float, str], ...]
    shift_s: float = 0.0
    """How far one of the moments is from its own time."""


@cache
def stated_events(scene: int, family: Family, errors: Errors) -> tuple[StatedEvent, ...]:
    """The events of a scene as the captioner tells them."""
    truth = truth_about(scene, errors.seed)
    return tuple(
        _spoilt(event.caption, (event.start_s, event.end_s), scene, family, errors)
        for event in truth.events
        if event.family == family
    )


def _spoilt(
    caption: str, span: TimeSpan, scene: int, family: Family, errors: Errors
) -> StatedEvent:
    draw = errors.draw("event", scene, caption)
    duration_s = truth_about(scene, errors.seed).duration_s
    kind = errors.kind(draw, SPANS)
    stated = jittered(span, duration_s, errors.jitter_s, draw)
    if kind in ("invented", "misdescribed"):
        caption = recoloured(caption, scene, errors.seed)
    if kind in ("moved", "invented"):
        stated = elsewhere(span, duration_s, draw)
    elif kind == "stretched":
        stated = stretched(span, duration_s, draw)
    elif kind == SLIGHT:
        stated = shifted(span, duration_s, draw.uniform(MOVED_IOU, 0.95))
    stated = round(stated[0], 2), round(stated[1], 2)
    return StatedEvent(family, kind, caption, *stated, true_iou=round(iou(stated, span), 3))


def recoloured(caption: str, scene: int, seed: int) -> str:
    """The caption with a colour that nothing of its scene has at any time, and no other caption
    that differs in its colour alone gets."""
    truth = truth_about(scene, seed)
    said = {word for event in truth.events for word in event.caption.split()}
    held = {v.value for track in truth.tracks for v in track.values} | said
    free = [colour for colour in COLOURS if colour not in held]
    alike = [e.caption for e in truth.events if _colourless(e.caption) == _colourless(caption)]
    new = free[alike.index(caption) % len(free)]
    return " ".join(new if word in COLOURS else word for word in caption.split())


def _colourless(caption: str) -> list[str]:
    return [word for word in caption.split() if word not in COLOURS]


def jittered(span: TimeSpan, duration_s: float, most_s: float, draw: Random) -> TimeSpan:
    """A right span, whose ends are as far off as frames are apart."""
    start_s, end_s = (time_s + draw.uniform(-most_s, most_s) for time_s in span)
    return max(0.0, start_s), min(duration_s, end_s)


def elsewhere(span: TimeSpan, duration_s: float, draw: Random) -> TimeSpan:
    """A span of a second at least that has an IoU below 0.3 with this one."""
    while True:
        start_s, length_s = draw.uniform(0, duration_s - 2), draw.uniform(2, duration_s / 2)
        found = start_s, min(duration_s, start_s + length_s)
        if iou(found, span) < MOVED_IOU:
            return found


def stretched(span: TimeSpan, duration_s: float, draw: Random) -> TimeSpan:
    """A longer span around this one, or where the video is too short for it a part of it."""
    start_s, end_s = span
    length_s, share = end_s - start_s, draw.uniform(0.1, MOVED_IOU - 0.01)
    if length_s / share > duration_s:
        at_s = start_s + draw.uniform(0, 1 - share) * length_s
        return at_s, at_s + share * length_s
    least_s = max(0.0, end_s - length_s / share)
    most_s = min(start_s, duration_s - length_s / share)
    from_s = draw.uniform(least_s, most_s)
    return from_s, from_s + length_s / share


def shifted(span: TimeSpan, duration_s: float, to_iou: float) -> TimeSpan:
    """The span moved until its IoU is this one, or shortened where the video is too short."""
    start_s, end_s = span
    by_s = (end_s - start_s) * (1 - to_iou) / (1 + to_iou)
    if end_s + by_s <= duration_s:
        return start_s + by_s, end_s + by_s
    if start_s >= by_s:
        return start_s - by_s, end_s - by_s
    return start_s, start_s + (end_s - start_s) * to_iou


@cache
def stated_tracks(scene: int, errors: Errors) -> tuple[StatedTrack, ...]:
    """What changes in a scene, as the change detector tells it."""
    truth = truth_about(scene, errors.seed)
    changing = [track for track in truth.tracks if len(_held(track)) > 1]
    return tuple(_stated_track(track, scene, errors) for track in changing)


def moments_of(track: TrueTrack) -> list[tuple[float, str]]:
    """The true moments."""
    return [(v.time_s, "" if v.value == GONE else v.value) for v in track.values]


def _held(track: TrueTrack) -> set[str]:
    return {value for _, value in moments_of(track) if value}


def _stated_track(track: TrueTrack, scene: int, errors: Errors) -> StatedTrack:
    draw = errors.draw("track", scene, track.aspect, track.subject)
    kind = errors.kind(draw, TIMES)
    moments, shift_s = moments_of(track), 0.0
    duration_s = truth_about(scene, errors.seed).duration_s
    spoilt: list[tuple[float, str]] | None = moments
    if kind == "wrong value":
        spoilt = _revalued(moments, track.aspect, draw)
    elif kind in ("early", "late", SLIGHT):
        way = {"early": -1, "late": 1}.get(kind) or draw.choice((-1, 1))
        least_s, most_s = LEAST_SHIFT_S, MOST_SHIFT_S
        if kind == SLIGHT:
            least_s, most_s = 0.2, LEAST_SHIFT_S
        spoilt, shift_s = _retimed(moments, duration_s, (way * least_s, way * most_s), draw)
    if spoilt is None:
        kind, spoilt = RIGHT, moments
    return StatedTrack(track.aspect, track.subject, kind, tuple(spoilt), shift_s)


def _revalued(
    moments: list[tuple[float, str]], aspect: str, draw: Random
) -> list[tuple[float, str]] | None:
    """One of the values exchanged for another; None where no other can stand there."""
    places = [k for k, (_, value) in enumerate(moments) if value]
    draw.shuffle(places)
    for k in places:
        taken = {value for _, value in moments[max(0, k - 1) : k + 2]}
        if free := [value for value in VALUES[aspect] if value not in taken]:
            return [*moments[:k], (moments[k][0], draw.choice(free)), *moments[k + 1 :]]
    return None


def _retimed(
    moments: list[tuple[float, str]], duration_s: float, by_s: tuple[float, float], draw: Random
) -> tuple[list[tuple[float, str]] | None, float]:
    """One of the moments from which on something holds moved by as much as fits."""
    places = [k for k, (_, value) in enumerate(moments) if value and k > 0]
    draw.shuffle(places)
    for k in places:
        time_s, value = moments[k]
        after_s = moments[k + 1][0] if k + 1 < len(moments) else duration_s
        room_s = time_s - moments[k - 1][0] if by_s[0] < 0 else after_s - time_s
        most_s = min(abs(by_s[1]), room_s - FRAME_S)
        if most_s >= abs(by_s[0]):
            shift_s = draw.uniform(abs(by_s[0]), most_s) * (1 if by_s[0] > 0 else -1)
            moved = round(time_s + shift_s, 1), value
            return [*moments[:k], moved, *moments[k + 1 :]], round(shift_s, 2)
    return None, 0.0


def answers_at(moments: Sequence[tuple[float, str]], time_s: float) -> str:
    """What holds at a time; empty while it is not in view."""
    return next((value for from_s, value in reversed(moments) if from_s <= time_s), "")


def all_stated(scene: int, errors: Errors) -> Iterator[StatedEvent]:
    """The events and actions of a scene as the captioner tells them."""
    yield from stated_events(scene, "event", errors)
    yield from stated_events(scene, "action", errors)
