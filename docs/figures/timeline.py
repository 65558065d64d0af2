"""Draw a sample of a corpus as a timeline: frames, states, question and responses, one SVG file.

That of README is, after `make demo`,

    python docs/figures/timeline.py runs/demo/corpus -o docs/figures/timeline.svg
"""

from __future__ import annotations

import argparse
import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import cv2
import numpy as np

from pipeline.corpus.read import read_corpus
from pipeline.records import Dialogue, Turn

WIDTH, MARGIN, PICTURES, PICTURE_HEIGHT = 960, 24, 10, 66
STATE_COLOURS = {"silence": "#d5dbe3", "standby": "#f2b134", "response": "#1f9d77"}
INK, PALE, CARD, EDGE = "#1d2733", "#5d6b7a", "#ffffff", "#c9d1da"
LETTER_WIDTH = 8
FRAMES_Y, STATES_Y, STATE_HEIGHT, TEXTS_Y, TEXT_STEP = 92, 178, 22, 232, 25


def timeline(dialogue: Dialogue, jpegs: list[bytes]) -> str:
    """The SVG of a dialogue with one JPEG a turn."""
    said = [turn for turn in dialogue.turns if turn.text]
    height = TEXTS_Y + TEXT_STEP * len(said) + 48
    turn_width = (WIDTH - 2 * MARGIN) / len(dialogue.turns)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' font-family="Helvetica, Arial, sans-serif" font-size="15" fill="{INK}">',
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="10" fill="{CARD}"'
        f' stroke="{EDGE}"/>',
        *_question(dialogue),
        *_frames(dialogue.turns, jpegs, turn_width),
        *_states(dialogue.turns, turn_width),
        *_texts(said, turn_width),
        *_legend(height - 20),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _question(dialogue: Dialogue) -> Iterator[str]:
    asked = next(turn for turn in dialogue.turns if turn.question)
    yield _text(MARGIN, 38, f"User, at {asked.start_s:g} s", PALE)
    yield _text(MARGIN, 62, asked.question, INK, size=17)


def _frames(turns: Sequence[Turn], jpegs: list[bytes], turn_width: float) -> Iterator[str]:
    slot = (WIDTH - 2 * MARGIN) / PICTURES
    for place in range(PICTURES):
        # The turn below the middle of the picture.
        turn = turns[int((place + 0.5) * len(turns) / PICTURES)]
        yield (
            f'<image x="{MARGIN + place * slot + 2:.1f}" y="{FRAMES_Y}" width="{slot - 4:.1f}"'
            f' height="{PICTURE_HEIGHT}" preserveAspectRatio="xMidYMid slice"'
            f' href="data:image/jpeg;base64,{_small(jpegs[turn.index])}"/>'
        )


def _states(turns: Sequence[Turn], turn_width: float) -> Iterator[str]:
    for turn in turns:
        yield (
            f'<rect x="{MARGIN + turn.index * turn_width + 0.75:.2f}" y="{STATES_Y}"'
            f' width="{turn_width - 1.5:.2f}" height="{STATE_HEIGHT}" rx="2"'
            f' fill="{STATE_COLOURS[turn.state]}"/>'
        )
        if turn.index % 5 == 0:
            x = MARGIN + (turn.index + 0.5) * turn_width
            yield _text(x, STATES_Y - 6, f"{turn.start_s:g}", PALE, size=11, anchor="middle")


def _texts(said: list[Turn], turn_width: float) -> Iterator[str]:
    """The responses below their turns, each on a line of its own."""
    for line, turn in enumerate(said):
        x, y = MARGIN + (turn.index + 0.5) * turn_width, TEXTS_Y + TEXT_STEP * line
        yield (
            f'<path d="M{x:.1f} {STATES_Y + STATE_HEIGHT} V{y - 5}" fill="none"'
            f' stroke="{STATE_COLOURS["response"]}" stroke-width="1.5"/>'
        )
        text = f"{turn.start_s:g} s: {' '.join(turn.text.split())}"
        left = x - MARGIN > LETTER_WIDTH * len(text)  # of its line, where no other line passes
        yield _text(x - 8 if left else x + 8, y, text, INK, anchor="end" if left else "start")


def _legend(y: int) -> Iterator[str]:
    for place, (state, colour) in enumerate(STATE_COLOURS.items()):
        x = MARGIN + 110 * place
        yield f'<rect x="{x}" y="{y - 11}" width="14" height="14" rx="2" fill="{colour}"/>'
        yield _text(x + 21, y, state, PALE, size=13)
    note = "one turn a second; a response stands where its evidence is complete"
    yield _text(WIDTH - MARGIN, y, note, PALE, size=13, anchor="end")


def _text(x: float, y: float, text: str, colour: str, size: int = 15, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}"'
        f' text-anchor="{anchor}">{escape(text)}</text>'
    )


def _small(jpeg: bytes) -> str:
    picture: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    height = 2 * PICTURE_HEIGHT
    width = round(picture.shape[1] * height / picture.shape[0])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    encoded: Any = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    return base64.b64encode(encoded.tobytes()).decode()


def main() -> None:
    """Find the sample and write its picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--task", default="event_caption")
    parser.add_argument("--video", default="scene-04")
    parser.add_argument("-o", "--out", type=Path, required=True)
    chosen = parser.parse_args()
    for sample in read_corpus(chosen.corpus, frames=True):
        for dialogue in sample.dialogues:
            if (dialogue.video_id, dialogue.task) == (chosen.video, chosen.task):
                picture = timeline(dialogue, [frame.jpeg for frame in sample.frames])
                chosen.out.write_text(picture, encoding="utf-8")
                return
    parser.exit(1, f"{chosen.corpus} has no dialogue of {chosen.task} on {chosen.video}\n")


if __name__ == "__main__":
    main()
