"""What PyTorch's ``DataLoader`` makes of a corpus, as one JSON document on standard output.

``python check_torch.py SCRIPT``, run by the interpreter of an environment that holds torch,
``datasets``, ``webdataset`` and Pillow, and finds ``turnwise.py``. SCRIPT is the one of
docs/how-to/read-the-corpus.md; in the working directory lies the corpus that it reads.
"""

from __future__ import annotations

import contextlib
import json
import runpy
import sys
from itertools import chain
from pathlib import Path
from typing import Any

from datasets import Image
from datasets.load import load_dataset
from torch.utils.data import DataLoader

import turnwise
from tests.loaders import of_rows, of_turns, of_videos

CORPUS = "runs/demo/corpus"


def see(script: Path) -> dict[str, Any]:
    """By loader, what it makes of the split ``train``; and shapes of what is decoded."""
    loaders = runpy.run_path(str(script))
    options: Any = {"split": "train"}
    framed = load_dataset(CORPUS, "frames", **options)
    pictures = framed.cast_column("image", Image(decode=False))
    streamed = load_dataset(CORPUS, streaming=True, **options).with_format("torch")
    streaming: Any = DataLoader(streamed, batch_size=3, num_workers=2, collate_fn=list)
    batch = next(iter(DataLoader(framed.with_format("torch"), batch_size=4)))
    first = next(turnwise.read(CORPUS))
    return {
        "loaders": {
            "datasets": of_rows(chain(*loaders["dialogues"]), pictures),
            "datasets, streaming": of_rows(chain(*streaming), pictures),
            "webdataset": of_turns(chain(*loaders["turns"])),
            "turnwise.read": of_videos(loaders["whole"]),
        },
        "batch": list(batch["image"].shape),
        "picture": list(first.frames[0].picture().size),
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        found = see(Path(sys.argv[1]))
    print(json.dumps(found))
