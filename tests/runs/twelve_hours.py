"""A stream of twelve hours, from its turns to the files of a corpus and of an export.

``python tests/runs/twelve_hours.py FOLDER [HOURS]`` prints what it took, as JSON. Narration,
summaries and frames are made up; stages, windows and files are the real ones.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pipeline.corpus.export.exporter import Exporter, Shape  # noqa: E402
from pipeline.corpus.formats import FORMATS  # noqa: E402
from pipeline.corpus.layout import FileSettings, VideoSample  # noqa: E402
from pipeline.corpus.write import write_group  # noqa: E402
from pipeline.dialogue.memory import Place, Reach, held, span_of  # noqa: E402
from pipeline.dialogue.state_tokens import STATE_TOKENS  # noqa: E402
from pipeline.dialogue.weights import weigh  # noqa: E402
from pipeline.records import (  # noqa: E402
    Annotation,
    Dialogue,
    FramedSegment,
    Question,
    Record,
    Reject,
    Response,
    Segment,
    Summary,
    Video,
)
from pipeline.workflow.stage import Context  # noqa: E402
from stages import dialogue, remember  # noqa: E402
from tests.peak_memory import peak_kib  # noqa: E402
from tests.stages.clip_streams import known  # noqa: E402

NAME = "v"
LINE_S = 4
FRAME_BYTES = 4_000


@dataclass(frozen=True)
class Rows:
    """The rows of the one stream."""

    kinds: Mapping[type[Record], Sequence[Record]]
    video_id: str = NAME

    def __getitem__(self, kind: type[Record]) -> Sequence[Record]:
        return self.kinds[kind]


def picture() -> bytes:
    """A JPEG with noise."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    return cv2.imencode(".jpg", noise)[1].tobytes()


def framed(seconds: int) -> list[FramedSegment]:
    """A turn a second, each with a picture of its own."""
    jpeg = picture()
    return [
        FramedSegment.model_validate(
            {
                **{"video_id": NAME, "index": i, "start_s": i, "end_s": i + 1, "frame_s": i},
                "turns_per_s": 1,
                "jpeg": (jpeg + i.to_bytes(4, "big")).ljust(FRAME_BYTES, b"\0"),
            }
        )
        for i in range(seconds)
    ]


def annotated(seconds: int, reach: Reach) -> list[Annotation]:
    """A narration of a line each few seconds, and a question over the first minutes near the end,
    whose answer is in memory alone."""
    lines = [(float(t), f"Thing {t} goes on.") for t in range(0, seconds, LINE_S)]
    narration = Annotation.instants("narration", "Tell what goes on.", lines)
    stretches = int(seconds // reach.raw_s) - 1
    start_s, end_s = span_of(held(stretches, reach)[0], reach)
    past = Response.event("r0", "Thing 0.", start_s, end_s)
    asked = Question(qid="q0", text="What went on first?", asked_s=seconds - reach.raw_s / 2)
    recalled = Annotation(
        task="memory_qa",
        questions=[asked],
        responses=[past.model_copy(update={"from_memory": True})],
    )
    made = {"narration": narration, "memory": recalled}
    return [
        each.model_copy(update={"video_id": NAME, "annotation_id": name})
        for name, each in made.items()
    ]


def summaries(seconds: int, reach: Reach) -> list[Summary]:
    """Of all stretches, and of all that are merged; each says the first and the last second."""
    count = int(seconds // reach.raw_s)
    places = [Place("middle", n) for n in range(count)]
    places += [Place("long", n) for n in range(count // reach.middle)]
    made = []
    for place in places:
        start_s, end_s = span_of(place, reach)
        said = f"From {start_s:.0f} to {end_s:.0f}. " + "Things went on. " * 40
        made.append(
            Summary(
                video_id=NAME,
                level=place.level,
                start_s=start_s,
                end_s=end_s,
                text=said,
                provenance=None,
            )
        )
    return made


def windows(seconds: int, reach: Reach, turns: Sequence[Segment]) -> Iterator[Dialogue]:
    """As the stages cut them."""
    video = known(NAME, seconds, split="train")
    rows = Rows({Annotation: annotated(seconds, reach), Segment: turns, Video: [video]})
    config = dialogue.Config(standby=False)
    made = list(dialogue.STAGE.run([rows], config, Context()))  # type: ignore[list-item]
    cut = Rows({Dialogue: made, Summary: summaries(seconds, reach)})
    settings = remember.Config(memory=reach)
    for row in remember.STAGE.run([cut], settings, Context()):  # type: ignore[list-item]
        if isinstance(row, Reject):
            raise SystemExit(f"refused: {row.reason} {row.detail}")
        assert isinstance(row, Dialogue)
        yield row


def main(folder: Path, hours: float) -> None:
    """Writes it all, and checks what each window remembers."""
    seconds, reach = int(hours * 3600), Reach()
    frames = framed(seconds)
    found = [weigh(each, "first_silence") for each in windows(seconds, reach, frames)]
    for each in found:
        assert all(m.end_s <= each.turns[0].start_s for m in each.memory)
        assert sum(m.end_s - m.start_s for m in each.memory) == min(
            each.turns[0].start_s, sum(m.end_s - m.start_s for m in each.memory)
        )
    sample = VideoSample(found, frames)
    write_group(folder / "corpus", 0, [sample], FileSettings())
    shape = Shape(FORMATS["messages"], STATE_TOKENS["two_states"], "", weighed=True)
    with Exporter(shape, lambda split: folder / f"{split}.jsonl", folder / "rejects.jsonl") as out:
        for each in found:
            out.add(each)
    print(
        json.dumps(
            {
                "windows": len(found),
                "turns": sum(len(each.turns) - each.context_turns for each in found),
                "memory": len(found[-1].memory),
                "remembers_s": found[-1].turns[0].start_s - found[-1].memory[0].start_s,
                "written": out.tally.written,
                "unsaid": out.tally.unsaid,
                "peak_mib": peak_kib() / 1024,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 12)
