"""The part of the card that says how to load the corpus, as code that works as it is printed."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.corpus.counts import CorpusCounts
from pipeline.corpus.layout import FRAMES, MESSAGES, PREVIEW, TARS, TRACES
from pipeline.records import ShardFile


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
    if TARS not in kinds:
        return text
    return f"""{text}

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
