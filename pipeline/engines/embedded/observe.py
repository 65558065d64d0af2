"""Pixels to facts: the background of a frame, the coloured things on it, and a small picture of it.

The background is a smooth surface of colour, so that a gradient is one background. What stands out
from it is split into pieces of one colour each, and each piece is called by its outline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.engines.embedded.colour import NAMES, Floats, Lab, distance, lab_of, name_of, nearest

Shape = Literal["circle", "square", "triangle", "region"]
Mask = npt.NDArray[np.uint8]

LONGEST_PX = 448
MOST_BLOBS = 8
LEAST_AREA = 0.003
STANDS_OUT = 10.0
"""Least difference of colour between a thing and the background behind it."""
ONE_COLOUR = 16.0
"""Greatest difference between the pixels of a piece of one colour."""
THUMB = (32, 18)


class BadFrameError(ValueError):
    """Bytes that are no picture."""


@dataclass(frozen=True)
class Blob:
    """A thing of one colour. Places are shares of the width and height, from the top left."""

    colour: str
    lab: Lab
    shape: Shape
    """``region`` for any other outline, and for what the edge of the picture cuts off."""
    cx: float
    cy: float
    area: float
    """Share of the picture."""
    left: float
    top: float
    right: float
    bottom: float

    @property
    def cut_off(self) -> bool:
        """Whether it touches the edge of the picture, so that part of it may be out of view."""
        return min(self.left, self.top) <= 0.0 or max(self.right, self.bottom) >= 1.0


@dataclass(frozen=True)
class Observation:
    """What one frame shows."""

    background: str
    background_lab: Lab
    texture: float
    """Typical difference of colour between the picture and its background; small when plain."""
    brightness: float
    """0 is black, 1 is white."""
    aspect: float
    """Width over height."""
    blobs: tuple[Blob, ...]
    """Largest first, at most eight."""
    shares: tuple[float, ...]
    """How much of the picture has each colour of ``NAMES``."""
    thumb: bytes
    """Grey, 32 wide and 18 high, row by row."""

    @property
    def main_colour(self) -> str:
        """The colour that covers most of the picture."""
        return NAMES[self.shares.index(max(self.shares))]

    @property
    def plain(self) -> bool:
        """Whether things stand on a plain background, so that outlines mean something."""
        regions = sum(blob.shape == "region" for blob in self.blobs)
        return self.texture < 5.0 and 2 * regions <= len(self.blobs)


def observe(jpeg: bytes) -> Observation:
    """What an encoded picture shows. The same bytes give the same observation.

    Raises:
        BadFrameError: the bytes are no picture.
    """
    image = _decode(jpeg)
    height, width = image.shape[:2]
    lab = lab_of(cv2.medianBlur(image, 5))
    surface, texture = _background(lab)
    away = distance(lab, surface)
    limit = max(STANDS_OUT, 5 * texture)
    small = np.ascontiguousarray(lab[2::4, 2::4]).reshape(-1, 3)
    behind = small[away[2::4, 2::4].reshape(-1) <= limit]
    background_lab = _median(behind if len(behind) else small)
    counts = np.bincount(nearest(small), minlength=len(NAMES))
    thumb = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), THUMB, interpolation=cv2.INTER_AREA)
    return Observation(
        background=name_of(background_lab),
        background_lab=background_lab,
        texture=round(texture, 3),
        brightness=round(float(small[:, 0].mean()) / 100, 4),
        aspect=width / height,
        blobs=_blobs(lab, away, limit),
        shares=tuple(round(float(c) / len(small), 4) for c in counts),
        thumb=thumb.tobytes(),
    )


def _decode(jpeg: bytes) -> npt.NDArray[np.uint8]:
    image: Any = None
    if jpeg:
        try:
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error as error:
            raise BadFrameError(str(error)) from error
    if image is None or min(image.shape[:2]) < 8:
        raise BadFrameError(f"{len(jpeg)} bytes that do not decode to a picture")
    scale = LONGEST_PX / max(image.shape[:2])
    if scale < 1:
        size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cast(npt.NDArray[np.uint8], image)


@lru_cache(maxsize=8)
def _surface_terms(height: int, width: int) -> Floats:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2)
    terms.setflags(write=False)
    return terms


def _background(lab: Floats) -> tuple[Floats, float]:
    """A smooth surface through most of the picture, and the typical distance from it.

    Things on the background are outliers: each round gives pixels that lie far off less weight.
    """
    terms = _surface_terms(*lab.shape[:2])
    step = max(1, min(8, min(lab.shape[:2]) // 12))
    grid = slice(step // 2, None, step)
    some, values = terms[grid, grid].reshape(-1, 6), lab[grid, grid].reshape(-1, 3)
    rim = np.abs(some[:, 1:3]).max(1)
    weight = np.where(rim > 0.8, 1.0, 0.2).astype(np.float32)
    fit = np.zeros((6, 3), np.float32)
    for number in range(9):
        used = 3 if number < 2 else 6
        weighted = some[:, :used] * weight[:, None]
        gram = weighted.T @ some[:, :used] + np.eye(used, dtype=np.float32) * np.float32(1e-3)
        fit[:used] = np.linalg.solve(gram, weighted.T @ values)
        off = distance(values, some @ fit)
        scale = max(1.0, 1.5 * float(np.median(off)))
        weight = (1 / (1 + (off / scale) ** 2) ** 2).astype(np.float32)
    return terms @ fit, float(np.median(off))


def _blobs(lab: Floats, away: Floats, limit: float) -> tuple[Blob, ...]:
    mask = _opened(away > limit, 3)
    least = LEAST_AREA * mask.size
    found = [
        blob
        for top, left, part in _components(mask, least, MOST_BLOBS)
        for blob in _pieces(lab, away, (top, left), part)
    ]
    found.sort(key=lambda b: (-b.area, b.cx, b.cy, b.colour))
    return tuple(found[:MOST_BLOBS])


def _components(mask: Mask, least: float, most: int) -> Iterator[tuple[int, int, Mask]]:
    """The connected parts of at least so many pixels, largest first, with the top and left."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    order = sorted(range(1, count), key=lambda n: (-int(stats[n, cv2.CC_STAT_AREA]), n))
    for number in order[:most]:
        left, top, width, height, area = (int(v) for v in stats[number])
        if area < least:
            return
        box = labels[top : top + height, left : left + width]
        yield top, left, (box == number).astype(np.uint8)


def _pieces(lab: Floats, away: Floats, corner: tuple[int, int], part: Mask) -> Iterator[Blob]:
    """The part as one blob, or as a blob for each of the colours that touch in it."""
    least = LEAST_AREA * away.size
    top, left = corner
    height, width = part.shape
    colours = lab[top : top + height, left : left + width]
    behind = away[top : top + height, left : left + width]
    rest = part
    for _ in range(4):
        centre = _commonest(colours[rest > 0])
        off = distance(colours, np.array(centre, np.float32))
        near = off < ONE_COLOUR
        # Colour is stored coarsely in a JPEG, so that a blend can be some pixels wide.
        beyond = _opened((rest > 0) & ~near, 7)
        alone = not any(True for _ in _components(beyond, least, 1))
        # The rim is a blend of two colours: half of it belongs to the piece.
        within = (rest > 0) & (off < behind) if alone else (rest > 0) & near
        for dy, dx, solid in _components(_opened(within, 3), least, 1 if alone else 3):
            tall, wide = solid.shape
            even = near[dy : dy + tall, dx : dx + wide]
            yield _blob(lab, solid, even, top + dy, left + dx)
        if alone:
            return
        rest = beyond


def _blob(lab: Floats, solid: Mask, near: npt.NDArray[np.bool_], top: int, left: int) -> Blob:
    tall, wide = lab.shape[:2]
    height, width = solid.shape
    inner = cv2.erode(solid, np.ones((5, 5), np.uint8), borderValue=0) > 0
    core = inner if inner.any() else solid > 0
    colour = _median(lab[top : top + height, left : left + width][core])
    rows, columns = np.nonzero(solid)
    box = (
        0.0 if left <= 1 else round(left / wide, 5),
        0.0 if top <= 1 else round(top / tall, 5),
        1.0 if left + width >= wide - 1 else round((left + width) / wide, 5),
        1.0 if top + height >= tall - 1 else round((top + height) / tall, 5),
    )
    whole = min(box[:2]) > 0 and max(box[2:]) < 1
    return Blob(
        colour=name_of(colour),
        lab=colour,
        shape=_outline(solid) if whole and near[core].mean() > 0.8 else "region",
        cx=round((left + float(columns.mean()) + 0.5) / wide, 5),
        cy=round((top + float(rows.mean()) + 0.5) / tall, 5),
        area=round(rows.size / (tall * wide), 6),
        left=box[0],
        top=box[1],
        right=box[2],
        bottom=box[3],
    )


def _outline(solid: Mask) -> Shape:
    """Which figure the piece fills best, where it fills it well."""
    padded = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    contours, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contour = max(contours, key=cv2.contourArea)
    area = float(solid.sum())
    _, radius = cv2.minEnclosingCircle(contour)
    _, (side, other), _ = cv2.minAreaRect(contour)
    corner, _ = cv2.minEnclosingTriangle(contour)
    # A contour runs through the centres of its pixels: the figure is half a pixel larger all round.
    figures: dict[Shape, float] = {
        "circle": np.pi * (radius + 0.5) ** 2,
        "square": (side + 1) * (other + 1),
        "triangle": corner + 1.7 * corner**0.5,
    }
    fill = {shape: area / max(figure, 1.0) for shape, figure in figures.items()}
    best = max(fill, key=lambda shape: fill[shape])
    long_and_thin = best == "square" and min(side, other) + 1 < 0.8 * (max(side, other) + 1)
    return "region" if fill[best] < 0.85 or long_and_thin else best


def _opened(mask: npt.NDArray[np.bool_], size: int) -> Mask:
    kernel = np.ones((size, size), np.uint8)
    return cast(Mask, cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel))


def _commonest(colours: Floats) -> Lab:
    bins = np.floor(colours / 8).astype(np.int64) + 32
    keys = bins[:, 0] * 4096 + bins[:, 1] * 64 + bins[:, 2]
    counts = np.bincount(keys)
    first = colours[keys == int(counts.argmax())].mean(0)
    return _median(colours[distance(colours, first) < ONE_COLOUR])


def _median(colours: Floats) -> Lab:
    lightness, red, yellow = np.median(colours, axis=0)
    return (round(float(lightness), 2), round(float(red), 2), round(float(yellow), 2))
