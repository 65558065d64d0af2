"""Scripts of scenes: values that define what is on screen at every time.

Shapes of one colour each stand or move on a plain background. Times are seconds from the first
frame; a state lasts until the next. Positions are pixels of the centre, from the top left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf
from typing import Literal, TypeVar

Shape = Literal["circle", "square", "triangle"]
Texture = Literal["plain", "gradient", "noise"]
Codec = Literal["libx264", "mpeg4"]
Colour = Literal[
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "black",
    "white",
    "grey",
    "cyan",
]
State = TypeVar("State")

RGB: dict[Colour, tuple[int, int, int]] = {
    "red": (215, 35, 35),
    "orange": (245, 140, 25),
    "yellow": (245, 225, 50),
    "green": (35, 150, 60),
    "blue": (35, 75, 210),
    "purple": (130, 50, 175),
    "pink": (250, 150, 195),
    "brown": (120, 72, 38),
    "black": (20, 20, 20),
    "white": (240, 240, 240),
    "grey": (130, 130, 130),
    "cyan": (60, 205, 225),
}

WIDTH = 384
HEIGHT = 216


@dataclass(frozen=True)
class Move:
    """A motion at constant velocity during ``[start_s, end_s)``, from where the actor stands."""

    start_s: float
    end_s: float
    to: tuple[float, float]


@dataclass(frozen=True)
class Actor:
    """One shape. ``radius`` is half its width and half its height, in pixels."""

    shape: Shape
    radius: int
    start: tuple[float, float]
    colours: tuple[tuple[float, Colour], ...]
    moves: tuple[Move, ...] = ()
    visible: tuple[tuple[float, float], ...] = ((0.0, inf),)
    """Half-open spans; one that lasts to the end of the video ends at infinity."""

    def colour(self, time_s: float) -> Colour:
        """The colour at a time, whether or not the actor is in view."""
        return state_at(self.colours, time_s)

    def in_view(self, time_s: float) -> bool:
        """Whether the actor is on screen at a time."""
        return any(start <= time_s < end for start, end in self.visible)

    def moving(self, time_s: float) -> bool:
        """Whether the actor is in motion at a time."""
        return any(move.start_s <= time_s < move.end_s for move in self.moves)

    def legs(self) -> list[tuple[tuple[float, float], Move]]:
        """Each motion with its start position, in order of time."""
        starts = [self.start, *(move.to for move in self.moves)]
        return list(zip(starts, self.moves, strict=False))

    def place(self, time_s: float) -> tuple[float, float]:
        """The centre at a time, in pixels."""
        x, y = self.start
        for (from_x, from_y), move in self.legs():
            if time_s < move.start_s:
                break
            share = min(1.0, (time_s - move.start_s) / (move.end_s - move.start_s))
            x = from_x + share * (move.to[0] - from_x)
            y = from_y + share * (move.to[1] - from_y)
        return x, y


@dataclass(frozen=True)
class Scene:
    """The script of one video.

    ``rates`` are start times with frames a second: one for a constant rate. A rate applies to whole
    frames, so the next one starts at the end of the frame that reaches its time.
    """

    name: str
    rates: tuple[tuple[float, Fraction], ...]
    length_s: float
    """The least duration; the video ends with the frame that reaches it."""
    backgrounds: tuple[tuple[float, Colour], ...]
    actors: tuple[Actor, ...]
    texture: Texture = "plain"
    codec: Codec = "libx264"

    def frame_runs(self) -> list[tuple[Fraction, Fraction, int]]:
        """For each rate: the time of its first frame, frames a second, number of frames."""
        runs: list[tuple[Fraction, Fraction, int]] = []
        start_s = Fraction(0)
        stops = [*(time_s for time_s, _ in self.rates[1:]), self.length_s]
        for (_, rate), stop_s in zip(self.rates, stops, strict=True):
            frames = ceil((Fraction(str(stop_s)) - start_s) * rate)
            runs.append((start_s, rate, frames))
            start_s += frames / rate
        return runs

    def frame_times(self) -> list[float]:
        """Presentation times of all frames, in seconds."""
        return [
            float(start + n / rate)
            for start, rate, count in self.frame_runs()
            for n in range(count)
        ]

    def duration_s(self) -> float:
        """The end of the last frame."""
        start, rate, count = self.frame_runs()[-1]
        return float(start + count / rate)

    def background(self, time_s: float) -> Colour:
        """The colour of the background at a time."""
        return state_at(self.backgrounds, time_s)


def state_at(states: Sequence[tuple[float, State]], time_s: float) -> State:
    """The last state that starts at or before a time; ``states`` are in order, the first at 0."""
    return [state for start_s, state in states if start_s <= time_s][-1]
