"""Stages so small that their whole behaviour fits on one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.records import Record, Reject, Video
from pipeline.records.streams import stream_of
from pipeline.workflow import stage as stage_module
from pipeline.workflow.stage import Context, Reason, Stage, StageConfig, VideoRows


class Admitted(Record):
    """A row of the manifest."""

    video_id: str
    n: int


class Letter(Record):
    """``n`` of them a video."""

    video_id: str
    letter: str


class Count(Record):
    """How many letters a run has."""

    letters: int


class GroupCount(Record):
    """How many letters a group of shards has."""

    group: int
    letters: int


class Share(Record):
    """A video's part of all letters."""

    video_id: str
    share: float


class Length(Record):
    """How many clips a stream has."""

    video_id: str
    clips: int


class ChainConfig(StageConfig):
    """Settings of ``chain``."""

    clips: int = 2
    """Of a stream; those that are left over are turned down."""
    per_shard: int = 4
    fault: str = ""
    """``lost``, ``twice``, ``strange``, ``crowd`` or ``both``: a fault of the stage."""


class AdmitConfig(StageConfig):
    """Settings of ``admit``."""

    most: int = 100


class GroupConfig(StageConfig):
    """Settings of ``count_group``."""

    shards: int = 2


class SpellConfig(StageConfig):
    """Settings of ``spell``."""

    letter: str = "x"
    lose: str = ""
    """This video vanishes: a fault of the stage."""
    stranger: str = ""
    """A row, or without a letter a reject, for this video: a fault of the stage."""


def admit(videos: Iterable[VideoRows], config: AdmitConfig, context: Context) -> Iterator[Any]:
    """Rows up to ``most``."""
    for row in context.manifest:
        if row["n"] > config.most:
            yield Reject(video_id=row["video_id"], reason="too_many")
        else:
            yield Admitted(video_id=row["video_id"], n=row["n"])


def spell(videos: Iterable[VideoRows], config: SpellConfig, context: Context) -> Iterator[Any]:
    """A letter ``n`` times."""
    for rows in videos:
        (row,) = rows[Admitted]
        if row.n == 0:
            yield Reject(video_id=rows.video_id, reason="none")
        if rows.video_id != config.lose:
            for _ in range(row.n):
                yield Letter(video_id=row.video_id, letter=config.letter)
    if config.stranger and config.letter:
        yield Letter(video_id=config.stranger, letter=config.letter)
    elif config.stranger:
        yield Reject(video_id=config.stranger, reason="strange")


def count(videos: Iterable[VideoRows], config: StageConfig, context: Context) -> Iterator[Any]:
    """One row for the run, and one file."""
    total = sum(len(rows[Letter]) for rows in videos)
    assert context.folder is not None
    (context.folder / "total.txt").write_text(str(total), encoding="utf-8")
    yield Count(letters=total)


def count_group(
    videos: Iterable[VideoRows], config: GroupConfig, context: Context
) -> Iterator[Any]:
    """One row and one file a group."""
    total = sum(len(rows[Letter]) for rows in videos)
    assert context.folder is not None
    (context.folder / f"{context.group}.txt").write_text(str(total), encoding="utf-8")
    yield GroupCount(group=context.group, letters=total)


def add_groups(videos: Iterable[VideoRows], config: StageConfig, context: Context) -> Iterator[Any]:
    """One row for the run, and one file, of what the groups say."""
    total = sum(row.letters for row in context.rows(GroupCount))
    assert context.folder is not None and not list(videos)
    (context.folder / "total.txt").write_text(str(total), encoding="utf-8")
    yield Count(letters=total)


def share(videos: Iterable[VideoRows], config: StageConfig, context: Context) -> Iterator[Any]:
    """Its letters over those of the run."""
    (whole,) = context.rows(Count)
    for rows in videos:
        yield Share(video_id=rows.video_id, share=len(rows[Letter]) / whole.letters)


def chain(videos: Iterable[VideoRows], config: ChainConfig, context: Context) -> Iterator[Any]:
    """Streams of the videos in the order of their ids."""
    ids = sorted(rows.video_id for rows in videos)
    ids += {"twice": ids[:1], "strange": ["stranger"], "crowd": [*"abcdefgh"]}.get(config.fault, [])
    for group in (ids[i : i + config.clips] for i in range(0, len(ids), config.clips)):
        if len(group) == config.clips:
            yield stream_of("+".join(group), [_video(video_id) for video_id in group])
        if len(group) < config.clips or config.fault == "both":
            for video_id in group if config.fault != "lost" else ():
                yield Reject(video_id=video_id, reason="left_over")


def _video(video_id: str) -> Video:
    about = {"width": 4, "height": 3, "rotation_deg": 0, "codec": "", "frame_rate": 1, "sha256": ""}
    return Video.model_validate({"video_id": video_id, "uri": video_id, "duration_s": 1} | about)


def length(videos: Iterable[VideoRows], config: StageConfig, context: Context) -> Iterator[Any]:
    """One row a video that is a stream."""
    for rows in videos:
        (row,) = rows[Video]
        yield Length(video_id=row.video_id, clips=len(row.clips))


def count_all(videos: Iterable[VideoRows], config: StageConfig, context: Context) -> Iterator[Any]:
    """How many rows there are of all videos, and of which."""
    names = [f"{rows.video_id} {len(rows[Length])}" for rows in videos]
    assert context.folder is not None
    (context.folder / "all.txt").write_text(", ".join(names), encoding="utf-8")
    yield Count(letters=len(names))


ADMIT = Stage("admit", 1, (), Admitted, AdmitConfig, admit, scope="source")
SPELL = Stage("spell", 1, (Admitted,), Letter, SpellConfig, spell)
COUNT = Stage("count", 1, (Letter,), Count, StageConfig, count, scope="dataset")

COUNT_GROUP = Stage(
    "count_group", 1, (Letter,), GroupCount, GroupConfig, count_group, scope="group",
    group_shards=lambda config: config.shards,
)  # fmt: skip
ADD_GROUPS = Stage("add_groups", 1, (GroupCount,), Count, StageConfig, add_groups, scope="dataset")
SHARE = Stage("share", 1, (Letter, Count), Share, StageConfig, share)
CHAIN = Stage(
    "chain", 1, (Admitted,), Video, ChainConfig, chain, scope="streams",
    clips_per_shard=lambda config: config.per_shard,
    reasons=(Reason("left_over", "Too few are left for a stream.", absence=True),),
)  # fmt: skip
RECHAIN = Stage(
    "rechain", 1, (Video,), Video, ChainConfig, chain, scope="streams",
    clips_per_shard=lambda config: config.per_shard,
)  # fmt: skip
LENGTH = Stage("length", 1, (Video,), Length, StageConfig, length)
PAIR = Stage("pair", 1, (Video, Length), Length, StageConfig, length)
COUNT_ALL = Stage("count_all", 1, (Length,), Count, StageConfig, count_all, scope="dataset")

TOYS: Mapping[str, Stage[Any]] = {
    stage.name: stage
    for stage in (
        *(
            ADMIT,
            SPELL,
            COUNT,
            COUNT_GROUP,
            ADD_GROUPS,
            SHARE,
            CHAIN,
            RECHAIN,
            LENGTH,
            PAIR,
            COUNT_ALL,
        ),
    )
}


def load_toy(name: str) -> Stage[Any]:
    """``load_stage`` for the toys."""
    return TOYS[name] if name in TOYS else stage_module.load_stage(name)
