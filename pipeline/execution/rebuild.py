"""Reads the frames of a corpus again from its videos, and writes the corpus with them.

A corpus says in its config how its frames were stored, and each dialogue has the digest of all
frames of its video. So what is read again is compared with what was annotated.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import ValidationError

from pipeline.corpus.compare_runs import read_config
from pipeline.corpus.facts import CONFIG
from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample, check_sample
from pipeline.corpus.read import read_groups
from pipeline.corpus.write import write_group, write_whole
from pipeline.execution.frame_readers import FrameReaders, Read, Refused
from pipeline.execution.run_texts import keep_run_texts
from pipeline.settings import Settings
from pipeline.store.durable import make_folders, put_folder, remove, remove_abandoned, unfinished
from pipeline.store.listing import paths_of
from pipeline.workflow.stage import StageConfig, load_stage

S = TypeVar("S", bound=Settings)

REJECTS = "rejects.jsonl"
"""A line for each video that has no frames: its id, why, and how many dialogues it had."""
_SEGMENT = "segment"


@dataclass
class Rebuilt:
    """What became of the videos of a corpus."""

    same: int = 0
    """Their frames are those that were annotated, byte for byte."""
    other_bytes: int = 0
    """Frames of the same file at the same times, of which another decoder made other bytes."""
    rejected: int = 0

    def to_text(self) -> str:
        """For people."""
        read = self.same + self.other_bytes
        lines = [f"videos: {read + self.rejected}, with frames: {read}"]
        lines.append(f"  the bytes that were annotated: {self.same}")
        if self.other_bytes:
            lines.append(f"  the same frames in bytes of another decoder: {self.other_bytes}")
        if self.rejected:
            lines.append(f"  left out: {self.rejected}; see {REJECTS}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, int]:
        """As JSON data."""
        return asdict(self)


def rebuild(corpus: Path, videos: Path, out: Path, *, workers: int) -> Rebuilt:
    """Writes into ``out``, which must not exist, the corpus with the frames of its turns.

    ``videos`` is a folder, see ``found_below``. So many decoders as ``workers`` read at once. The
    dialogues of one group of shards are held at a time, and the frames of ``workers`` videos. A
    video without a file, of another file that gives other frames, or whose frames stand at other
    times is left out and named in ``rejects.jsonl``.

    Raises:
        CorpusError: ``no_corpus``; ``no_config``, it does not say how frames were stored;
            ``no_frames``, no video could be read; ``newer_format`` or ``unreadable``.
    """
    settings, config = _settings(corpus)
    make_folders(out.parent)
    remove_abandoned(out)
    fresh, done, groups = unfinished(out), Rebuilt(), []
    fresh.mkdir()
    try:
        with (
            FrameReaders(videos, load_stage(_SEGMENT), config, workers) as readers,
            (fresh / REJECTS).open("w", encoding="utf-8") as rejects,
        ):
            for number, samples in read_groups(corpus):
                framed = _framed(samples, readers, done, rejects.write)
                groups.append(write_group(fresh / "group", number, framed, settings))
                _move(fresh / "group", fresh)
        if not done.same + done.other_bytes:
            raise CorpusError("no_frames", f"none of {done.rejected} videos of {corpus} was read")
        write_whole(fresh, groups, settings)
        keep_run_texts(corpus, fresh)
        put_folder(fresh, out)
    finally:
        remove(fresh)
    return done


class _Section(NamedTuple):
    stage: str
    config: dict[str, Any]
    after: Sequence[str]


def _settings(corpus: Path) -> tuple[CorpusSettings, StageConfig]:
    """How the corpus is written with frames, and how these were stored."""
    try:
        nodes = yaml.safe_load(read_config(corpus))["nodes"]
        sections = {
            name: _Section(node["stage"], node["config"], node.get("after", ()))
            for name, node in nodes.items()
        }
        written: dict[str, Any] = {}
        read: set[str] = set()
        for section in sections.values():
            if section.stage in ("write_files", "write_corpus"):
                written |= section.config
                read.update(section.after)
        every = {name: s.config for name, s in sections.items() if s.stage == _SEGMENT}
        cut = [config for name, config in every.items() if name in read or len(every) == 1]
        of_frames = cut[0]
        if any(config != of_frames for config in cut):
            detail = f"not supported: {corpus / CONFIG} has frames that were stored in several ways"
            raise CorpusError("no_config", detail)
        settings = CorpusSettings.model_validate(written | {"frames": True, "tars": True})
        # No other frame of a turn than its first is in a corpus.
        config = load_stage(_SEGMENT).config.model_validate(of_frames | {"frames_per_turn": 1})
    except (yaml.YAMLError, TypeError, LookupError, AttributeError) as error:
        detail = f"{corpus / CONFIG} does not say how frames were stored"
        raise CorpusError("no_config", detail) from error
    except ValidationError as error:
        detail = f"{corpus / CONFIG} is of another version: {error.error_count()} keys do not fit"
        raise CorpusError("no_config", detail) from error
    return settings, config


def _framed(
    samples: Iterator[VideoSample],
    readers: FrameReaders,
    done: Rebuilt,
    note: Callable[[str], object],
) -> Iterator[VideoSample]:
    """The samples with their frames, in order; those that have none are noted."""
    for sample, read in readers.read(samples):
        framed = _checked(sample, read)
        if isinstance(framed, Refused):
            done.rejected += 1
            about = {"video_id": sample.video_id, **framed._asdict()}
            note(json.dumps({**about, "dialogues": len(sample.dialogues)}) + "\n")
        else:
            is_same = isinstance(read, Read) and read.same
            done.same += is_same
            done.other_bytes += not is_same
            yield framed


def _checked(sample: VideoSample, read: Read | Refused) -> VideoSample | Refused:
    """The sample with its frames, or why it has none."""
    if isinstance(read, Refused):
        return read
    if not read.same_file:
        return Refused("other_file", "its file is another, and gives other frames")
    framed = VideoSample(sample.dialogues, read.frames)
    try:
        check_sample(framed, frames=True)
    except CorpusError as error:
        return Refused(error.reason, error.detail)
    return framed


def _move(group: Path, whole: Path) -> None:
    """The files of a group, whose names are its own, to where those of all are."""
    for file in filter(Path.is_file, paths_of(group, "**/*")):
        place = whole / file.relative_to(group)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)
    shutil.rmtree(group)
