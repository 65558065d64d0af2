"""A corpus as the HF Hub expects it: Parquet, WebDataset, a card and its counts."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from pipeline.corpus.card import CARD, card
from pipeline.corpus.corpus_format import COUNTS
from pipeline.corpus.counts import CorpusTally
from pipeline.corpus.layout import (
    CorpusError,
    CorpusSettings,
    VideoSample,
    check_sample,
    describe,
)
from pipeline.corpus.parquet import ParquetFiles
from pipeline.corpus.picture import PICTURE
from pipeline.corpus.webdataset import TarFiles, sample_key
from pipeline.records import ShardFile


def write_corpus(
    folder: Path, samples: Iterable[VideoSample], settings: CorpusSettings
) -> list[ShardFile]:
    """Every file written into ``folder``, ordered by path.

    Takes one video after the other and keeps none, in the order of the manifest, which becomes the
    order of the rows. Same samples and settings, same bytes. The content of the folder after an
    error is of no use.

    Raises:
        FileExistsError: the folder is not empty.
        CorpusError: ``empty`` (no sample at all), ``repeated_video``, or a sample that
            ``check_sample`` refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    tally = CorpusTally()
    keys: set[str] = set()
    with ExitStack() as stack:
        parquet = stack.enter_context(ParquetFiles(folder, settings.rows_per_file))
        tars = stack.enter_context(TarFiles(folder, settings.tar_bytes))
        for sample in samples:
            check_sample(sample, frames=settings.frames)
            key = sample_key(sample.video_id)
            if key in keys:
                raise CorpusError("repeated_video", f"{sample.video_id!r} came before")
            keys.add(key)
            tally.add(sample)
            for dialogue in sample.dialogues:
                parquet.add(dialogue)
            if settings.frames:
                tars.add(sample)
        if not keys:
            raise CorpusError("empty", "there are no dialogues to write")
        files = [*parquet.finish(), *tars.finish()]
    counts, picture = tally.result(), PICTURE if tally.picture else ""
    for path, content in (
        (CARD, card(counts, settings, tally.example, picture).encode()),
        (COUNTS, (counts.model_dump_json(indent=2) + "\n").encode()),
        (picture, tally.picture),
    ):
        if path:
            (folder / path).write_bytes(content)
            files.append(describe(folder, path, rows=0))
    return sorted(files, key=lambda file: file.path)
