"""What ``convert --to stream`` writes of a raw row, read back by the checker's own reader."""

from __future__ import annotations

from pipeline.corpus.audit.checker import WrittenTurn
from pipeline.corpus.audit.checker_readers import READERS
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import View
from pipeline.corpus.streamo.raw import RawSample
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import Tiling
from pipeline.records import Turns
from pipeline.records.turns import STATES

_FORMAT = "stream"
_VIEW = View(
    tokens=STATE_TOKENS["official"],
    system="",
    video=lambda head: head.uri,
    image=lambda _, index: f"{index}",
    weights=False,
)


def written_turns(raw: RawSample, tiling: Tiling) -> list[WrittenTurn] | None:
    """The turns of the dialogue of a row; None where none of its responses can be said.

    Raises:
        DialogueError: nothing can be made of the row.
        FormatError: the format cannot hold its dialogue.
    """
    if raw.refused and not raw.annotation.responses:
        return None
    video = raw.video(raw.video_path or raw.video_name, tiling.end_s)
    made, _ = build_dialogues(video, tiling, [raw.annotation], raw.annotation.annotation_id)
    if not made:
        return None
    return list(READERS[_FORMAT](FORMATS[_FORMAT].write(made[0], _VIEW)).turns)


def as_written(turns: Turns) -> list[WrittenTurn]:
    """Of turns that were read, what the checker looks at."""
    questions, texts = [""] * len(turns), [""] * len(turns)
    for at, question in turns.asked.items():
        questions[at] = question.text
    for at, response in turns.said.items():
        texts[at] = response.text
    states = [STATES[code] for code in turns.states]
    return list(map(WrittenTurn, turns.starts, states, questions, texts))
