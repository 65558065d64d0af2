"""The part of the card that says how to load the corpus, as code that works as it is printed."""

from __future__ import annotations

from pipeline.corpus.counts import CorpusCounts
from pipeline.corpus.layout import CorpusSettings

_TRAINERS_WITHOUT_FRAMES = """\
Trainers need the frames, which this corpus was written without: `frames: true` in the section
`corpus` of its config, and a run over the videos, write them."""


def loading(counts: CorpusCounts, settings: CorpusSettings) -> str:
    """Code for the Parquet form, for trainers and, where there are frames, for the WebDataset form.

    Code in Python and shell alike names the corpus ``CORPUS``.
    """
    first = counts.slices[0]
    parquet = f"""\
Parquet, one config a task, annotations only. `CORPUS` is the name of this repository, or a folder
that holds it:

```python
from datasets import load_dataset

dialogues = load_dataset("CORPUS", "{first.task}", split="{first.split}")
```

Row by row, without a download of the whole:

```python
streamed = load_dataset("CORPUS", "{first.task}", split="{first.split}", streaming=True)
for dialogue in streamed.take(2):
    print(dialogue["video_id"], [turn["state"] for turn in dialogue["turns"]])
```"""
    if not settings.frames:
        return f"{parquet}\n\n{_TRAINERS_WITHOUT_FRAMES}"
    split = counts.totals[1].split
    return f"""{parquet}

{_trainers(split)}

WebDataset, one sample a video, with all its dialogues and each frame once:

```python
from pathlib import Path

from webdataset import WebDataset

tars = [str(tar) for tar in sorted(Path("CORPUS/wds/{split}").glob("*.tar"))]
for sample in WebDataset(tars, shardshuffle=False).decode():
    video, frames = sample["json"], sample["npz"]
    jpeg, offset = frames["jpeg"], frames["offset"]
    jpegs = [jpeg[a:b].tobytes() for a, b in zip(offset[:-1], offset[1:])]
    for dialogue in video["dialogues"]:
        for turn in dialogue["turns"]:
            shown = jpegs[turn["index"]]
```

The key of a sample is the first 32 hex digits of the SHA-256 of its `video_id`. `datasets` reads
the tars too, when it is told the types, which it would otherwise guess from the first five samples:

```python
from datasets import Features, List, Value, load_dataset

text, number = Value("string"), Value("float64")
video = {{name: text for name in ("video_id", "source", "licence", "split")}}
video |= {{"duration_s": number, "turns_per_s": number, "frame_s": List(number)}}
video |= {{"dialogues": List(dict(dialogues.features))}}
frames = {{"jpeg": List(Value("uint8")), "offset": List(Value("int64")), "frame_s": List(number)}}
names = {{"__key__": text, "__url__": text}}
videos = load_dataset(
    "webdataset",
    data_files={{"{split}": "CORPUS/wds/{split}/*.tar"}},
    features=Features({{"json": video, "npz": frames, **names}}),
    split="{split}",
    streaming=True,
)
```"""


def _trainers(split: str) -> str:
    return f"""\
For ms-swift 4 and LLaMA-Factory, `turnwise export` writes `messages`, with the frames as images
from the tars below `wds`:

```sh
turnwise export CORPUS --format messages -o trainer
cd trainer
ROOT_IMAGE_DIR=. swift sft --dataset {split}.jsonl --model MODEL  # ms-swift
llamafactory-cli train TRAINING.yaml  # has `dataset_dir: .` and `dataset: trainer_{split}`
```

`trainer/README.md` says which state tokens to add, and how weights are read."""
