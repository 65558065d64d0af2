"""A corpus as the HF Hub expects it: the files of each group of shards, then card and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from heapq import nsmallest
from pathlib import Path
from typing import TypeVar

from pipeline.corpus.card import CARD, card
from pipeline.corpus.corpus_format import COUNTS
from pipeline.corpus.counts import CorpusCounts, added
from pipeline.corpus.formats.base import FormatError
from pipeline.corpus.forms import (
    DIALOGUE_FORM,
    FRAME_FORM,
    MESSAGE_FORM,
    Chat,
    Shown,
    preview_form,
)
from pipeline.corpus.layout import (
    DATA,
    FRAMES,
    MESSAGES,
    PREVIEW,
    TRACES,
    CardSettings,
    CorpusError,
    CorpusSettings,
    FileSettings,
    VideoSample,
    check_sample,
)
from pipeline.corpus.parquet import Form, ParquetFiles
from pipeline.corpus.picture import PICTURE
from pipeline.corpus.tally import CorpusTally, shown_first
from pipeline.corpus.traces import TRACE_FORM
from pipeline.corpus.webdataset import TarFiles
from pipeline.corpus.written_file import write_file
from pipeline.records import CorpusGroup, Dialogue, ShardFile

T = TypeVar("T")

PREVIEW_ROWS = 100
TRACE_ROWS = 200
"""Both from the first group: a sample of a few is one of hash rank, whatever it is drawn from, and
so no task has to see all."""


def write_group(
    folder: Path, group: int, samples: Iterable[VideoSample], settings: FileSettings
) -> CorpusGroup:
    """Writes the files of a group of shards into ``folder``; returns the row about them.

    Takes one video after the other and keeps none, in the order of the manifest, which becomes the
    order of the rows. Same samples and settings, same bytes. The content of the folder after an
    error is of no use.

    Raises:
        FileExistsError: the folder is not empty.
        CorpusError: ``repeated_video``, or a sample that ``check_sample`` refuses.
    """
    _check_empty(folder)
    tally, ids, first = CorpusTally(), set[str](), _First() if group == 0 else None
    with ExitStack() as stack:

        def files(form: Form[T]) -> ParquetFiles[T]:
            return stack.enter_context(ParquetFiles(folder, form, group, settings.parquet_bytes))

        rows, chats, frames = files(DIALOGUE_FORM), files(MESSAGE_FORM), files(FRAME_FORM)
        shown, traces = files(preview_form(frames=settings.frames)), files(TRACE_FORM)
        tars = stack.enter_context(TarFiles(folder, group, settings.tar_bytes))
        for sample in samples:
            check_sample(sample, frames=settings.frames)
            if sample.video_id in ids:
                raise CorpusError("repeated_video", f"{sample.video_id!r} came before")
            ids.add(sample.video_id)
            ranks = [shown_first(dialogue) for dialogue in sample.dialogues]
            tally.add(sample, ranks)
            for dialogue, rank in zip(sample.dialogues, ranks, strict=True):
                rows.add(f"{DATA}/{dialogue.task}", dialogue, dialogue.split, dialogue.task)
                if (chat := _chat(dialogue)) is not None:
                    chats.add(MESSAGES, chat, dialogue.split)
                if first is not None:
                    first.add(rank, dialogue, sample)
            if settings.frames:
                for frame in sample.frames:
                    frames.add(FRAMES, frame, sample.split)
                if settings.tars:
                    tars.add(sample)
        for number, row in enumerate(first.rows() if first is not None else ()):
            traces.add(TRACES, row.dialogue, row.dialogue.split)
            if number < PREVIEW_ROWS:
                shown.add(PREVIEW, row, row.dialogue.split)
        every = (rows, chats, frames, shown, traces, tars)
        written = [file for each in every for file in each.finish()]
    return CorpusGroup(
        group=group,
        files=sorted(written, key=lambda file: file.path),
        counts=tally.result().model_dump_json(),
        example=tally.example.model_dump_json() if ids else "",
        picture=tally.picture,
    )


def write_whole(
    folder: Path, groups: Sequence[CorpusGroup], settings: CardSettings
) -> list[ShardFile]:
    """Writes what is about all groups into ``folder``: the card with its picture, and the counts.

    Raises:
        CorpusError: ``empty``: there is no dialogue at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    examples = [
        (Dialogue.model_validate_json(each.example), each.picture)
        for each in groups
        if each.example
    ]
    if not examples:
        raise CorpusError("empty", "there are no dialogues to write")
    counts = added([CorpusCounts.model_validate_json(each.counts) for each in groups])
    files = [file for each in groups for file in each.files]
    example, picture = min(examples, key=lambda each: shown_first(each[0]))
    text = card(counts, settings, example, files, PICTURE if picture else "")
    contents = {CARD: text.encode(), COUNTS: (counts.model_dump_json(indent=2) + "\n").encode()}
    if picture:
        contents[PICTURE] = picture
    return [write_file(folder, path, content) for path, content in contents.items()]


def write_corpus(
    folder: Path, samples: Iterable[VideoSample], settings: CorpusSettings
) -> list[ShardFile]:
    """A whole corpus of one group, outside of a run; returns its files, ordered by path.

    Raises:
        FileExistsError, CorpusError: as ``write_group`` and ``write_whole``.
    """
    group = write_group(folder, 0, samples, settings)
    whole = write_whole(folder, [group], settings)
    return sorted([*group.files, *whole], key=lambda file: file.path)


class _First:
    """The dialogues of the first group that are shown: the first by ``shown_first``."""

    def __init__(self) -> None:
        self._found: list[tuple[tuple[bool, str], Shown]] = []

    def add(self, rank: tuple[bool, str], dialogue: Dialogue, sample: VideoSample) -> None:
        if len(self._found) == TRACE_ROWS and rank > self._found[-1][0]:
            return
        self._found.append((rank, Shown.of(dialogue, sample)))
        self._found = nsmallest(TRACE_ROWS, self._found, key=lambda each: each[0])

    def rows(self) -> list[Shown]:
        return [shown for _, shown in self._found]


def _chat(dialogue: Dialogue) -> Chat | None:
    """None for a dialogue that no trainer's chat can hold; the card counts them."""
    try:
        return Chat.of(dialogue)
    except FormatError:
        return None


def _check_empty(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
