"""What is to be taken out of a corpus after it was made: videos and sources, each with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field, field_validator, model_validator

from pipeline.records import DialogueHead
from pipeline.settings import Settings
from pipeline.store.location import Location


class Withdrawal(Settings):
    """Videos and sources that are withdrawn for one reason."""

    reason: str = Field(
        min_length=1, max_length=200, description="why, as the card and the changelog say it"
    )
    videos: tuple[str, ...] = Field(
        (),
        description="ids of videos, or in their place a file (a path, s3:// or gs://) with one id a"
        " line. The ids are identity, and stand in no file of the corpus",
    )
    sources: tuple[str, ...] = Field(
        (), description="sources, of whose videos all go, and streams with a clip of them"
    )

    @field_validator("videos", mode="before")
    @classmethod
    def _of_file(cls, videos: Any) -> Any:
        return _ids_in(videos) if isinstance(videos, str) else videos

    @model_validator(mode="after")
    def _withdraws(self) -> Withdrawal:
        if not self.videos and not self.sources:
            raise ValueError("it names neither videos nor sources")
        return self


class Exclusion(Settings):
    """Of the section ``corpus``, what the stage that chooses dialogues takes from it."""

    exclude: tuple[Withdrawal, ...] = Field(
        (),
        description="what is withdrawn from the corpus: no model is asked, nothing else is drawn in"
        " its place, and the card says how much it was and why",
    )


def reasons_to_withdraw(
    withdrawals: Sequence[Withdrawal],
) -> Callable[[DialogueHead], str | None]:
    """A function of a dialogue: the reason of the first one that fits its video or source, or those
    of a clip of a stream; None where none does."""
    videos: dict[str, str] = {}
    sources: dict[str, str] = {}
    for each in withdrawals:
        for video_id in each.videos:
            videos.setdefault(video_id, each.reason)
        for source in each.sources:
            sources.setdefault(source, each.reason)

    def reason(head: DialogueHead) -> str | None:
        of_all = [(head.video_id, head.source), *((c.video_id, c.source) for c in head.clips)]
        found = (videos.get(video_id) or sources.get(source) for video_id, source in of_all)
        return next(filter(None, found), None)

    return reason


def _ids_in(path: str) -> tuple[str, ...]:
    try:
        text = Location.of(path).read_bytes().decode()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    ids = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not ids:
        raise ValueError(f"{path} names no video")
    return ids
