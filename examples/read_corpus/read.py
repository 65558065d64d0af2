"""Read a corpus: dialogues with `datasets`, frames with `webdataset`, both with `turnwise.read`.

python examples/read_corpus/read.py CORPUS
"""

import json
import sys
from itertools import groupby
from pathlib import Path

from datasets import load_dataset
from webdataset import WebDataset

import turnwise

corpus = Path(sys.argv[1])
tasks = sorted(folder.name for folder in (corpus / "data").iterdir())
split = next((corpus / "wds").iterdir()).name

# One config a task, one row a dialogue; without a name all tasks are loaded.
for task in tasks:
    dialogues = load_dataset(str(corpus), task, split=split)
    states = [turn["state"] for dialogue in dialogues for turn in dialogue["turns"]]
    counts = ", ".join(f"{states.count(s)} {s}" for s in ("silence", "standby", "response"))
    print(f"{task}: {len(dialogues)} dialogues, {counts}")

# One sample a turn: its frame as a JPEG, and what each dialogue of the video has in that turn. The
# turns of a video follow one another.
tars = [str(tar) for tar in sorted((corpus / "wds" / split).glob("*.tar"))]
samples = WebDataset(tars, shardshuffle=False).decode()
for video_id, turns in groupby(samples, key=lambda sample: sample["json"]["video_id"]):
    for sample in turns:
        shown = sample["json"]["dialogues"][0]  # the first dialogue of each video is enough here
        if shown["state"] == "response":
            row = {"video": video_id, "at_s": sample["json"]["start_s"], "says": shown["text"]}
            print(json.dumps(row), f"frame of {len(sample['jpg'])} bytes")

# Video by video: all dialogues and frames of one, and no other video is held.
for video in turnwise.read(corpus):
    frames_bytes = sum(len(frame.jpeg) for frame in video.frames)
    print(f"{video.video_id}: {len(video.dialogues)} dialogues, frames of {frames_bytes:,} bytes")
