"""What ms-swift makes of an exported folder, or of a corpus with its tars unpacked in it, as one
JSON document on standard output.

``python check_swift.py FOLDER``, run by the interpreter of an environment that holds ms-swift 4.x.
The rows come from ``swift.dataset.load_dataset``, as for ``swift sft --dataset FOLDER/data.jsonl``
with ``ROOT_IMAGE_DIR=FOLDER``, or FOLDER/messages of a corpus; then every row takes those steps of
ms-swift's template that need neither a tokenizer nor a model: placeholders are matched with images,
messages get their weights.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import Any

from pyarrow.parquet import read_metadata


def see(folder: Path) -> dict[str, Any]:
    """Rows of the file, rows dropped, and the samples that are left, in the order of the file."""
    os.environ["ROOT_IMAGE_DIR"] = str(folder)
    from swift.dataset import load_dataset  # type: ignore[import-not-found]

    file, parquet = folder / "data.jsonl", folder / "messages"
    if file.exists():
        rows, _ = load_dataset([str(file)], load_from_cache_file=False)
        with file.open(encoding="utf-8") as lines:
            written = sum(1 for _ in lines)
    else:
        rows, _ = load_dataset([str(parquet)], load_from_cache_file=False)
        written = sum(read_metadata(each).num_rows for each in parquet.iterdir())
    return {
        "trainer": f"ms-swift {importlib.metadata.version('ms-swift')}",
        "rows": written,
        "dropped": written - len(rows),
        "samples": [sample(row) for row in rows],
    }


def sample(row: dict[str, Any]) -> dict[str, Any]:
    """Turns as the template gets them, each reply with its weight in the loss; and the images."""
    from swift.loss_scale import get_loss_scale  # type: ignore[import-not-found]
    from swift.template import (  # type: ignore[import-not-found]
        ContextType,
        StdTemplateInputs,
        Template,
    )

    inputs = StdTemplateInputs.from_dict(row)
    if inputs.is_multimodal:
        Template._add_default_tags(inputs)
    replies = [m["content"] for m in inputs.messages if m["role"] == "assistant"]
    _, weights = get_loss_scale("default")(
        replies, [ContextType.RESPONSE] * len(replies), inputs.messages
    )
    left = iter(weights)
    turns = [{"role": "system", "content": inputs.system}] if inputs.system else []
    for message in inputs.messages:
        turn = {key: value for key, value in message.items() if value is not None}
        turns.append(turn | ({"weight": next(left)} if message["role"] == "assistant" else {}))
    return {"turns": turns, "images": [image(item["path"]) for item in inputs.images]}


def image(path: str) -> dict[str, Any]:
    """Where the trainer looks for an image, and whether it can decode it."""
    from swift.template import load_image
    from swift.template.vision_utils import _check_path  # type: ignore[import-not-found]

    try:
        load_image(path).load()
    except (OSError, ValueError):
        return {"path": _check_path(path), "opens": False}
    return {"path": _check_path(path), "opens": True}


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # where the trainer's log belongs
        seen = see(Path(sys.argv[1]).absolute())
    print(json.dumps(seen, ensure_ascii=False))
