"""FineVideo: 43 thousand Creative Commons YouTube videos with detailed descriptions by a model.

Files: Parquet, with the bytes of the video in ``mp4`` and its description in ``json``. A video is
read where it lies, in its row, unless there is a file named ``original_video_filename``. Scenes
have titles, and their activities have descriptions; both become events. Their times are strings,
``HH:MM:SS.fff``, or null where the model answered "throughout", "varies" or the like: such a scene
or activity alone is unread. The questions have no times. Props, moods, storylines and the
transcript are not read.

Source: https://huggingface.co/datasets/HuggingFaceFV/finevideo,
https://github.com/huggingface/fineVideo
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import clock_s, parquet_rows
from pipeline.manifest.adapters.platform_ids import youtube_id

Name = Annotated[str, Field(pattern=r"\S")]


class Question(RawRecord):
    """A question about the whole video."""

    question: str | None = None
    answer: str | None = None


class Content(RawRecord):
    """The parts of the description without times."""

    description: str | None = None
    questions: list[Question] | None = Field(None, alias="qAndA")


class Video(RawRecord):
    """The description in a row."""

    file: Name = Field(alias="original_video_filename")
    content_metadata: Content
    cell: str = ""


class Times(RawRecord):
    """Start and end."""

    start_timestamp: str | None = None
    end_timestamp: str | None = None


class Part(RawRecord):
    """A scene or an activity."""

    file: Name
    text: str | None
    times: Times | None
    cell: str = ""


def whole(record: Video, pointer: str, split: str) -> Entry | Unread:
    """A video with its description and its questions."""
    content = record.content_metadata
    below = f"{pointer}/json/content_metadata"
    annotations = []
    if (text := content.description) is not None:
        annotations = [RawAnnotation("event", text, origin="model", pointer=f"{below}/description")]
    for number, asked in enumerate(content.questions or ()):
        where = f"{below}/qAndA/{number}"
        annotations.append(
            RawAnnotation(
                "qa", asked.answer, question=asked.question, origin="model", pointer=where
            )
        )
    return _entry(record, tuple(annotations), split)


def timed(record: Part, pointer: str, split: str) -> Entry | Unread:
    """A video with one of its scenes or activities."""
    times = record.times or Times()
    texts = (times.start_timestamp, times.end_timestamp)
    start_s, end_s = (None if text is None else clock_s(text) for text in texts)
    if start_s is None or end_s is None:
        reason = "no_time" if None in texts else "bad_time"
        return Unread(pointer, reason, f"{texts[0]!r:.60} to {texts[1]!r:.60}")
    event = RawAnnotation("event", record.text, start_s, end_s, origin="model", pointer=pointer)
    return _entry(record, (event,), split)


def _entry(record: Video | Part, annotations: tuple[RawAnnotation, ...], split: str) -> Entry:
    file = record.file
    stem = file.removesuffix(".mp4")
    places = tuple(Place(path) for path in (file, record.cell) if path)
    return Entry(file, places, annotations, split, youtube_id(stem))


def _videos(path: Path) -> Iterator[tuple[str, Any]]:
    for pointer, row in parquet_rows("mp4", "json")(path):
        if isinstance(row, Unread):
            yield pointer, row
            continue
        video = row.get("json")
        cell = (row.get("mp4") or {}).get("cell", "")
        yield pointer, {**video, "cell": cell} if isinstance(video, dict) else video


def _parts(path: Path) -> Iterator[tuple[str, Any]]:
    for pointer, video in _videos(path):
        if not isinstance(video, dict):
            continue  # reported by ``_videos``
        whole = {"file": video.get("original_video_filename"), "cell": video["cell"]}
        scenes = _listed(video.get("content_metadata"), "scenes")
        for i, scene in enumerate(scenes):
            where = f"{pointer}/json/content_metadata/scenes/{i}"
            yield where, _part(whole, scene, "title", "timestamps")
            for k, activity in enumerate(_listed(scene, "activities")):
                yield f"{where}/activities/{k}", _part(whole, activity, "description", "timestamp")


def _listed(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _part(whole: dict[str, Any], value: Any, text: str, times: str) -> Any:
    if not isinstance(value, dict):
        return value
    return {**whole, "text": value.get(text), "times": value.get(times)}


ADAPTER = Adapter(
    name="finevideo",
    title="FineVideo",
    files=(
        AnnotationFile("**/*.parquet", _videos, Video, whole),
        AnnotationFile("**/*.parquet", _parts, Part, timed),
    ),
    proven=False,
    proof="the columns of the dataset's card, and its authors' program that writes the times",
    licence="finevideo",
)
