"""What LLaMA-Factory makes of an exported folder, as one JSON document on standard output.

``python check_llamafactory.py FOLDER``, run by the interpreter of an environment that holds
LLaMA-Factory 0.9. The rows come from the loader of ``llamafactory-cli train`` with the options
``--dataset NAME --dataset_dir FOLDER``, NAME being the one entry of ``dataset_info.json``; then
every row takes those steps of the template ``qwen2_vl`` that need neither a tokenizer nor a model:
placeholders are counted against images, images are read.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

TEMPLATE = "qwen2_vl"


def see(folder: Path) -> dict[str, Any]:
    """Rows of the file, rows dropped, and the samples that are left, in the order of the file."""
    from llamafactory.data.loader import (  # type: ignore[import-not-found]
        _get_merged_dataset,
    )
    from llamafactory.hparams import get_train_args  # type: ignore[import-not-found]

    (name,) = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
    model, data, training, _, _ = get_train_args(
        {
            "stage": "sft",
            "do_train": True,
            "model_name_or_path": "none",  # asked for, never opened
            "template": TEMPLATE,
            "dataset": name,
            "dataset_dir": str(folder),
            "output_dir": str(folder / "checkpoints"),  # never written
            "overwrite_cache": True,
            "use_cpu": True,
        }
    )
    rows = list(_get_merged_dataset(data.dataset, model, data, training, "sft"))
    # The rule by which the supervised processor drops a row before it makes tokens.
    whole = [row for row in rows if len(row["_prompt"]) % 2 == 1 and len(row["_response"]) == 1]
    return {
        "trainer": f"llamafactory {importlib.metadata.version('llamafactory')}",
        "rows": len(rows),
        "dropped": len(rows) - len(whole),
        "samples": [sample(row, model) for row in whole],
    }


def sample(row: dict[str, Any], model: Any) -> dict[str, Any]:
    """Turns as the template gets them; the images; why the trainer stops at this row, or null."""
    from llamafactory.data.template import TEMPLATES  # type: ignore[import-not-found]

    plugin = TEMPLATES[TEMPLATE].mm_plugin
    turns = [*row["_prompt"], *row["_response"]]
    images = row["_images"] or []
    refusal = None
    try:
        plugin._validate_messages(turns, images, [], [])
    except ValueError as error:
        refusal = str(error)
    system = [{"role": "system", "content": row["_system"]}] if row["_system"] else []
    return {
        "turns": system + turns,
        "images": [image(path, plugin, model) for path in images],
        "refusal": refusal,
    }


def image(path: str, plugin: Any, model: Any) -> dict[str, Any]:
    """Where the trainer looks for an image, and whether it can decode it."""
    limits = {
        "image_max_pixels": model.image_max_pixels,
        "image_min_pixels": model.image_min_pixels,
    }
    try:
        (read,) = plugin._regularize_images([path], **limits)["images"]
        read.load()
    except (OSError, ValueError):
        return {"path": str(Path(path).absolute()), "opens": False}
    return {"path": str(Path(path).absolute()), "opens": True}


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # where the trainer's log belongs
        seen = see(Path(sys.argv[1]).absolute())
    print(json.dumps(seen, ensure_ascii=False))
