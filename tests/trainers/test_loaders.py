"""An exported folder, as it is, in the loaders of ms-swift and LLaMA-Factory themselves.

Each trainer lives in an environment of its own, named by an environment variable; without it the
tests of that trainer are skipped. ``make test-trainers`` makes both and runs this file.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from pipeline.run import main
from tests.runs.small_corpus import TEXT, grouped_samples, small_corpus, write_grouped

HERE = Path(__file__).parent
VICTIM = 3
"""The sample that is damaged: one of many turns."""

Sample = dict[str, Any]
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


def write_example(folder: Path, *options: str) -> None:
    """Dialogues of several videos as ``export`` writes them; the one split is called ``data``."""
    corpus = folder.with_name("corpus")
    samples = [
        VideoSample([d.model_copy(update={"split": "data"}) for d in one.dialogues], one.frames)
        for one in small_corpus()
    ]
    write_corpus(corpus, samples, CorpusSettings())
    assert main(["export", str(corpus), "-o", str(folder), *options]) == 0


def write_unpacked(folder: Path) -> None:
    """A corpus, as the card has it loaded by trainers: with its tars unpacked."""
    write_grouped(folder, grouped_samples())
    for tar in folder.glob("wds/train/*.tar"):
        with tarfile.open(tar) as opened:
            opened.extractall(folder, filter="data")
    entry = {
        "file_name": "messages",
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "images": "images"},
        "tags": {
            "role_tag": "role", "content_tag": "content", "user_tag": "user",
            "assistant_tag": "assistant", "system_tag": "system",
        },
    }  # fmt: skip
    (folder / "dataset_info.json").write_text(json.dumps({"corpus": entry}))


def samples_of(folder: Path) -> list[Sample]:
    """Those of an export, or the rows of the config ``messages`` of a corpus."""
    if (folder / "messages").exists():
        rows = pq.read_table(folder / "messages").to_pylist()
        return [
            {
                **row,
                "messages": [
                    {k: v for k, v in m.items() if v is not None} for m in row["messages"]
                ],
            }
            for row in rows
        ]
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
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--weights", "streamo_fixed"),
        ("--weights", "transitions", "--spelling", "paper"),
        ("--max-tokens", "600", "--overlap-turns", "2"),
    ],
    ids=["whole", "weighed", "masked", "windows"],
)
def test_every_sample_arrives_as_it_was_written(
    trainer: Trainer, options: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    write_example(folder, *options)
    written = samples_of(folder)
    assert any(TEXT in said["content"] for sample in written for said in sample["messages"])
    assert len(written) > (5 if "--max-tokens" in options else 4)
    seen = trainer.see(folder, tmp_path)
    assert seen["rows"] == len(written)
    assert faults(folder, seen, trainer.keeps_weights) == []


@each_trainer
def test_the_messages_of_a_corpus_arrive_without_an_export(
    trainer: Trainer, tmp_path: Path
) -> None:
    folder = tmp_path / "corpus"
    write_unpacked(folder)
    seen = trainer.see(folder, tmp_path)
    assert seen["rows"] == len(samples_of(folder)) == 11
    # LLaMA-Factory takes the files of a folder in the order of its listing.
    order = [[plain(m) for m in sample["messages"]] for sample in samples_of(folder)]
    seen["samples"].sort(key=lambda sample: order.index([plain(m) for m in sample["turns"]]))
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
    (SWIFT, with_strange_role, "1 of {rows} dropped"),
    # ms-swift puts a missing placeholder before the first turn, without a word.
    (SWIFT, without_placeholder, "sample {victim}: turns"),
    (SWIFT, with_stray_placeholder, "sample {victim}: placeholders"),
    (SWIFT, without_image_file, "sample {victim}: files"),
    (LLAMAFACTORY, with_strange_role, "1 of {rows} dropped"),
    (LLAMAFACTORY, without_last_reply, "1 of {rows} dropped"),
    (LLAMAFACTORY, without_placeholder, "sample {victim}: taken"),
    (LLAMAFACTORY, without_image_file, "sample {victim}: files"),
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
    damage(samples[VICTIM])
    write(folder, samples)
    expected = fault.format(rows=len(samples), victim=VICTIM)
    assert expected in faults(folder, trainer.see(folder, tmp_path), trainer.keeps_weights)
