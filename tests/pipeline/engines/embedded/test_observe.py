from __future__ import annotations

import itertools

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from pipeline.engines.embedded.colour import COLOURS, name_of
from pipeline.engines.embedded.observe import BadFrameError, observe

Picture = npt.NDArray[np.uint8]


def canvas(colour: str, noise: float = 0, ramp: float = 0) -> Picture:
    picture = np.zeros((216, 384, 3), np.float64)
    picture[:] = COLOURS[colour][0][::-1]
    picture += np.linspace(-ramp, ramp, 384)[None, :, None]
    picture += np.random.default_rng(0).normal(0, noise, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def put(picture: Picture, shape: str, colour: str, x: int, y: int, r: int = 24) -> Picture:
    ink = COLOURS[colour][0][::-1]
    if shape == "circle":
        cv2.circle(picture, (x, y), r, ink, cv2.FILLED, cv2.LINE_AA)
    elif shape == "square":
        cv2.rectangle(picture, (x - r, y - r), (x + r, y + r), ink, cv2.FILLED)
    else:
        corners = np.array([(x, y - r), (x + r, y + r), (x - r, y + r)], np.int32)
        cv2.fillConvexPoly(picture, corners, ink, cv2.LINE_AA)
    return picture


def jpeg(picture: Picture) -> bytes:
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


@pytest.mark.parametrize(("noise", "ramp"), [(0, 0), (6, 0), (0, 30), (4, 20)])
@pytest.mark.parametrize("shape", ["circle", "square", "triangle"])
def test_each_shape_in_each_colour_on_other_colours(shape: str, noise: float, ramp: float) -> None:
    for number, colour in enumerate(COLOURS):
        behind = list(COLOURS)[(number + 5) % len(COLOURS)]
        seen = observe(jpeg(put(canvas(behind, noise, ramp), shape, colour, 120, 90)))
        assert seen.background == behind
        assert seen.plain
        (blob,) = seen.blobs
        assert (blob.colour, blob.shape) == (colour, shape)
        assert blob.left < 120 / 384 < blob.right
        assert blob.cx == pytest.approx(120.5 / 384, abs=0.004)


@pytest.mark.parametrize("radius", [14, 20, 34])
def test_sizes(radius: int) -> None:
    picture = canvas("white")
    for shape, x in zip(("circle", "square", "triangle"), (70, 190, 310), strict=True):
        put(picture, shape, "blue", x, 100, radius)
    blobs = sorted(observe(jpeg(picture)).blobs, key=lambda b: b.cx)
    assert [b.shape for b in blobs] == ["circle", "square", "triangle"]
    assert blobs[1].area == pytest.approx((2 * radius + 1) ** 2 / (384 * 216), rel=0.1)


def test_shapes_that_touch_are_separated_by_colour() -> None:
    picture = put(put(canvas("grey"), "square", "blue", 150, 100), "circle", "yellow", 198, 100)
    assert {b.colour for b in observe(jpeg(picture)).blobs} == {"blue", "yellow"}


def test_what_the_edge_cuts_off_has_no_outline() -> None:
    (blob,) = observe(jpeg(put(canvas("black"), "circle", "white", 5, 100))).blobs
    assert blob.shape == "region"


def test_an_empty_picture_shows_nothing_but_its_background() -> None:
    seen = observe(jpeg(canvas("cyan", noise=5, ramp=20)))
    assert (seen.background, seen.blobs) == ("cyan", ())
    assert len(seen.thumb) == 32 * 18
    assert sum(seen.shares) == pytest.approx(1, abs=0.01)


def test_a_restless_picture_is_not_plain_and_has_few_blobs() -> None:
    patches = np.random.default_rng(1).integers(0, 255, (27, 48, 3)).astype(np.uint8)
    large = cv2.resize(patches, (1280, 720), interpolation=cv2.INTER_CUBIC)
    seen = observe(jpeg(large.astype(np.uint8)))
    assert not seen.plain
    assert len(seen.blobs) <= 8


def test_brightness_is_between_black_and_white() -> None:
    black, white = observe(jpeg(canvas("black"))), observe(jpeg(canvas("white")))
    assert black.brightness == pytest.approx(0)
    assert white.brightness == pytest.approx(1)


def test_the_same_bytes_show_the_same() -> None:
    data = jpeg(put(canvas("green", noise=6), "circle", "pink", 90, 60))
    assert observe(data) == observe(data)


@pytest.mark.parametrize("size", [(8, 8), (9, 300), (50, 50)])
def test_small_pictures(size: tuple[int, int]) -> None:
    assert observe(jpeg(np.full((*size, 3), 200, np.uint8))).blobs == ()


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0" + bytes(40)])
def test_bytes_that_are_no_picture(data: bytes) -> None:
    with pytest.raises(BadFrameError):
        observe(data)


def test_names_of_examples() -> None:
    for name, (example, *_) in COLOURS.items():
        pixel = np.array([[example[::-1]]], np.float32) / 255
        lab = cv2.cvtColor(pixel, cv2.COLOR_BGR2LAB)[0, 0]
        assert name_of((float(lab[0]), float(lab[1]), float(lab[2]))) == name


def test_no_two_names_share_an_example() -> None:
    examples = list(itertools.chain(*COLOURS.values()))
    assert len(examples) == len(set(examples))
