"""Trains the tiny model on an export: python train.py EXPORT MODEL --objective paper --seed 0

A plain loop of PyTorch around ``pipeline.training.objective``. As in many recipes the vision tower
is not trained (here it stays as it was drawn), so each frame is encoded once. One thread of a CPU
is enough.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from checkpoint import (
    END_OF_TURN,
    IMAGE,
    MERGE,
    START_OF_TURN,
    STATE_TOKENS,
    make_model,
    make_processor,
)
from PIL import Image
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pipeline.training.objective import IGNORED, OBJECTIVES, state_loss

Row = dict[str, Any]
BATCH = 8
RATE, WARM_UP = 4e-3, 30


@dataclass(frozen=True)
class Sample:
    """A dialogue of n tokens."""

    ids: Tensor
    """(n,)"""
    labels: Tensor
    """(n,): what the assistant says, to the end of its turn; ``IGNORED`` elsewhere."""
    positions: Tensor
    """(n, 3): in time, height and width."""
    seen: Tensor
    """(tokens of all frames, hidden size): what the vision tower makes of them."""


class Samples:
    """Makes samples of the rows of an export in the format ``messages``."""

    def __init__(self, export: Path, processor: Any, model: Any) -> None:
        """Nothing is read yet."""
        self._export, self._processor, self._model = export, processor, model
        self._seen: dict[str, tuple[Tensor, Tensor]] = {}
        tokenizer = processor.tokenizer
        self._end = tokenizer.convert_tokens_to_ids(END_OF_TURN)
        self._head = tokenizer.encode(f"{START_OF_TURN}assistant", add_special_tokens=False)
        self._image = model.config.image_token_id

    @torch.no_grad()
    def make(self, row: Row) -> Sample:
        """That of a row."""
        seen, grids = zip(*self._frames(row["images"]), strict=True)
        messages = [
            {**m, "content": m["content"].replace("<image>", IMAGE)} for m in row["messages"]
        ]
        ids = self._processor.tokenizer.encode(
            self._processor.apply_chat_template(messages, tokenize=False), add_special_tokens=False
        )
        counts = iter([int(grid.prod()) // MERGE**2 for grid in grids])
        ids = [
            same for each in ids for same in [each] * (next(counts) if each == self._image else 1)
        ]
        tokens = torch.tensor(ids)
        positions, _ = self._model.model.get_rope_index(
            input_ids=tokens[None],
            mm_token_type_ids=(tokens == self._image).int()[None],
            image_grid_thw=torch.stack(grids),
        )
        labels = torch.tensor(self._labels(ids))
        return Sample(tokens, labels, positions[:, 0].T.clone(), torch.cat(seen))

    def _labels(self, ids: Sequence[int]) -> list[int]:
        labels, spoken = [], False
        for place, each in enumerate(ids):
            labels.append(each if spoken else IGNORED)
            before = [*ids[max(0, place + 1 - len(self._head)) : place + 1]]
            spoken = before == self._head or (spoken and each != self._end)
        return labels

    def _frames(self, paths: Sequence[str]) -> list[tuple[Tensor, Tensor]]:
        """Of each frame its tokens and its grid. Videos have several dialogues."""
        if new := [path for path in paths if path not in self._seen]:
            images = [Image.open(self._export / path) for path in new]
            made = self._processor.image_processor(images, return_tensors="pt")
            grids = made["image_grid_thw"]
            found = self._model.model.get_image_features(made["pixel_values"], grids)
            seen = zip(found.pooler_output, grids, strict=True)
            self._seen.update(zip(new, seen, strict=True))
        return [self._seen[path] for path in paths]


def forward(model: Any, samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Logits and labels, each at the place of what is predicted. What is short is filled up behind
    its end, where nothing of it can look."""
    ids = pad_sequence([each.ids for each in samples], batch_first=True)
    labels = pad_sequence([s.labels for s in samples], batch_first=True, padding_value=IGNORED)
    positions = pad_sequence([each.positions for each in samples], batch_first=True)
    shown = pad_sequence(
        [each.ids == model.config.image_token_id for each in samples], batch_first=True
    )
    embedded = model.get_input_embeddings()(ids)
    seen = torch.cat([each.seen for each in samples])
    embedded = embedded.masked_scatter(shown[..., None].expand_as(embedded), seen)
    found = model(inputs_embeds=embedded, position_ids=positions.permute(2, 0, 1), use_cache=False)
    return found.logits[:, :-1], labels[:, 1:]


def batches(samples: Sequence[Sample], draw: random.Random) -> Iterator[list[Sample]]:
    """Without end; every sample once before any comes again."""
    left: list[Sample] = []
    while True:
        if len(left) < BATCH:
            left += draw.sample(samples, len(samples))
        yield left[:BATCH]
        del left[:BATCH]


def train(model: Any, samples: Sequence[Sample], states: Sequence[int], given: Any) -> None:
    """Changes the weights of the language model in so many steps."""
    model.model.visual.requires_grad_(False)
    trained = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, betas=(0.9, 0.95))
    slope = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min((n + 1) / WARM_UP, (1 + math.cos(math.pi * n / given.steps)) / 2)
    )
    source = batches(samples, random.Random(given.seed))
    for step in range(1, given.steps + 1):
        logits, labels = forward(model, next(source))
        loss = state_loss(logits, labels, states, OBJECTIVES[given.objective])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        slope.step()
        if step % 50 == 0 or step == given.steps:
            print(f"step {step} of {given.steps}: loss {loss.item():.4f}", flush=True)


def main() -> None:
    """Reads the export, trains, and writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("export", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--objective", choices=list(OBJECTIVES), default="paper")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=320)
    parser.add_argument("--no-negatives", action="store_true", help="only of what does occur")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    with (given.export / "train.jsonl").open(encoding="utf-8") as lines:
        rows: list[Row] = [json.loads(line) for line in lines]
    if given.no_negatives:
        rows = [row for row in rows if not row["is_negative"]]
    processor = make_processor(m["content"] for row in rows for m in row["messages"])
    model = make_model(processor.tokenizer)
    source = Samples(given.export, processor, model)
    states = processor.tokenizer.convert_tokens_to_ids(list(STATE_TOKENS))
    train(model, [source.make(row) for row in rows], states, given)
    model.save_pretrained(given.model)
    processor.save_pretrained(given.model)


if __name__ == "__main__":
    main()
