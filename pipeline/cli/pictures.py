"""Small pictures on a terminal, by whichever way it has; none where there is no terminal.

sources: kitty's graphics protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/), iTerm2's
inline images (https://iterm2.com/documentation-images.html), DEC's sixels (VT340 manual, chapter
14); else two pixels a character, as coloured half blocks.
"""

from __future__ import annotations

import base64
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TextIO

import cv2
import numpy as np

Way = Callable[[Any, int], str]
"""Makes the characters that show a picture (height, width, 3: blue, green, red) in so many
columns."""

_HEIGHT = 96
"""Pixels of a frame; 12 rows of half blocks."""
_HALF_ROWS = 12
_MOST = 8
_CHUNK = 4096
_LEVELS = 6
"""Of red, green and blue each, of a sixel's palette."""
_WAIT_S = 0.3
_SIXELS = b"4"
"""Among the attributes that a terminal states of itself."""


def way_of(stream: TextIO, environment: Mapping[str, str]) -> Way | None:
    """How the terminal behind a stream shows pictures; None where there is none, or it has no
    colours."""
    if not stream.isatty() or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return None
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "kitty" in term or "KITTY_WINDOW_ID" in environment or program == "ghostty":
        return _kitty
    if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":
        return _iterm
    if "TMUX" not in environment and _has_sixels(stream):
        return _sixel
    true_colours = environment.get("COLORTERM") in ("truecolor", "24bit")
    return _half_blocks if true_colours else None


def strip(jpegs: Sequence[bytes]) -> Any:
    """Frames side by side at one height, at most eight, evenly chosen; None where none can be
    decoded."""
    step = max(1, -(-len(jpegs) // _MOST))
    found = []
    for jpeg in jpegs[::step]:
        data = np.frombuffer(jpeg, np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if picture is not None:
            width = max(1, round(picture.shape[1] * _HEIGHT / picture.shape[0]))
            found.append(cv2.resize(picture, (width, _HEIGHT), interpolation=cv2.INTER_AREA))
    return np.hstack(found) if found else None


def _kitty(picture: Any, columns: int) -> str:
    data = base64.standard_b64encode(_encoded(picture, ".png"))
    chunks = [data[at : at + _CHUNK].decode() for at in range(0, len(data), _CHUNK)]
    first = f"a=T,f=100,c={_columns(picture, columns)},"
    parts = [
        f"\x1b_G{first if not at else ''}m={int(at + 1 < len(chunks))};{chunk}\x1b\\"
        for at, chunk in enumerate(chunks)
    ]
    return "".join(parts) + "\n"


def _iterm(picture: Any, columns: int) -> str:
    data = base64.standard_b64encode(_encoded(picture, ".jpg")).decode()
    width = _columns(picture, columns)
    return f"\x1b]1337;File=inline=1;width={width};preserveAspectRatio=1:{data}\x07\n"


def _sixel(picture: Any, columns: int) -> str:
    """Six rows of pixels a band; in each band a line of characters a colour."""
    picture = _fitted(picture, 8 * columns)
    levels = np.rint(picture[:, :, ::-1].astype(np.float64) * (_LEVELS - 1) / 255).astype(int)
    colours = levels[:, :, 0] * _LEVELS**2 + levels[:, :, 1] * _LEVELS + levels[:, :, 2]
    found = [f'\x1bPq"1;1;{picture.shape[1]};{picture.shape[0]}']
    for colour in np.unique(colours):
        parts = [int(colour) // _LEVELS**power % _LEVELS for power in (2, 1, 0)]
        shares = ";".join(str(round(100 * part / (_LEVELS - 1))) for part in parts)
        found.append(f"#{colour};2;{shares}")
    weights = 1 << np.arange(6)
    for top in range(0, len(colours), 6):
        band = colours[top : top + 6]
        lines = []
        for colour in np.unique(band):
            bits = ((band == colour) * weights[: len(band), None]).sum(axis=0)
            lines.append(f"#{colour}" + "".join(chr(63 + bit) for bit in bits))
        found.append("$".join(lines) + "-")
    return "".join(found) + "\x1b\\\n"


def _half_blocks(picture: Any, columns: int) -> str:
    width = min(columns, round(picture.shape[1] * 2 * _HALF_ROWS / picture.shape[0]))
    small = cv2.resize(picture, (width, 2 * _HALF_ROWS), interpolation=cv2.INTER_AREA)
    lines = []
    for upper, lower in zip(small[0::2], small[1::2], strict=True):
        pairs = zip(upper, lower, strict=True)
        cells = (f"\x1b[38;2;{_rgb(a)}m\x1b[48;2;{_rgb(b)}m\u2580" for a, b in pairs)
        lines.append("".join(cells) + "\x1b[0m\n")
    return "".join(lines)


def _rgb(pixel: Any) -> str:
    blue, green, red = map(int, pixel)
    return f"{red};{green};{blue}"


def _encoded(picture: Any, suffix: str) -> bytes:
    return bytes(cv2.imencode(suffix, picture)[1].tobytes())


def _columns(picture: Any, columns: int) -> int:
    """As wide as eight pixels a column make it, and no wider than the terminal."""
    return int(min(columns, max(1, picture.shape[1] // 8)))


def _fitted(picture: Any, width: int) -> Any:
    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


_ASK_ATTRIBUTES: Final = "\x1b[c"


def _has_sixels(stream: TextIO) -> bool:
    """Whether the terminal says so when it is asked for its attributes (``DA1``)."""
    if not sys.stdin.isatty():
        return False
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    answer = b""
    try:
        tty.setcbreak(keyboard, termios.TCSANOW)  # keeps what is typed already
        stream.write(_ASK_ATTRIBUTES)
        stream.flush()
        while not answer.endswith(b"c") and select.select([keyboard], [], [], _WAIT_S)[0]:
            answer += os.read(keyboard, 64)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    return _SIXELS in answer.removeprefix(b"\x1b[?").removesuffix(b"c").split(b";")[1:]
