"""ms-swift's own trainer takes a few steps on our export with our objective, on the CPU."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.trainers.test_loaders import SWIFT, needs, write_example

ROOT = Path(__file__).resolve().parents[2]
STATES = ("</Silence>", "</Standby>", "</Response>")
PLUGIN = ROOT / "pipeline" / "training" / "ms_swift.py"
pytestmark = [pytest.mark.trainers, needs(SWIFT)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export and a tiny checkpoint."""
    folder = tmp_path_factory.mktemp("training")
    write_example(folder / "export")
    script = ROOT / "tests" / "vllm" / "tiny_checkpoint.py"
    python = os.environ[SWIFT.variable]
    subprocess.run([python, str(script), str(folder / "model")], check=True)
    return folder


def trained(place: Path, *options: str, objective: str = "paper", status: int = 0) -> str:
    """What ``swift sft`` prints over two steps with one seed."""
    swift = Path(os.environ[SWIFT.variable]).with_name("swift")
    command = [
        *(str(swift), "sft", "--model", str(place / "model"), "--model_type", "qwen2_5_vl"),
        *("--template", "qwen2_5_vl", "--tuner_type", "full", "--torch_dtype", "float32"),
        *("--dataset", str(place / "export" / "data.jsonl"), "--split_dataset_ratio", "0"),
        *("--max_steps", "2", "--logging_steps", "1", "--save_strategy", "no"),
        *("--per_device_train_batch_size", "1", "--gradient_accumulation_steps", "1"),
        *("--dataset_num_proc", "1", "--dataloader_num_workers", "0", "--use_cpu", "true"),
        *("--report_to", "none", "--output_dir", str(place / "out"), *options),
    ]
    done = subprocess.run(
        command,
        cwd=place,
        env={
            **os.environ,
            "TURNWISE_OBJECTIVE": objective,
            "ROOT_IMAGE_DIR": str(place / "export"),
            "MAX_PIXELS": "3136",
            "HF_HOME": str(place / "huggingface"),
            "HF_HUB_OFFLINE": "1",
            "USE_HF": "1",
            "MODELSCOPE_CACHE": str(place / "modelscope"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr[-4000:]
    return done.stdout + done.stderr


def losses(printed: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"'loss': '([0-9.]+)'", printed)]


NEW = ("--new_special_tokens", *STATES)
OURS = ("--external_plugins", str(PLUGIN), "--loss_type", "turnwise", *NEW)


def test_it_trains_and_cross_entropy_is_its_own(place: Path) -> None:
    own = losses(trained(place, *NEW))
    assert len(own) == 2
    assert losses(trained(place, *OURS, objective="cross_entropy")) == pytest.approx(own, rel=1e-3)
    paper = losses(trained(place, *OURS))
    assert len(paper) == 2 and paper != pytest.approx(own, rel=1e-3)


def test_what_would_weigh_the_wrong_token_is_refused(place: Path) -> None:
    without = [option for option in OURS if option not in NEW]
    assert "not one token each" in trained(place, *without, status=1)
    assert "no objective 'papre'" in trained(place, *OURS, objective="papre", status=1)


def test_the_file_of_fixed_weights_is_read_and_trains_alike(place: Path) -> None:
    own = losses(
        trained(place, *NEW, "--external_plugins", str(PLUGIN), "--loss_scale", "turnwise")
    )
    assert len(own) == 2
    assert losses(trained(place, *OURS, objective="loss_scale")) == pytest.approx(own, rel=1e-3)
    plain = losses(trained(place, *OURS, objective="cross_entropy"))
    assert plain != pytest.approx(own, rel=1e-3)
