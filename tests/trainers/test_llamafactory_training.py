"""LLaMA-Factory's own trainer takes a few steps on our export with our objective, on the CPU."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.trainers.test_loaders import LLAMAFACTORY, needs, write_example

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "pipeline" / "training" / "llama_factory.py"
STATES = "</Silence>,</Standby>,</Response>"
pytestmark = [pytest.mark.trainers, needs(LLAMAFACTORY)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export and a tiny checkpoint."""
    folder = tmp_path_factory.mktemp("training")
    write_example(folder / "export")
    script = ROOT / "tests" / "vllm" / "tiny_checkpoint.py"
    python = os.environ[LLAMAFACTORY.variable]
    subprocess.run([python, str(script), str(folder / "model")], check=True)
    return folder


def trained(place: Path, *command: Path | str, objective: str = "paper", status: int = 0) -> str:
    """What the trainer prints over two steps with one seed."""
    (dataset,) = json.loads((place / "export" / "dataset_info.json").read_text("utf-8"))
    settings = {
        "model_name_or_path": place / "model", "template": "qwen2_vl", "stage": "sft",
        "do_train": True, "finetuning_type": "full", "dataset": dataset,
        "dataset_dir": place / "export", "output_dir": mkdtemp(dir=place), "max_steps": 2,
        "logging_steps": 1, "save_strategy": "no", "per_device_train_batch_size": 1,
        "add_special_tokens": STATES, "resize_vocab": True, "use_cpu": True,
        "report_to": "none", "overwrite_cache": True, "image_max_pixels": 3136,
        "cutoff_len": 8192,
    }  # fmt: skip
    (place / "train.yaml").write_text(
        "".join(f"{key}: {json.dumps(value, default=str)}\n" for key, value in settings.items())
    )
    done = subprocess.run(
        [*command, place / "train.yaml"],
        cwd=place,
        env={
            **os.environ,
            "TURNWISE_OBJECTIVE": objective,
            "HF_HOME": str(place / "huggingface"),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr[-4000:]
    return done.stdout + done.stderr


def losses(printed: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"'loss': '?([0-9.]+)", printed)]


def test_it_trains_and_cross_entropy_is_its_own(place: Path) -> None:
    python = Path(os.environ[LLAMAFACTORY.variable])
    own = losses(trained(place, python.with_name("llamafactory-cli"), "train"))
    assert len(own) == 2
    plain = losses(trained(place, python, SCRIPT, objective="cross_entropy"))
    assert plain == pytest.approx(own, rel=1e-3)
    paper = losses(trained(place, python, SCRIPT))
    assert len(paper) == 2 and paper != pytest.approx(own, rel=1e-3)
    assert "no objective 'papre'" in trained(place, python, SCRIPT, objective="papre", status=1)


def test_its_second_version_takes_no_frames_yet() -> None:
    """Its ``v1`` has a weight a message, ``loss_weight``; see docs/how-to/train.md."""
    message = {"role": "user", "content": [{"type": "image_url", "value": "frame.jpg"}]}
    python = os.environ[LLAMAFACTORY.variable]
    script = (
        "from llamafactory.v1.core.utils.rendering import render_chatml_messages\n"
        f"render_chatml_messages(None, [{message!r}])"
    )
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Unsupported content type: image_url" in done.stderr
