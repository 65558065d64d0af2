"""Pictures on terminals: what is written shows the picture, and only where it can be shown."""

from __future__ import annotations

import base64
import io
import os
import re
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.cli import pictures
from pipeline.cli.pictures import strip, way_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def picture() -> Any:
    """Left red, right green, as two frames."""
    red, green = (np.full((96, 128, 3), colour, np.uint8) for colour in ((0, 0, 255), (0, 255, 0)))
    made = strip([cv2.imencode(".png", each)[1].tobytes() for each in (red, green)])
    assert made is not None
    return made


def is_it(shown: Any) -> None:
    """Whether it is the picture of ``picture``, whatever its size."""
    height, width = shown.shape[:2]
    for column, channel in ((width // 4, 2), (3 * width // 4, 1)):
        pixel = shown[height // 2, column].astype(int)
        assert pixel[channel] > 200 and sum(pixel) - pixel[channel] < 90


@pytest.mark.parametrize(
    ("environment", "begins"),
    [
        ({"TERM": "xterm-kitty"}, "\x1b_G"),
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]1337;File="),
        ({"COLORTERM": "truecolor"}, "\x1b[38;2;"),
        ({"TERM": "xterm"}, None),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, None),
    ],
)
def test_the_terminal_decides(
    environment: dict[str, str], begins: str | None, picture: Any
) -> None:
    way = way_of(Terminal(), environment)
    assert way_of(io.StringIO(), environment) is None, "nothing where there is no terminal"
    assert (way is None) == (begins is None)
    if way is not None and begins is not None:
        assert way(picture, 80).startswith(begins)


def test_kitty_and_iterm_get_the_file(picture: Any) -> None:
    kitty = pictures._kitty(picture, 80)
    data = "".join(re.findall(r";([^;\x1b]*)\x1b\\", kitty))
    more = re.findall(r"m=(\d)", kitty)
    assert more == ["1"] * (len(more) - 1) + ["0"]
    iterm = pictures._iterm(picture, 80).rpartition(":")[2].rstrip("\x07\n")
    for text in (data, iterm):
        content = np.frombuffer(base64.standard_b64decode(text), np.uint8)
        is_it(cv2.imdecode(content, cv2.IMREAD_COLOR))


def test_half_blocks_are_two_pixels_a_character(picture: Any) -> None:
    lines = pictures._half_blocks(picture, 20).splitlines()
    cells = [re.findall(r"38;2;(\d+);(\d+);(\d+)m\x1b\[48;2;(\d+);(\d+);(\d+)m▀", x) for x in lines]
    rows = [np.array(each, int).reshape(-1, 2, 3)[:, :, ::-1] for each in cells]
    is_it(np.stack([row[:, half] for row in rows for half in (0, 1)]))
    assert len(cells[0]) == 20 and all(line.endswith("\x1b[0m") for line in lines)


def test_sixels_show_the_picture(picture: Any) -> None:
    is_it(decoded(pictures._sixel(picture, 80)))


def decoded(text: str) -> Any:
    """By the rules of the VT340: colours in hundredths, bands of six rows."""
    width, height = map(int, re.findall(r'"1;1;(\d+);(\d+)', text)[0])
    colours = {
        int(n): [round(int(part) * 2.55) for part in (b, g, r)]
        for n, r, g, b in re.findall(r"#(\d+);2;(\d+);(\d+);(\d+)", text)
    }
    shown = np.zeros((height + 6, width, 3), np.uint8)
    body = re.sub(r'^\x1bPq"[\d;]+(#\d+;2;\d+;\d+;\d+)*', "", text).partition("\x1b")[0]
    for number, band in enumerate(body.removesuffix("-").split("-")):
        for line in band.split("$"):
            colour, dots = re.fullmatch(r"#(\d+)(.*)", line).groups()  # type: ignore[union-attr]
            for column, dot in enumerate(dots):
                for row in range(6):
                    if ord(dot) - 63 >> row & 1:
                        shown[6 * number + row, column] = colours[int(colour)]
    return shown[:height]


@pytest.mark.parametrize(("answer", "has"), [(b"\x1b[?62;4;22c", True), (b"\x1b[?1;2c", False)])
def test_a_terminal_is_asked_for_sixels(
    answer: bytes, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.openpty()
    with open(theirs, "r+b", buffering=0) as keyboard:  # noqa: PTH123  a descriptor
        monkeypatch.setattr(sys, "stdin", keyboard)
        os.write(ours, answer)
        terminal = Terminal()
        assert (way_of(terminal, {"TERM": "foot"}) is not None) == has
        assert terminal.getvalue() == "\x1b[c"
    os.close(ours)


def test_what_is_no_picture_is_passed_over() -> None:
    assert strip([b"", b"no picture"]) is None
