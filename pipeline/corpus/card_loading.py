"""The part of the card that says how to load the corpus, as code that works as it is printed."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.corpus.counts import CorpusCounts
from pipeline.corpus.layout import FRAMES, MESSAGES, PREVIEW, TARS, TRACES
from pipeline.records import ShardFile

_TRAINERS_WITHOUT_FRAMES = """\
Trainers need the frames as files, which are not here: `turnwise rebuild CORPUS --videos DIR` reads
them again from the videos."""


def loading(counts: CorpusCounts, files: Sequence[ShardFile]) -> str:
    """Code for each of the forms that there are."""
    first = counts.slices[0]
    kinds = {file.path.partition("/")[0] for file in files}
    text = f"""\
`CORPUS` is the name of this repository, or a folder that holds it. `all` is the default config;
each task is one, too: a row is a dialogue.

```python
from datasets import load_dataset

dialogues = load_dataset("CORPUS", "{first.task}", split="{first.split}")
```

`{MESSAGES}` has the same dialogues as chats for a trainer, a message of user and assistant a turn:
`loss` and `loss_scale` say whether a turn is learned from, and how much it counts. `images` are the
names of the frames.

```python
chats = load_dataset("CORPUS", "{MESSAGES}", split="{first.split}", streaming=True)
```

`{PREVIEW}` and `{TRACES}` hold some dialogues to look at: as text, and as conversations."""
    if FRAMES in kinds:
        text += f"""

`{FRAMES}` has a row a turn of each video, with its picture: the frame on screen when the turn
starts.

```python
frames = load_dataset("CORPUS", "{FRAMES}", split="{first.split}", streaming=True)
```"""
    text += _not_messages(counts, files)
    if TARS not in kinds:
        return f"{text}\n\n{_TRAINERS_WITHOUT_FRAMES}"
    return f"""{text}

{_trainers(first.split)}

The same as WebDataset: a sample a turn, those of a video one after the other, with what each of
its dialogues has in that turn.

```python
from pathlib import Path

from webdataset import WebDataset

tars = [str(tar) for tar in sorted(Path("CORPUS/{TARS}/{first.split}").glob("*.tar"))]
for sample in WebDataset(tars, shardshuffle=False).decode():
    turn, jpeg = sample["json"], sample["jpg"]
    states = {{each["sample_id"]: each["state"] for each in turn["dialogues"]}}
```

`datasets` streams the tars, too:

```python
turns = load_dataset(
    "webdataset",
    data_files={{"{first.split}": "CORPUS/{TARS}/{first.split}/*.tar"}},
    split="{first.split}",
    streaming=True,
)
```

Unpacked, they lay each frame where `images` of the `{MESSAGES}` says. The name of its folder is the
first 32 hex digits of the SHA-256 of its `video_id`."""


def _trainers(split: str) -> str:
    return f"""\
For ms-swift 4 and LLaMA-Factory, `turnwise export` writes `messages` with the frames as files,
which it takes from the tars below `{TARS}`:

```sh
turnwise export CORPUS --format messages -o trainer
cd trainer
ROOT_IMAGE_DIR=. swift sft --dataset {split}.jsonl --model MODEL  # ms-swift
llamafactory-cli train TRAINING.yaml  # has `dataset_dir: .` and `dataset: trainer_{split}`
```

`trainer/README.md` says which state tokens to add, and how weights are read."""


def _not_messages(counts: CorpusCounts, files: Sequence[ShardFile]) -> str:
    held = sum(file.rows for file in files if file.path.startswith(f"{MESSAGES}/"))
    if not (left := counts.whole.dialogues - held):
        return ""
    return (
        f"\n\n{left:,} dialogues are not among the `{MESSAGES}`: a text of theirs holds what a"
        " trainer would take for a picture or a state."
    )
