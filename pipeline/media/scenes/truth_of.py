"""Derives from a script its video's ground truth (``truth.py``) and source annotations.

The truth is what runs are scored by. The source annotations are input: what a dataset would
provide for the video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from pipeline.media.scenes.script import RGB, WIDTH, Actor, Scene
from pipeline.media.scenes.truth import GONE, TrueChange, TrueEvent, TrueTrack, TrueValue, Truth
from pipeline.records import SourceAnnotation
from pipeline.records.digest import text_digest

RENDERING = 1
"""Raised when rendering changes what the same script looks like."""


def truth_of(scene: Scene) -> Truth:
    """The changes, events and answer tracks of the script."""
    return Truth(
        video_id=scene.name,
        duration_s=scene.duration_s(),
        script=text_digest(repr((RENDERING, sorted(RGB.items()), scene))),
        changes=sorted(_changes(scene), key=lambda change: change.time_s),
        events=sorted(_events(scene), key=lambda event: (event.start_s, event.end_s)),
        tracks=list(_tracks(scene)),
    )


def source_annotations_of(scene: Scene, number: int) -> list[SourceAnnotation]:
    """Questions and described spans, as people write them.

    ``number`` shifts the position of the right option.
    """
    return [*questions_of(scene, number), *described_spans(scene)]


def described_spans(scene: Scene) -> list[SourceAnnotation]:
    """Spans of less than the whole video, kind ``event``; kind ``step`` for motions where there are
    several, like the steps of a procedure.

    The wording differs from the embedded engine's, which does not know the word "slides".
    """
    spans = list(_described(scene))
    motions = sum(move for move, *_ in spans)
    return [
        SourceAnnotation(
            kind="step" if move and motions > 1 else "event",
            text=text,
            start_s=start_s,
            end_s=end_s,
            annotator="script",
            origin="human",
            pointer=f"scene_list.py#{scene.name}/{keys}",
        )
        for move, text, start_s, end_s, keys in spans
        if (start_s, end_s) != (0, scene.duration_s())
    ]


def _described(scene: Scene) -> Iterable[tuple[bool, str, float, float, str]]:
    """Whether it is a motion, its caption, start and end in seconds, and its path in the script."""
    ends = [*(time_s for time_s, _ in scene.backgrounds[1:]), scene.duration_s()]
    for n, ((start_s, colour), end_s) in enumerate(zip(scene.backgrounds, ends, strict=True)):
        yield False, f"All is set against a {colour} background", start_s, end_s, f"backgrounds/{n}"
    for k, actor in enumerate(scene.actors):
        for n, (start_s, end_s) in enumerate(_spans(actor, scene)):
            text = f"You can see a {actor.shape} that is {actor.colour(start_s)}"
            yield False, text, start_s, end_s, f"actors/{k}/visible/{n}"
        for n, (start, move) in enumerate(actor.legs()):
            who = f"{actor.colour(move.start_s)} {actor.shape}"
            text = f"The {who} slides {_direction(start, move.to)}"
            yield True, text, move.start_s, move.end_s, f"actors/{k}/moves/{n}"


def questions_of(scene: Scene, number: int) -> list[SourceAnnotation]:
    """Two questions about the whole video, with four options and the right answer.

    ``number`` shifts the position of the right option.
    """
    last_s = scene.frame_times()[-1]
    shapes = sum(actor.in_view(last_s) for actor in scene.actors)
    return [
        _how_many("How many times does the background change?", len(scene.backgrounds) - 1, number),
        _how_many("How many shapes are in view at the end of the video?", shapes, number + 1),
    ]


def _how_many(question: str, right: int, number: int) -> SourceAnnotation:
    least = max(0, right - number % 4)
    options = [str(least + n) for n in range(4)]
    return SourceAnnotation(
        kind="qa",
        text=str(right),
        question=question,
        options=options,
        annotator="script",
        origin="human",
    )


def _changes(scene: Scene) -> Iterable[TrueChange]:
    colours = [colour for _, colour in scene.backgrounds]
    for (time_s, colour), before in zip(scene.backgrounds[1:], colours, strict=False):
        text = f"The background changes from {before} to {colour}"
        yield TrueChange(time_s=time_s, kind="cut", text=text)
    for actor in scene.actors:
        for start_s, end_s in _spans(actor, scene):
            who = f"{actor.colour(start_s)} {actor.shape}"
            if start_s > 0:
                yield TrueChange(time_s=start_s, kind="enter", text=f"A {who} appears")
            if end_s < scene.duration_s():
                yield TrueChange(time_s=end_s, kind="leave", text=f"The {who} disappears")
        for (time_s, after), (_, last) in zip(actor.colours[1:], actor.colours, strict=False):
            text = f"The {actor.shape} turns from {last} to {after}"
            yield TrueChange(time_s=time_s, kind="colour", text=text)
        for start, move in actor.legs():
            who = f"{actor.colour(move.start_s)} {actor.shape}"
            text = f"The {who} starts to move {_direction(start, move.to)}"
            yield TrueChange(time_s=move.start_s, kind="move", text=text)


def _events(scene: Scene) -> Iterable[TrueEvent]:
    ends = [*(time_s for time_s, _ in scene.backgrounds[1:]), scene.duration_s()]
    for (start_s, colour), end_s in zip(scene.backgrounds, ends, strict=True):
        caption = f"The background is {colour}"
        yield TrueEvent(family="event", caption=caption, start_s=start_s, end_s=end_s)
    for actor in scene.actors:
        for start_s, end_s in _spans(actor, scene):
            if (start_s, end_s) != (0, scene.duration_s()):
                caption = f"A {actor.colour(start_s)} {actor.shape} is in view"
                yield TrueEvent(family="event", caption=caption, start_s=start_s, end_s=end_s)
        for start, move in actor.legs():
            who = f"{actor.colour(move.start_s)} {actor.shape}"
            yield TrueEvent(
                family="action",
                caption=f"A {who} moves {_direction(start, move.to)}",
                start_s=move.start_s,
                end_s=move.end_s,
            )


def _tracks(scene: Scene) -> Iterable[TrueTrack]:
    shapes = [actor.shape for actor in scene.actors]
    times = {0.0}
    times.update(time_s for time_s, _ in scene.backgrounds)
    for actor in scene.actors:
        times.update(time_s for span in actor.visible for time_s in span)
        times.update(time_s for time_s, _ in actor.colours)
        times.update(time_s for move in actor.moves for time_s in (move.start_s, move.end_s))
        times.update(_crossings(actor))
    instants = sorted(time_s for time_s in times if time_s < scene.duration_s())

    def values(value: Callable[[float], str]) -> list[TrueValue]:
        runs = groupby(instants, key=value)
        return [TrueValue(time_s=next(run), value=text) for text, run in runs]

    def count(time_s: float) -> str:
        return str(sum(actor.in_view(time_s) for actor in scene.actors))

    yield TrueTrack(aspect="count", subject="shapes", values=values(count))
    yield TrueTrack(aspect="scene", subject="background", values=values(scene.background))
    for actor in scene.actors:
        alone = shapes.count(actor.shape) == 1
        subject = actor.shape if alone else f"{actor.colour(0)} {actor.shape}"

        def colour(time_s: float, actor: Actor = actor) -> str:
            return actor.colour(time_s) if actor.in_view(time_s) else GONE

        def third(time_s: float, actor: Actor = actor) -> str:
            return _third(actor, time_s) if actor.in_view(time_s) else GONE

        def action(time_s: float, actor: Actor = actor) -> str:
            if not actor.in_view(time_s):
                return GONE
            return "moving" if actor.moving(time_s) else "still"

        if alone:
            yield TrueTrack(aspect="attribute", subject=subject, values=values(colour))
        yield TrueTrack(aspect="position", subject=subject, values=values(third))
        yield TrueTrack(aspect="action", subject=subject, values=values(action))


def _spans(actor: Actor, scene: Scene) -> list[tuple[float, float]]:
    return [(start_s, min(end_s, scene.duration_s())) for start_s, end_s in actor.visible]


def _direction(start: tuple[float, float], to: tuple[float, float]) -> str:
    across = "right" if to[0] > start[0] else "left" if to[0] < start[0] else ""
    along = "down" if to[1] > start[1] else "up" if to[1] < start[1] else ""
    return " and ".join(word for word in (along, across) if word)


def _crossings(actor: Actor) -> Iterable[float]:
    """When the centre crosses from one third of the frame to the next."""
    for (from_x, _), move in actor.legs():
        for edge in (WIDTH / 3, 2 * WIDTH / 3):
            if (from_x < edge) != (move.to[0] < edge):
                share = (edge - from_x) / (move.to[0] - from_x)
                yield move.start_s + share * (move.end_s - move.start_s)


def _third(actor: Actor, time_s: float) -> str:
    # A crossing found by division may be a rounding error before its edge.
    x = actor.place(time_s)[0]
    for (from_x, _), move in actor.legs():
        if move.start_s <= time_s < move.end_s:
            x += 1e-6 if move.to[0] > from_x else -1e-6
    return ("left", "middle", "right")[int(x * 3 // WIDTH)]
