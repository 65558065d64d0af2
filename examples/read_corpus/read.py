"""Read a corpus: its dialogues with `datasets`, its frames with `webdataset`.

python examples/read_corpus/read.py CORPUS
"""

import json
import sys
from itertools import pairwise
from pathlib import Path

from datasets import load_dataset
from webdataset import WebDataset

corpus = Path(sys.argv[1])
tasks = sorted(folder.name for folder in (corpus / "data").iterdir())
split = next((corpus / "wds").iterdir()).name

# One config a task, one row a dialogue.
for task in tasks:
    dialogues = load_dataset(str(corpus), task, split=split)
    states = [turn["state"] for dialogue in dialogues for turn in dialogue["turns"]]
    counts = ", ".join(f"{states.count(s)} {s}" for s in ("silence", "standby", "response"))
    print(f"{task}: {len(dialogues)} dialogues, {counts}")

# One sample a video: all its dialogues, and each frame once, as the bytes of a JPEG.
tars = [str(tar) for tar in sorted((corpus / "wds" / split).glob("*.tar"))]
for sample in WebDataset(tars, shardshuffle=False).decode():
    video, frames = sample["json"], sample["npz"]
    offset = frames["offset"]
    jpegs = [frames["jpeg"][a:b].tobytes() for a, b in pairwise(offset)]
    for dialogue in video["dialogues"]:
        for turn in dialogue["turns"]:
            if turn["state"] == "response":
                row = {"video": video["video_id"], "at_s": turn["start_s"], "says": turn["text"]}
                print(json.dumps(row), f"frame of {len(jpegs[turn['index']])} bytes")
        break  # the first dialogue of each video is enough here
