"""A corpus in PyTorch's ``DataLoader``, by each way that the documents show.

In the environment of ms-swift, which has torch: see ``test_loaders.py`` beside.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.documents.blocks import blocks
from tests.loaders import of_rows
from tests.runs.small_corpus import grouped_samples, write_grouped
from tests.trainers.test_loaders import SWIFT, needs

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.trainers, needs(SWIFT)]


def test_every_loader_gives_the_samples_that_were_written(tmp_path: Path) -> None:
    samples = grouped_samples()
    write_grouped(tmp_path / "runs" / "demo" / "corpus", samples)
    page = (ROOT / "docs" / "how-to" / "read-the-corpus.md").read_text("utf-8")
    (script,) = [each.text for each in blocks(page) if each.title == "torch_loaders.py"]
    (tmp_path / "torch_loaders.py").write_text(script)
    rows = [d.model_dump() for each in samples for d in each.dialogues]
    frames = [
        {"video_id": f.video_id, "index": f.index, "image": {"bytes": f.jpeg}}
        for each in samples
        for f in each.frames
    ]
    written = json.loads(json.dumps(of_rows(rows, frames)))
    done = subprocess.run(
        [
            os.environ[SWIFT.variable],
            Path(__file__).with_name("check_torch.py"),
            "torch_loaders.py",
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HF_HOME": str(tmp_path / "huggingface"),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen.pop("batch") == [4, 3, 48, 64]
    assert seen.pop("picture") == [64, 48]
    wrong = [name for name, loaded in seen["loaders"].items() if loaded != written]
    assert (len(seen["loaders"]), wrong) == (4, [])
