"""Write the corpus: Parquet a task, WebDataset with the frames, card, counts and a picture.

reads:  Dialogue, FramedSegment (all shards)
writes: ShardFile, one a file, by path; the files themselves go to the folder of the context
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from pipeline.records import Dialogue, FramedSegment, ShardFile
from pipeline.workflow.stage import Context, Stage, StageConfig, VideoRows


class Config(StageConfig, CorpusSettings):
    """The section ``corpus`` of a run."""


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[ShardFile]:
    """The files, after all of them are written; one video is held at a time."""
    if context.folder is None:
        raise TypeError("stage 'write_corpus' needs a folder")
    samples = (
        VideoSample(rows[Dialogue], rows[FramedSegment] if config.frames else ()) for rows in videos
    )
    yield from write_corpus(context.folder, samples, config)


STAGE = Stage("write_corpus", 4, (Dialogue, FramedSegment), ShardFile, Config, run, scope="dataset")
