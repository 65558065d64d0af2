"""Trains the tiny model on an export: python train.py EXPORT MODEL --objective paper --seed 0

A plain loop of PyTorch around ``pipeline.training.objective``. Dialogues of one video come in one
batch: they show the same frames, so that what differs between them is what is asked. One thread of
a CPU is enough.
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
BATCH = 16
"""Dialogues, at least: a video comes with all of its own."""
RATE, WARM_UP = 1e-3, 30


@dataclass(frozen=True, eq=False)
class Video:
    """The frames of a video."""

    pixels: Tensor
    """(patches of all frames, numbers of a patch)."""
    grids: Tensor
    """(frames, 3): the patches of each in time, height and width."""


@dataclass(frozen=True)
class Sample:
    """A dialogue of n tokens."""

    ids: Tensor
    """(n,)"""
    labels: Tensor
    """(n,): what the assistant says, to the end of its turn; ``IGNORED`` elsewhere."""
    positions: Tensor
    """(n, 3): in time, height and width."""
    video: Video
    """What is shown; that of other dialogues, too."""


class Samples:
    """Makes samples of the rows of an export in the format ``messages``."""

    def __init__(self, export: Path, processor: Any, model: Any) -> None:
        """Nothing is read yet."""
        self._export, self._processor, self._model = export, processor, model
        self._videos: dict[tuple[str, ...], Video] = {}
        tokenizer = processor.tokenizer
        self._end = tokenizer.convert_tokens_to_ids(END_OF_TURN)
        self._head = tokenizer.encode(f"{START_OF_TURN}assistant", add_special_tokens=False)
        self._image = model.config.image_token_id

    def make(self, row: Row) -> Sample:
        """That of a row."""
        video = self._video(tuple(row["images"]))
        messages = [
            {**m, "content": m["content"].replace("<image>", IMAGE)} for m in row["messages"]
        ]
        ids = self._processor.tokenizer.encode(
            self._processor.apply_chat_template(messages, tokenize=False), add_special_tokens=False
        )
        counts = iter((video.grids.prod(dim=1) // MERGE**2).tolist())
        ids = [
            same for each in ids for same in [each] * (next(counts) if each == self._image else 1)
        ]
        tokens = torch.tensor(ids)
        positions, _ = self._model.model.get_rope_index(
            input_ids=tokens[None],
            mm_token_type_ids=(tokens == self._image).int()[None],
            image_grid_thw=video.grids,
        )
        return Sample(tokens, torch.tensor(self._labels(ids)), positions[:, 0].T.clone(), video)

    def _video(self, paths: tuple[str, ...]) -> Video:
        """Each is read once, for all of its dialogues."""
        if paths not in self._videos:
            images = [Image.open(self._export / path) for path in paths]
            made = self._processor.image_processor(images, return_tensors="pt")
            self._videos[paths] = Video(made["pixel_values"], made["image_grid_thw"])
        return self._videos[paths]

    def _labels(self, ids: Sequence[int]) -> list[int]:
        labels, spoken = [], False
        for place, each in enumerate(ids):
            labels.append(each if spoken else IGNORED)
            before = [*ids[max(0, place + 1 - len(self._head)) : place + 1]]
            spoken = before == self._head or (spoken and each != self._end)
        return labels


def spoilt(ids: Tensor, states: Tensor) -> Tensor:
    """The tokens with any state in place of each.

    What was said before gives the next state away, for states come in stretches: with it a model
    learns to repeat itself, and hardly a turn is left to learn from what is shown and asked.
    """
    drawn = states[torch.randint(len(states), ids.shape)]
    return torch.where(torch.isin(ids, states), drawn, ids)


def forward(model: Any, samples: Sequence[Sample], states: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and labels, each at the place of what is predicted. What is short is filled up behind
    its end, where nothing of it can look."""
    ids = pad_sequence([each.ids for each in samples], batch_first=True)
    labels = pad_sequence([s.labels for s in samples], batch_first=True, padding_value=IGNORED)
    positions = pad_sequence([each.positions for each in samples], batch_first=True)
    shown = ids == model.config.image_token_id
    embedded = model.get_input_embeddings()(spoilt(ids, states))
    seen = _seen(model, samples)
    embedded = embedded.masked_scatter(shown[..., None].expand_as(embedded), seen)
    found = model.model.language_model(
        inputs_embeds=embedded, position_ids=positions.permute(2, 0, 1), use_cache=False
    )
    trained = labels[:, 1:] != IGNORED
    logits = model.lm_head(found.last_hidden_state[:, :-1][trained])
    return logits, labels[:, 1:][trained]


def _seen(model: Any, samples: Sequence[Sample]) -> Tensor:
    """What the tower makes of all frames, (tokens, hidden size); it sees each video once."""
    videos = list(dict.fromkeys(each.video for each in samples))
    found = model.model.get_image_features(
        torch.cat([each.pixels for each in videos]), torch.cat([each.grids for each in videos])
    )
    frames = iter(found.pooler_output)
    of_video = {video: torch.cat([next(frames) for _ in video.grids]) for video in videos}
    return torch.cat([of_video[each.video] for each in samples])


def batches(samples: Sequence[Sample], draw: random.Random) -> Iterator[list[Sample]]:
    """Without end; every video once, with all its samples, before any comes again."""
    by_video: dict[Video, list[Sample]] = {}
    for each in samples:
        by_video.setdefault(each.video, []).append(each)
    left: list[Video] = []
    while True:
        batch: list[Sample] = []
        while len(batch) < BATCH:
            left = left or draw.sample(list(by_video), len(by_video))
            batch += by_video[left.pop()]
        yield batch


def train(model: Any, samples: Sequence[Sample], states: Sequence[int], given: Any) -> None:
    """Changes all weights of the model in so many steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98))
    slope = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min((n + 1) / WARM_UP, (1 + math.cos(math.pi * n / given.steps)) / 2)
    )
    source = batches(samples, random.Random(given.seed))
    for step in range(1, given.steps + 1):
        logits, labels = forward(model, next(source), torch.tensor(states))
        loss = state_loss(logits, labels, states, OBJECTIVES[given.objective])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
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
    parser.add_argument("--steps", type=int, default=1500)
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
