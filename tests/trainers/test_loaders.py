"""An exported folder, as it is, in the loaders of ms-swift and LLaMA-Factory themselves.

Each trainer lives in an environment of its own, named by an environment variable; without it the
tests of that trainer are skipped. ``make test-trainers`` makes both and runs this file.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

HERE = Path(__file__).parent
SYSTEM = "Watch the stream. Each second, be silent, stand by or respond."
STATES = ("</Silence>", "</Standby>", '</Response> Der Zug hält; "Gleis 3" 列車が停車\u2028{x}')

Sample = dict[str, Any]
Weigh = Callable[[int], dict[str, Any]]
Damage = Callable[[Sample], None]

pytestmark = pytest.mark.trainers


@dataclass(frozen=True)
class Trainer:
    """A trainer: its script, the variable that names its interpreter, what it keeps."""

    name: str
    variable: str
    keeps_weights: bool

    def see(self, folder: Path, caches: Path) -> dict[str, Any]:
        """What the trainer makes of ``folder``, with fresh caches and no network."""
        done = subprocess.run(
            [os.environ[self.variable], HERE / f"check_{self.name}.py", folder],
            cwd=caches,
            env={
                **os.environ,
                "HF_HOME": str(caches / "huggingface"),
                "HF_HUB_OFFLINE": "1",
                "MODELSCOPE_CACHE": str(caches / "modelscope"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen


SWIFT = Trainer("swift", "TURNWISE_SWIFT_PYTHON", keeps_weights=True)
LLAMAFACTORY = Trainer("llamafactory", "TURNWISE_LLAMAFACTORY_PYTHON", keeps_weights=False)


def needs(trainer: Trainer) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        trainer.variable not in os.environ,
        reason=f"{trainer.variable} names no interpreter that holds the trainer",
    )


each_trainer = pytest.mark.parametrize(
    "trainer",
    [
        pytest.param(trainer, id=trainer.name, marks=needs(trainer))
        for trainer in (SWIFT, LLAMAFACTORY)
    ],
)


def no_weights(state: int) -> dict[str, Any]:
    return {}


def scale_alone(state: int) -> dict[str, Any]:
    return {"loss_scale": (0.3, 1.3, 2.0)[state]}


def loss_and_scale(state: int) -> dict[str, Any]:
    return {"loss": state != 0, "loss_scale": (0.3, 1.3, 2.0)[state]}


def write_example(folder: Path, weigh: Weigh = loss_and_scale) -> None:
    """Three dialogues of different length over real JPEG files, and the LLaMA-Factory entry."""
    samples = [example(folder, key, turns, weigh) for key, turns in (("a", 6), ("b", 1), ("c", 3))]
    write(folder, samples)
    entry = {
        "file_name": "data.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "images": "images"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }
    (folder / "dataset_info.json").write_text(json.dumps({"turnwise": entry}), encoding="utf-8")


def example(folder: Path, key: str, turns: int, weigh: Weigh) -> Sample:
    """One dialogue, its images written."""
    images = [f"images/{key}/{turn:06d}.jpg" for turn in range(turns)]
    (folder / "images" / key).mkdir(parents=True)
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}]
    for turn, image in enumerate(images):
        cv2.imwrite(str(folder / image), np.full((48, 64, 3), 40 * turn, np.uint8))
        question = "What happens on the platform?\n" if turn == 0 else ""
        asked = f"{question}<{turn}s-{turn + 1}s>\n<image>"
        messages.append({"role": "user", "content": asked})
        reply = {"role": "assistant", "content": STATES[turn % 3], **weigh(turn % 3)}
        messages.append(reply)
    about = {"video_name": f"{key}.mp4", "task_type": "narration", "source": "scenes"}
    return {"messages": messages, "images": images, **about}


def samples_of(folder: Path) -> list[Sample]:
    with (folder / "data.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(folder: Path, samples: list[Sample]) -> None:
    lines = (json.dumps(sample, ensure_ascii=False) + "\n" for sample in samples)
    (folder / "data.jsonl").write_text("".join(lines), encoding="utf-8")


def faults(folder: Path, seen: dict[str, Any], keeps_weights: bool) -> list[str]:
    """Where what the trainer sees differs from what ``folder`` says; nothing if it is the same."""
    written = samples_of(folder)
    if seen["dropped"] or len(seen["samples"]) != len(written):
        return [f"{seen['dropped']} of {len(written)} dropped"]
    found = []
    for number, (ours, theirs) in enumerate(zip(written, seen["samples"], strict=True)):
        turns, images = theirs["turns"], theirs["images"]
        # ms-swift reads 0.3 as 0.30000000000000004: its reader errs in the last place.
        weights = pytest.approx(weights_of(ours["messages"]), rel=1e-12)
        same = {
            "turns": [plain(m) for m in turns] == [plain(m) for m in ours["messages"]],
            "images": [i["path"] for i in images] == [str(folder / i) for i in ours["images"]],
            "files": all(image["opens"] for image in images),
            "placeholders": placeholders(turns) == (len(images), 0, 0),
            "taken": theirs.get("refusal") is None,
            "weights": not keeps_weights
            or [turn["weight"] for turn in turns if turn["role"] == "assistant"] == weights,
        }
        found += [f"sample {number}: {what}" for what, is_same in same.items() if not is_same]
    return found


def plain(message: dict[str, Any]) -> tuple[str, str]:
    return message["role"], message["content"]


def placeholders(turns: list[dict[str, Any]]) -> tuple[int, ...]:
    """How often a placeholder stands in the turns: of images, of videos, of audio."""
    text = "".join(turn["content"] for turn in turns)
    return tuple(text.count(mark) for mark in ("<image>", "<video>", "<audio>"))


def weights_of(messages: list[dict[str, Any]]) -> list[float]:
    """The weight that each reply asks for: none where ``loss`` is false, else its scale, else 1."""
    return [
        message.get("loss_scale", 1.0) if message.get("loss", True) else 0.0
        for message in messages
        if message["role"] == "assistant"
    ]


@each_trainer
@pytest.mark.parametrize("weigh", [no_weights, scale_alone, loss_and_scale])
def test_every_sample_arrives_as_it_was_written(
    trainer: Trainer, weigh: Weigh, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    write_example(folder, weigh)
    seen = trainer.see(folder, tmp_path)
    assert seen["rows"] == 3
    assert faults(folder, seen, trainer.keeps_weights) == []


def without_last_reply(sample: Sample) -> None:
    del sample["messages"][-1]


def with_strange_role(sample: Sample) -> None:
    sample["messages"][1]["role"] = "narrator"


def without_placeholder(sample: Sample) -> None:
    asked = sample["messages"][-2]
    asked["content"] = asked["content"].replace("\n<image>", "")


def with_stray_placeholder(sample: Sample) -> None:
    sample["messages"][-1]["content"] += " <image>"


def without_image_file(sample: Sample) -> None:
    sample["images"][-1] = "images/c/999999.jpg"


DAMAGES: tuple[tuple[Trainer, Damage, str], ...] = (
    (SWIFT, with_strange_role, "1 of 3 dropped"),
    # ms-swift puts a missing placeholder before the first turn, without a word.
    (SWIFT, without_placeholder, "sample 2: turns"),
    (SWIFT, with_stray_placeholder, "sample 2: placeholders"),
    (SWIFT, without_image_file, "sample 2: files"),
    (LLAMAFACTORY, with_strange_role, "1 of 3 dropped"),
    (LLAMAFACTORY, without_last_reply, "1 of 3 dropped"),
    (LLAMAFACTORY, without_placeholder, "sample 2: taken"),
    (LLAMAFACTORY, without_image_file, "sample 2: files"),
)


@pytest.mark.parametrize(
    ("trainer", "damage", "fault"),
    [
        pytest.param(*row, marks=needs(row[0]), id=f"{row[0].name}-{row[1].__name__}")
        for row in DAMAGES
    ],
)
def test_a_damaged_sample_is_noticed(
    trainer: Trainer, damage: Damage, fault: str, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    write_example(folder)
    samples = samples_of(folder)
    damage(samples[2])
    write(folder, samples)
    assert fault in faults(folder, trainer.see(folder, tmp_path), trainer.keeps_weights)
