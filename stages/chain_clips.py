"""Make streams of short videos: each clip is similar to the one before it.

reads:  Video, VideoCaption, VideoVector (of all shards)
writes: CaptionedStream, in new shards; a Reject for each video that is in none
source: arXiv:2505.05467, section 4 and appendix (StreamingQA-120K: filter by the similarity of
        caption and video, chain by that of middle frames, spans of about 10 clips over 150 s)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import compress, decompress

import numpy as np
from pydantic import Field

from pipeline.records import CaptionedStream, ClipCaption, Reject, Video, VideoCaption, VideoVector
from pipeline.records.digest import digest
from pipeline.records.hash_sampling import hash_rank
from pipeline.records.streams import stream_of
from pipeline.workflow.stage import Context, Reason, Stage, StageConfig, VideoRows
from stages._chain import EXACT, LOOKED_AT, Order, chain, links
from stages._groups import Vectors
from stages._pool import over_the_share, spans, threshold


class Config(StageConfig):
    """Which clips are taken, and how they follow each other."""

    least_quantile: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="of the clips, the share whose captions fit them least, which is left out; the"
        " paper filters so and says neither by which model nor how strictly",
    )
    least_similarity: float | None = Field(
        None,
        ge=-1,
        le=1,
        description="of caption and middle frame, where a model is known well enough for a fixed"
        " bound; null for none. The stricter of the two holds",
    )
    source_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="most of the clips that one source may give; ours, the paper has no bound",
    )
    order: Order = Field(
        "greedy",
        description="which clip comes next. greedy: the most similar one that is left, as in the"
        " paper's algorithm 2; sampled: one drawn in proportion to similarity, as in its text",
    )
    clips: int = Field(10, ge=1, description="clips of a stream, least; the paper has about 10")
    least_s: float = Field(
        150.0, ge=0, description="seconds of a stream, least; the paper has more than 150"
    )
    exact: int = Field(
        EXACT,
        ge=0,
        description="up to so many clips a greedy chain compares all that are left at each step;"
        " beyond that only those of the groups nearest to it",
    )
    looked_at: int = Field(
        LOOKED_AT, ge=1, description="clips compared at a step of such a chain, least"
    )
    clips_per_shard: int = Field(
        640, ge=1, description="with so many clips a new shard of streams is full"
    )
    seed: int = Field(0, description="draws the first clip, and the order of sampled chains")


@dataclass(frozen=True)
class Clip:
    """A video of the pool. Its rows are held as compressed JSON, for a pool has a million."""

    video_id: str
    split: str
    source: str
    duration_s: float
    rows: bytes
    similarity: float

    @classmethod
    def of(cls, video: Video, caption: VideoCaption, similarity: float) -> Clip:
        """That of two rows."""
        text = f"{video.model_dump_json()}\n{caption.model_dump_json()}"
        facts = video.video_id, video.split, video.source, video.duration_s
        return cls(*facts, compress(text.encode(), 1), similarity)

    def row(self) -> Video:
        """The video."""
        return Video.model_validate_json(decompress(self.rows).split(b"\n")[0])

    def captioned(self, link: float | None) -> ClipCaption:
        """Its caption in a stream."""
        found = VideoCaption.model_validate_json(decompress(self.rows).split(b"\n")[1])
        return ClipCaption(
            caption=found.caption,
            provenance=found.provenance,
            origin=found.origin,
            similarity=self.similarity,
            link=link,
        )


def clip_of(rows: VideoRows) -> tuple[Clip, Vectors] | None:
    """The clip with the vector of its frame; None where one of its rows is missing."""
    vectors = {row.of: np.array(row.vector, np.float32) for row in rows[VideoVector]}
    if not rows[VideoCaption] or vectors.keys() != {"frame", "caption"}:
        return None
    (video,), (caption,) = rows[Video], rows[VideoCaption]
    similarity = float(vectors["frame"] @ vectors["caption"])
    return Clip.of(video, caption, similarity), vectors["frame"]


def run(
    videos: Iterable[VideoRows], config: Config, context: Context
) -> Iterator[CaptionedStream | Reject]:
    """The streams of each split, for no stream is of two. Holds all vectors."""
    pool: list[Clip] = []
    frames: list[Vectors] = []
    for rows in videos:
        found = clip_of(rows)
        if found is None:
            yield Reject(video_id=rows.video_id, reason="no_vector")
            continue
        pool.append(found[0])
        frames.append(found[1])
    refused = {reject.video_id: reject for reject in judged(pool, config)}
    yield from refused.values()
    kept = [place for place, clip in enumerate(pool) if clip.video_id not in refused]
    for split in sorted({pool[place].split for place in kept}):
        places = [place for place in kept if pool[place].split == split]
        # The first one is drawn, and which of two alike comes first.
        places.sort(key=lambda place: hash_rank(pool[place].video_id, config.seed))
        vectors = np.stack([frames[place] for place in places])
        for place in places:
            frames[place] = vectors[0]  # the others are not held twice
        yield from chained([pool[place] for place in places], vectors, config)


def judged(pool: Sequence[Clip], config: Config) -> Iterator[Reject]:
    """The clips that are left out, each with why."""
    bound = threshold(
        [clip.similarity for clip in pool], config.least_quantile, config.least_similarity
    )
    sources = {}
    for clip in pool:
        if clip.similarity < bound:
            detail = f"{clip.similarity:.4f}, where {bound:.4f} is the least"
            yield Reject(video_id=clip.video_id, reason="low_similarity", detail=detail)
        else:
            sources[clip.video_id] = clip.source
    for name in sorted(over_the_share(sources, config.source_share, config.seed)):
        detail = f"{sources[name] or 'no source'} gives {config.source_share:g} of the clips"
        yield Reject(video_id=name, reason="source_share", detail=detail)


def chained(
    clips: Sequence[Clip], vectors: Vectors, config: Config
) -> Iterator[CaptionedStream | Reject]:
    """The clips of one split as streams."""
    order = chain(vectors, config.order, config.seed, config.exact, config.looked_at)
    similar = [None, *links(vectors, order).tolist()]
    ordered = [clips[place] for place in order]
    last = 0
    for span in spans([clip.duration_s for clip in ordered], config.clips, config.least_s):
        members = [ordered[place] for place in span]
        name = digest([clip.video_id for clip in members], 16)
        stream = stream_of(f"stream-{name}", [clip.row() for clip in members])
        firsts = [None, *(similar[place] for place in span[1:])]
        captions = [clip.captioned(link) for clip, link in zip(members, firsts, strict=True)]
        yield CaptionedStream(**dict(stream), captions=tuple(captions))
        last = span.stop
    for clip in ordered[last:]:
        yield Reject(video_id=clip.video_id, reason="left_over")


STAGE = Stage(
    "chain_clips",
    1,
    (Video, VideoCaption, VideoVector),
    CaptionedStream,
    Config,
    run,
    scope="streams",
    clips_per_shard=lambda config: config.clips_per_shard,
    reasons=(
        Reason("no_vector", "It has no caption, or no vector of it or of its frame.", absence=True),
        Reason("low_similarity", "Its caption fits its middle frame too little.", policy=True),
        Reason("source_share", "Its source gives more than `source_share` allows.", policy=True),
        Reason("left_over", "Too few clips are left at the end for one more stream.", absence=True),
    ),
)
