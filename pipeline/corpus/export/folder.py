"""A whole export: one file a split, the frames, the README, put in place at once."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.corpus.export.card import export_card
from pipeline.corpus.export.exporter import Exporter, ExportTally, Shape, write_frames
from pipeline.corpus.export.survey import survey
from pipeline.corpus.formats.messages import dataset_info
from pipeline.corpus.layout import VideoSample
from pipeline.errors import ConfigError, did_you_mean
from pipeline.store.durable import (
    make_folders,
    put_folder,
    remove,
    remove_abandoned,
    unfinished,
)
from pipeline.store.location import Location

REJECTS = "rejects.jsonl"
_NOT_IN_A_NAME = re.compile(r"[^\w.-]+")
"""Trainers take lists of data set names, separated by commas."""


def export_folder(
    samples: Iterable[VideoSample],
    parts: Iterable[Location],
    folder: Path,
    shape: Shape,
    *,
    tasks: Collection[str] = (),
    frames: bool,
) -> ExportTally:
    """Exports ``samples``, which ``parts`` hold, of these tasks or of all where none is named.

    The folder, which must be empty or absent, then holds ``<split>.json`` (or ``.jsonl``),
    ``README.md``, ``rejects.jsonl``, the frames as ``images/<video>/<turn>.jpg`` with ``frames``,
    and for ``messages`` a ``dataset_info.json``. It is put in place as a whole, or not at all.

    Raises:
        ConfigError: the parts hold no such task.
        CorpusError: a file cannot be read.
    """
    found = survey(parts, tasks)
    for task in sorted(set(tasks) - found.tasks):
        raise ConfigError(f"--task: there is no {task!r}{did_you_mean(task, found.tasks)}")
    shape = replace(shape, corpus=found.states, weighed=found.weighed)
    make_folders(folder.parent)
    remove_abandoned(folder)
    fresh = unfinished(folder)
    fresh.mkdir()
    try:
        tally = _write_samples(_of_tasks(samples, tasks), fresh, shape, frames=frames)
        _write_descriptions(fresh, shape, tally, _NOT_IN_A_NAME.sub("_", folder.name))
        put_folder(fresh, folder)
    finally:
        remove(fresh)
    return tally


def _of_tasks(samples: Iterable[VideoSample], tasks: Collection[str]) -> Iterator[VideoSample]:
    for sample in samples:
        chosen = [d for d in sample.dialogues if not tasks or d.task in tasks]
        if chosen:
            yield VideoSample(chosen, sample.frames)


def _write_samples(
    samples: Iterable[VideoSample], folder: Path, shape: Shape, *, frames: bool
) -> ExportTally:
    suffix = shape.format.suffix
    exporter = Exporter(shape, lambda split: folder / f"{split}.{suffix}", folder / REJECTS)
    with exporter:
        for sample in samples:
            written = [exporter.add(dialogue) for dialogue in sample.dialogues]
            if frames and any(written):
                jpegs = [frame.jpeg for frame in sample.frames]
                exporter.tally.images += write_frames(folder / shape.images, sample.video_id, jpegs)
    return exporter.tally


def _write_descriptions(folder: Path, shape: Shape, tally: ExportTally, name: str) -> None:
    """The README and, for LLaMA-Factory, ``dataset_info.json``."""
    files = sorted(path.name for path in folder.glob(f"*.{shape.format.suffix}"))
    files = [file for file in files if file != REJECTS]
    if shape.format.name == "messages":
        entries: dict[str, object] = {}
        for file in files:
            entries |= dataset_info(f"{name}_{Path(file).stem}", file)
        text = json.dumps(entries, indent=2) + "\n"
        (folder / "dataset_info.json").write_text(text, encoding="utf-8")
    first = f"{name}_{Path(files[0]).stem}" if files else name
    (folder / "README.md").write_text(export_card(shape, tally, files, first), encoding="utf-8")
