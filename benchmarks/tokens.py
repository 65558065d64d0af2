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
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.assumed_rows import ANSWERS, rows_of
from pipeline.dialogue.budget import estimate_tokens
from pipeline.engines.base import Ask, EngineConfig, Reply, Sampling
from pipeline.reports.doctor.context_fit import Silent
from pipeline.reports.doctor.probe import RecordingEngine
from pipeline.reports.doctor.scene_inputs import KnownRows
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import Node, build_graph
from pipeline.workflow.stage import Context

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "streamo_instruct_465k.yaml"
VIDEOS: Mapping[int, int] = {18: 68_273, 45: 19_153, 90: 21_834, 175: 20_529, 320: 6_086}
"""By length in seconds: the paper's bins, 2,666 hours in all."""
NARRATION = "narrate"
"""The node that narrates, by whichever stage."""
MADE = 8
"""Videos made up for each length; what is drawn by hash is drawn among them."""
FRAME_TOKENS = 154
"""448 x 252 pixels: 16 x 9 cells of 28 x 28, begin, end, and the label of the time."""


@dataclass
class Tokens:
    """Asks, and their tokens."""

    asks: float = 0.0
    frames: float = 0.0
    system: float = 0.0
    """Of system parts; the rest of what is shared is frames, and texts that are the same."""
    prompt: float = 0.0
    shared: float = 0.0
    text: float = 0.0
    """Of all texts: system parts, and what each ask says behind its frames."""
    text_fresh: float = 0.0
    """Of what asks say behind their frames, where none said it before behind the same ones."""
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


class Listed(NamedTuple):
    """What an ask may be about several of."""

    variable: str
    """Of the prompt, which lists them."""
    answers: str
    """The field of the answer with an entry for each."""
    known_as: str
    """The field of an entry by which it is known, with the value that ``given_as`` has."""
    given_as: str
    alone: str
    """The stage that asks about each by itself."""

    def of(self, ask: Ask) -> Sequence[Mapping[str, Any]]:
        """Those that an ask lists."""
        found: Sequence[Mapping[str, Any]] = ask.variables.get(self.variable, ())
        return found


LISTED = (
    Listed("turns", "turns", "time_s", "after_s", "narrate"),
    Listed("captions", "spans", "number", "number", "ground"),
)


@dataclass
class Teller(Silent):
    """An engine that says that nothing changed, or where it is, where it is asked about several
    things, and answers nothing else: what it left out would be asked again."""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Silent.generate``."""
        for i, replies in super().generate(asks, sampling):
            said = {
                each.answers: [
                    {each.known_as: one[each.given_as], **ANSWERS[each.alone]} for one in found
                ]
                for each in LISTED
                if (found := each.of(asks[i]))
            }
            answered = Reply(asks[i].request_id, json.dumps(said))
            yield i, [answered] * len(replies) if said else replies


def counted(asks: Sequence[Ask], answer: int) -> Tokens:
    """The tokens of the asks about one video, in their order; ``answer`` is of what one is told, or
    of what one is told of each thing that it lists."""
    found, prefixes = Tokens(), Prefixes()
    for ask in asks:
        system, text = estimate_tokens(ask.system), estimate_tokens(ask.text)
        frames = [(frame.time_s, FRAME_TOKENS) for frame in ask.frames]
        before_text = len(frames) * FRAME_TOKENS
        shared = prefixes.shared([*frames, (ask.text, text)])
        number = sum(len(each.of(ask)) for each in LISTED) or 1
        found.add(
            Tokens(
                *(1, len(frames), system, system + before_text + text, system + shared),
                *(system + text, 0 if shared > before_text else text, answer * number),
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
    """As Markdown: asks and frames in millions, tokens in thousand millions. Then what the
    instructions of narration cost: a system part is computed once, and what stands behind the
    frames of each ask by itself."""
    print("| node | asks, M | frames, M | prompt, G | of it system | shared | fresh | answers, G |")
    print(f"|---{'|---' * 7}|")
    whole, narration = Tokens(), Tokens()
    for name, each in rows:
        if name == NARRATION:
            narration = each
        whole.add(each, 1)
        print(f"| {name} | {_numbers(each)} |", flush=True)
    print(f"| all | {_numbers(whole)} |")
    sent, computed = narration.text / 1e9, narration.text_fresh / 1e9
    print(f"\nNarration's instructions: {sent:.2f} G sent, {computed:.2f} G computed")


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
