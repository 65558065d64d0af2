"""How many asks and tokens the flagship's corpus costs, and how much of them an engine has cached.

    python benchmarks/tokens.py [--config FILE] [--set KEY=VALUE]

Runs each stage that asks a model over made-up videos, a few for each length, with an engine that
keeps the asks and answers none but those that would be asked again; five lengths stand for the
paper's 135,875 videos of 2,666 hours (arXiv:2512.21334, supplement, figure 3). So asks are those of
the stages' own code, with the settings of the config. What the rows before a stage hold is assumed
(``rows_of``), as is how long an answer is (``ANSWERS``).

A prompt is its system part, its frames and its text, in this order. ``shared`` is the part of it
that begins as an ask before it did, of the same node and video; the system part is shared by all
asks of a node. Texts are counted by ``estimate_tokens``, rather too many than too few.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.dialogue.budget import estimate_tokens
from pipeline.engines.base import Ask, EngineConfig, Reply, Sampling
from pipeline.records import (
    THIS_CALL,
    Annotation,
    Candidate,
    Change,
    ChangePoint,
    DenseSegment,
    Event,
    FramedSegment,
    Record,
    TurnFrame,
    VerifiedEvent,
    Video,
)
from pipeline.reports.doctor.context_fit import Silent
from pipeline.reports.doctor.probe import RecordingEngine
from pipeline.reports.doctor.scene_inputs import KnownRows
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import Node, build_graph
from pipeline.workflow.stage import Context

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "streamo_instruct_465k.yaml"
VIDEOS: Mapping[int, int] = {18: 68_273, 45: 19_153, 90: 21_834, 175: 20_529, 320: 6_086}
"""By length in seconds: the paper's bins, 2,666 hours in all."""
MADE = 8
"""Videos made up for each length; what is drawn by hash is drawn among them."""
FRAME_TOKENS = 154
"""448 x 252 pixels: 16 x 9 cells of 28 x 28, begin, end, and the label of the time."""
EVENTS, QUERIES, CANDIDATES = 5, 2, 3
"""Events (and as many actions) of a video, how many are asked for, and candidates for negatives."""
QUESTIONS, VALUES = 3, 3
"""Questions whose answers change, and the answers of each."""
CHANGES_PER_S = 0.3
"""Lines of a narration before it is edited."""
CAPTION = "A man in a red shirt throws a ball to a dog on the lawn."
SEEN = "A man in a red shirt stands on the lawn and holds a ball; a dog looks at it."

LISTED = {"caption": CAPTION, "start_s": 12.5, "end_s": 31.5}
POINT = {"seen": SEEN, "aspect": "action", "subject": "man in the red shirt", "before": "standing",
         "after": "throwing a ball", "time_s": 12.5}  # fmt: skip
TIMED = {"time_s": 12.5, "value": "throwing a ball"}
ANSWERS: Mapping[str, Any] = {
    "narrate": {"seen": SEEN, "changed": False, "sentence": ""},
    "narrate_breaths": {"time_s": 12.5, "seen": SEEN, "changed": False, "sentence": ""},
    "polish": {"seen": SEEN, "negative": False,
               "lines": [{"time_s": 12.5, "sentence": "The man throws a ball."}] * 12},
    "caption": {"events": [LISTED] * EVENTS},
    "ground": {"seen": SEEN, "found": True, "start_s": 12.5, "end_s": 31.5},
    "rewrite": {"sentence": CAPTION},
    "query": {"query": CAPTION},
    "near_miss": {"attribute": "colour", "old": "red", "new": "blue"},
    "change_points": {"points": [POINT] * QUESTIONS * (VALUES - 1)},
    "change_questions": {"question": "What is the man in the red shirt doing?",
                         "answers": [TIMED] * VALUES, "distractors": ["sitting down"] * 3},
    "verify": {"seen": SEEN, "value": "throwing a ball"},
}  # fmt: skip
"""By stage, an answer of the length that is assumed; of one that tells of several turns, that of a
turn."""


Rows = Mapping[type[Record], Sequence[Record]]


@dataclass
class Tokens:
    """Asks, and their tokens."""

    asks: float = 0.0
    frames: float = 0.0
    system: float = 0.0
    """Of system parts; the rest of what is shared is frames, and texts that are the same."""
    prompt: float = 0.0
    shared: float = 0.0
    answer: float = 0.0

    @property
    def fresh(self) -> float:
        """Prompt tokens that no ask before began with."""
        return self.prompt - self.shared

    def add(self, other: Tokens, times: float) -> None:
        """As often as that."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value * times)


@dataclass
class Prefixes:
    """What the asks about a video began with: the prefixes of their pieces."""

    known: set[int] = field(default_factory=set)

    def shared(self, pieces: Sequence[tuple[Any, int]]) -> int:
        """Tokens of the longest beginning that is known; all beginnings are, from now on."""
        tokens, prefix, unknown = 0, 0, False
        for piece, size in pieces:
            prefix = hash((prefix, piece))
            unknown |= prefix not in self.known
            self.known.add(prefix)
            tokens += 0 if unknown else size
        return tokens


@dataclass
class Teller(Silent):
    """An engine that says of each turn that nothing changed, where it is asked about several, and
    answers nothing else: what it left out would be asked again."""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Silent.generate``."""
        for i, replies in super().generate(asks, sampling):
            turns = asks[i].variables.get("turns", ())
            seen = ANSWERS["narrate"]
            text = json.dumps({"turns": [{"time_s": turn["after_s"], **seen} for turn in turns]})
            yield i, [Reply(asks[i].request_id, text) if turns else each for each in replies]


def counted(asks: Sequence[Ask], answer: int) -> Tokens:
    """The tokens of the asks about one video, in their order; ``answer`` is of what one is told, or
    of what one is told of a turn."""
    found, prefixes = Tokens(), Prefixes()
    for ask in asks:
        system, text = estimate_tokens(ask.system), estimate_tokens(ask.text)
        frames = [(frame.time_s, FRAME_TOKENS) for frame in ask.frames]
        shared = prefixes.shared([*frames, (ask.text, text)])
        found.add(
            Tokens(
                *(1, len(frames), system, system + len(frames) * FRAME_TOKENS + text),
                *(system + shared, answer * len(ask.variables.get("turns", (None,)))),
            ),
            1,
        )
    return found


def asks_of(
    node: Node, engine: EngineConfig, videos: Sequence[KnownRows]
) -> Sequence[Sequence[Ask]]:
    """What a node asks about each of the videos."""
    found = []
    for rows in videos:
        recording = RecordingEngine(engine, Teller())
        list(node.stage.run([rows], node.config, Context(engine=recording, prompts=node.prompts)))
        found.append(recording.asks)
    return found


def rows_of(video_id: str, seconds: int) -> Mapping[str, Rows]:
    """What each stage that asks a model, or a node of its own, reads of a video of so many seconds,
    made up."""
    video = Video(
        video_id=video_id, uri=f"{video_id}.mp4", duration_s=seconds, width=640, height=360,
        rotation_deg=0, codec="h264", frame_rate=25.0, sha256="0" * 64,
    )  # fmt: skip
    turns = [
        DenseSegment(video_id=video_id, index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1,
                     jpeg=b"", further=[TurnFrame(frame_s=i + 0.5, jpeg=b"")])
        for i in range(seconds)
    ]  # fmt: skip
    step = seconds / EVENTS
    spans: list[Any] = [
        {"video_id": video_id, "event_id": f"{video_id} {family} {i}", "family": family,
         "caption": f"{CAPTION} {family} {i}", "start_s": i * step, "end_s": (i + 1) * step,
         "provenance": THIS_CALL}
        for family in ("event", "action")
        for i in range(EVENTS)
    ]  # fmt: skip
    events = [Event(**span) for span in spans]
    kept = [
        VerifiedEvent(**span, grounded_start_s=span["start_s"], grounded_end_s=span["end_s"],
                      iou=1.0, kept=True, reason="")
        for span in spans
    ]  # fmt: skip
    queries = [
        Annotation.instants("event_grounding", CAPTION, [((i + 1) * step, "")],
                            video_id=video_id, annotation_id=f"{video_id} g{i}")
        for i in range(QUERIES)
    ]  # fmt: skip
    candidates = [
        Candidate(**span, kind="near_miss", parent_id="", calls=[]) for span in spans[:CANDIDATES]
    ]
    due = [int((k + 0.5) * seconds / VALUES) for k in range(VALUES)]
    changing = [
        Annotation.instants("tsqa", "What is the man in the red shirt doing?",
                            [(t, f"throwing a ball {k}") for k, t in enumerate(due)],
                            video_id=video_id, annotation_id=f"{video_id} a{q}")
        for q in range(QUESTIONS)
    ]  # fmt: skip
    points = [
        ChangePoint(video_id=video_id, aspect="action", subject=f"man {q}", before=f"standing {k}",
                    after=f"standing {k + 1}", time_s=t, seen=SEEN)
        for q in range(QUESTIONS)
        for k, t in enumerate(due[1:])
    ]  # fmt: skip
    changes = [
        Change(video_id=video_id, index=i, time_s=i, changed=True, text=CAPTION)
        for i in range(1, max(2, int(seconds * CHANGES_PER_S)))
    ]
    frames: Rows = {FramedSegment: turns, DenseSegment: turns, Video: [video]}
    return {
        "narrate": frames,
        "narrate_breaths": frames,
        "polish": {Change: changes},
        "caption": frames,
        "ground": {**frames, Event: events},
        "ground_negatives": {**frames, Event: candidates},
        "rewrite": {VerifiedEvent: kept},
        "query": {**frames, VerifiedEvent: kept},
        "near_miss": {Annotation: queries},
        "change_points": frames,
        "change_questions": {ChangePoint: points},
        "verify": {**frames, Annotation: changing},
    }


def count(nodes: Sequence[Node]) -> Iterator[tuple[str, Tokens]]:
    """Each node that asks a model, with the tokens of all videos."""
    made = {
        seconds: [rows_of(f"{seconds} {n}", seconds) for n in range(MADE)] for seconds in VIDEOS
    }
    for node in nodes:
        if node.engine is None:
            continue
        stage, found = node.stage.name, Tokens()
        samples = getattr(node.config, "samples", 1)
        answer = estimate_tokens(json.dumps(ANSWERS[stage])) * samples
        for seconds, number in VIDEOS.items():
            rows = [KnownRows(f"{n}", each.get(node.name, each.get(stage, {})))
                    for n, each in enumerate(made[seconds])]  # fmt: skip
            for asks in asks_of(node, node.engine, rows):
                found.add(counted(asks, answer), number / MADE)
        yield node.name, found


def print_table(rows: Iterator[tuple[str, Tokens]]) -> None:
    """As Markdown: asks and frames in millions, tokens in thousand millions."""
    print("| node | asks, M | frames, M | prompt, G | of it system | shared | fresh | answers, G |")
    print(f"|---{'|---' * 7}|")
    whole = Tokens()
    for name, each in rows:
        whole.add(each, 1)
        print(f"| {name} | {_numbers(each)} |", flush=True)
    print(f"| all | {_numbers(whole)} |")


def _numbers(each: Tokens) -> str:
    counts = [f"{each.asks / 1e6:.2f}", f"{each.frames / 1e6:.1f}"]
    tokens = (each.prompt, each.system, each.shared, each.fresh, each.answer)
    return " | ".join([*counts, *(f"{n / 1e9:.2f}" for n in tokens)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    # Revisions of models are no part of an ask.
    print_table(count(build_graph(load_config(given.config, given.set))))


if __name__ == "__main__":
    main()
