"""Take events of other videos as candidates for questions to which silence is right.

reads:  Video, Annotation (of the task event_grounding)
writes: Candidate, for each video some questions about events of other videos of its shard, and
        some of its own, planted to test who judges them; a Reject for a video that gets none
source: ours. Quiet streams as labelled items are asked for by arXiv:2610.05775; the paper has none
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from pipeline.records import Annotation, Candidate, Record, Reject, Video
from pipeline.records.complete import complete
from pipeline.records.hash_sampling import hash_rank
from pipeline.workflow.stage import Context, Reason, Stage, StageConfig, VideoRows
from stages._questions import Wanted, wanted
from stages._wording import bare


class Config(StageConfig):
    """How many candidates, and which."""

    events: int = Field(1, ge=1, description="events of other videos for each video; ours")
    planted: int = Field(
        1,
        ge=0,
        description="real events of the video among the candidates: a verifier that denies them is"
        " not believed when it denies the others (`absent`); ours",
    )
    seed: int = Field(0, description="of the draw; another value draws others")


@dataclass(frozen=True)
class Asked:
    """A video with the questions for its own events."""

    video: Video
    own: Sequence[Wanted]

    def may_borrow(self, other: Asked) -> bool:
        """Whether events of the other video can be asked for here: it is of the same split, and no
        other copy or clip of the same whole video, as far as that is known."""
        mine, its = self.video, other.video
        same = mine.video_id == its.video_id or any(
            _stated(mine, name) & _stated(its, name)
            for name in ("uri", "identity", "platform_id", "sha256")
        )
        return not same and mine.split == its.split


def _stated(video: Video, name: str) -> set[str]:
    """What is known of a video under a name, and of the clips of a stream."""
    return {getattr(each, name, "") for each in (video, *video.clips)} - {""}


def borrowed(here: Asked, shard: Sequence[Asked], config: Config) -> list[Wanted]:
    """The questions of other videos with the lowest hash ranks for this one, each wording once;
    none in words in which the video is asked already."""
    known = {bare(each.text) for each in here.own}
    ranked = sorted(
        (hash_rank(f"{here.video.video_id} {each.annotation.annotation_id}", config.seed), n, k)
        for n, other in enumerate(shard)
        if here.may_borrow(other)
        for k, each in enumerate(other.own)
    )
    found: list[Wanted] = []
    for _, n, k in ranked:
        each = shard[n].own[k]
        if len(found) < config.events and bare(each.text) not in known:
            known.add(bare(each.text))
            found.append(each)
    return found


def planted(here: Asked, config: Config) -> list[Wanted]:
    """The questions of the video itself with the lowest hash ranks."""
    ranked = sorted(here.own, key=lambda q: hash_rank(q.annotation.annotation_id, config.seed))
    return ranked[: config.planted]


def candidate(question: Wanted, kind: Literal["other_event", "planted"]) -> Candidate:
    """The question as a candidate."""
    return Candidate(
        family="event",
        caption=question.text,
        start_s=question.start_s,
        end_s=question.end_s,
        provenance=None,
        kind=kind,
        parent_id=question.annotation.annotation_id,
        calls=question.annotation.provenance,
        written_by=question.annotation.origins,
    )


def candidates(here: Asked, shard: Sequence[Asked], config: Config) -> Iterator[Candidate | Reject]:
    """Those of one video. What is planted also tests who judges its near misses."""
    found = borrowed(here, shard, config)
    if not found:
        videos = sum(here.may_borrow(other) for other in shard)
        yield Reject(reason="no_other_event", detail=f"{videos} other videos of the shard fit")
    yield from (candidate(each, "other_event") for each in found)
    yield from (candidate(each, "planted") for each in planted(here, config))


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[Record]:
    """The candidates of all videos. Holds the questions of a shard."""
    shard = [Asked(rows[Video][0], list(wanted(rows[Annotation]))) for rows in videos]
    for here in shard:
        for row in candidates(here, shard, config):
            yield complete(row, here.video.video_id)


STAGE = Stage(
    "other_events",
    1,
    (Video, Annotation),
    Candidate,
    Config,
    run,
    reasons=(
        Reason(
            "no_other_event",
            "No other video of the shard has an event that can be asked for here: the shard has one"
            " video, or the others are of another split or of the same whole video, or have none.",
            absence=True,
        ),
    ),
)
