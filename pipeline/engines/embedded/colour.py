"""Plain names of colours, and how far apart two colours look."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Lab = tuple[float, float, float]
"""Lightness 0..100, then green to red and blue to yellow, about -100..100."""
Floats = npt.NDArray[np.float32]

COLOURS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "red": ((255, 0, 0), (220, 30, 30), (170, 20, 25), (235, 70, 70)),
    "orange": ((255, 165, 0), (255, 140, 0), (240, 125, 30), (230, 105, 20)),
    "yellow": ((255, 255, 0), (240, 220, 40), (255, 215, 0), (245, 235, 130), (210, 190, 30)),
    "green": ((0, 255, 0), (0, 128, 0), (40, 170, 70), (30, 90, 40), (130, 200, 90), (85, 110, 50)),
    "blue": ((0, 0, 255), (30, 80, 220), (20, 40, 120), (90, 140, 235), (150, 190, 240)),
    "purple": ((128, 0, 128), (130, 50, 180), (90, 30, 130), (160, 90, 210), (190, 140, 225)),
    "pink": ((255, 105, 180), (255, 182, 193), (255, 20, 147), (240, 130, 170), (255, 0, 255)),
    "brown": ((139, 69, 19), (120, 70, 40), (90, 55, 30), (160, 100, 60), (60, 40, 25)),
    "black": ((0, 0, 0), (25, 25, 25), (20, 22, 32)),
    "white": ((255, 255, 255), (235, 235, 235), (245, 240, 230)),
    "grey": ((128, 128, 128), (60, 60, 60), (95, 95, 95), (165, 165, 165), (195, 195, 195)),
    "cyan": ((0, 255, 255), (0, 200, 215), (0, 165, 175), (64, 224, 208), (150, 235, 240)),
}
"""Examples of each colour, in red, green, blue of 0..255."""
NAMES = tuple(COLOURS)


def lab_of(image: Any) -> Floats:
    """A blue-green-red image, ``[..., 3]`` of 0..255, as Lab."""
    scaled = image.astype(np.float32) / np.float32(255)
    lab: Floats = cv2.cvtColor(scaled, cv2.COLOR_BGR2LAB)
    return lab


def nearest(lab: Any) -> npt.NDArray[np.intp]:
    """For each Lab colour of ``[n, 3]`` the index in ``NAMES`` of the colour it is most like."""
    examples, owners = _examples()
    values = np.asarray(lab, np.float32)
    # The square of a distance, less the part that all examples share.
    order = (examples**2).sum(1) - 2 * (values @ examples.T)
    nearest_owners: npt.NDArray[np.intp] = owners[order.argmin(1)]
    return nearest_owners


def name_of(lab: Lab) -> str:
    """The plain name of a colour."""
    return NAMES[int(nearest([lab])[0])]


def difference(a: Lab, b: Lab) -> float:
    """How far apart two colours look: about 2 is just visible, 100 is black against white."""
    return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5)


def distance(a: Floats, b: Floats) -> Floats:
    """How far apart the colours of two arrays ``[..., 3]`` look, pixel by pixel."""
    off = a - b
    off *= off
    total: Floats = np.sqrt(off[..., 0] + off[..., 1] + off[..., 2])
    return total


@cache
def _examples() -> tuple[Floats, npt.NDArray[np.intp]]:
    rgb = [example for examples in COLOURS.values() for example in examples]
    owners = [NAMES.index(name) for name, examples in COLOURS.items() for _ in examples]
    image = np.array([rgb], np.uint8)[:, :, ::-1]
    return lab_of(image)[0], np.array(owners, np.intp)
