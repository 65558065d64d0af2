"""Write the files of a group of shards: Parquet a task, messages, frames, and WebDataset.

reads:  Dialogue, FramedSegment (so many consecutive shards as ``shards_per_group`` says)
writes: CorpusGroup, one row; the files themselves go to the folder of the context
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.corpus.layout import FileSettings, VideoSample
from pipeline.corpus.write import write_group
from pipeline.records import CorpusGroup, Dialogue, FramedSegment
from pipeline.workflow.stage import Context, Stage, StageConfig, VideoRows


class Config(StageConfig, FileSettings):
    """Of the section ``corpus`` of a run, what is about files."""


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[CorpusGroup]:
    """The row about the files, after all of them are written; one video is held at a time."""
    if context.folder is None:
        raise TypeError("stage 'write_files' needs a folder")
    samples = (
        VideoSample(rows[Dialogue], rows[FramedSegment] if config.frames else ()) for rows in videos
    )
    yield write_group(context.folder, context.group, samples, config)


STAGE = Stage(
    "write_files",
    2,
    (Dialogue, FramedSegment),
    CorpusGroup,
    Config,
    run,
    scope="group",
    group_shards=lambda config: config.shards_per_group,
)
