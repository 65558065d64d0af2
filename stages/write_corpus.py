"""Write what is about the whole corpus: its card with a picture, and its counts.

The rest is in ``write_files``.

reads:  CorpusGroup (of all groups)
writes: ShardFile, one a file; the files themselves go to the folder of the context
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.corpus.layout import CardSettings
from pipeline.corpus.write import write_whole
from pipeline.records import CorpusGroup, ShardFile
from pipeline.workflow.stage import Context, Stage, StageConfig, VideoRows


class Config(StageConfig, CardSettings):
    """Of the section ``corpus`` of a run, what is about the card."""


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[ShardFile]:
    """The files, by path. No dialogue is read: what the groups say of theirs is enough."""
    del videos  # there are none: what it reads is about the dataset
    if context.folder is None:
        raise TypeError("stage 'write_corpus' needs a folder")
    groups = sorted(context.rows(CorpusGroup), key=lambda row: row.group)
    yield from write_whole(context.folder, groups, config)


STAGE = Stage("write_corpus", 4, (CorpusGroup,), ShardFile, Config, run, scope="dataset")
