"""Admit the videos of a manifest.

reads:  the rows of the manifest
writes: Video, one per admitted row, in order of the manifest; a Reject for every other row
source: section 4.2 of arXiv:2512.21334, which names its sources and says nothing of admission
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import Field, ValidationError

from pipeline.media.base import Media, MediaError
from pipeline.media.reasons import MEANINGS, PASSING
from pipeline.records import ManifestRow, Reject, Video
from pipeline.records.digest import canonical_json
from pipeline.records.streams import stream_of
from pipeline.workflow.stage import Context, PlaceFaults, Reason, Stage, VideoRows, reasons_of
from stages._clips import clip_of, of_clip
from stages._limits import LimitsConfig
from stages._uri import uri_problem

_SPLIT = re.compile(r"[A-Za-z0-9_]+")
"""What a file of the corpus, and a split on the HF Hub, can be named after."""

_MOST_ERRORS = 100
"""So many are told one by one."""


class Config(LimitsConfig):
    """Which videos are admitted."""

    min_duration_s: float = Field(
        2.0, ge=0, description="clips of fewer seconds are refused; the paper gives no bound"
    )
    max_duration_s: float = Field(
        600.0, gt=0, description="clips of more seconds are refused; the paper gives no bound"
    )
    schemes: tuple[str, ...] = Field(
        ("file",), description="uri schemes that may be opened, lower case, beside plain paths"
    )


def row_name(row: Any, number: int) -> str:
    """What a row can be called by: its ``video_id``, else its ``uri``, else its place (0-based)."""
    if isinstance(row, Mapping):
        for key in ("video_id", "uri"):
            value = row.get(key)
            if isinstance(value, str) and value.strip():
                return _storable(value)
    return f"row {number}"


def read_row(row: Any) -> ManifestRow | str:
    """The row as a record, or what is wrong with it."""
    parsed = _parsed(row)
    if isinstance(parsed, str):
        return parsed
    for key, value in parsed.model_dump().items():
        try:
            canonical_json(value).encode()
        except UnicodeEncodeError:
            return f"{key}: a text that UTF-8 cannot hold"
    return parsed


def _parsed(row: Any) -> ManifestRow | str:
    """The row as a record, whose texts may be such that UTF-8 cannot hold them."""
    if isinstance(row, Mapping) and "unreadable" in row:
        return str(row["unreadable"])
    try:
        parsed = ManifestRow.model_validate(row)
    except ValidationError as error:
        if error.error_count() > _MOST_ERRORS:
            return f"{error.error_count()} things are wrong with it"
        return "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'row'}: {e['msg']}"
            for e in error.errors(include_url=False, include_input=False)
        )
    return _problem(parsed) or parsed


def _problem(parsed: ManifestRow) -> str:
    """What is wrong with a row that has the right fields; empty when nothing is."""
    if not parsed.video_id.strip():
        return "video_id: empty"
    if "uri" not in parsed.model_fields_set and not parsed.clips:
        return "uri: Field required"
    if parsed.clips and (parsed.uri or parsed.clip_start_s or parsed.clip_end_s is not None):
        return "clips: beside a uri or bounds, which of a stream are those of its clips"
    bounds = [(f"clips.{n}.", c.clip_start_s, c.clip_end_s) for n, c in enumerate(parsed.clips)]
    for at, start_s, end_s in [("", parsed.clip_start_s, parsed.clip_end_s), *bounds]:
        if end_s is not None and end_s <= start_s:
            return f"{at}clip_end_s: not after clip_start_s"
    if not _SPLIT.fullmatch(parsed.split):
        return f"split: {parsed.split!r} has other than letters, digits and _"
    return ""


def refusal(raw: Mapping[str, Any], config: Config) -> str:
    """Why a row is refused whatever its file is; empty where it is not.

    Rows are read a million at a time, and only those that UTF-8 holds.
    """
    row = _parsed(raw)
    return row if isinstance(row, str) else _uri_problem(row, config)


def _uri_problem(row: ManifestRow, config: Config) -> str:
    """Which uri of a row may not be opened, and why; empty where all may be."""
    if not row.clips:
        return uri_problem(row.uri, config.schemes)
    for place, clip in enumerate(row.clips):
        if problem := uri_problem(clip.uri, config.schemes):
            return f"clip {place + 1}: {problem}"
    return ""


def admit(row: ManifestRow, media: Media, config: Config) -> Video | Reject:
    """The video with what probing it found, or why it is refused.

    Raises:
        MediaError: ``unreadable``, which is no verdict on the video.
    """
    problem = _uri_problem(row, config)
    if problem:
        return _refuse(row, "unsafe_uri", problem)
    try:
        video = _probed_stream(row, media, config) if row.clips else _probed(row, media, config)
    except MediaError as error:
        # Manifests list more than was downloaded, so a file that is not there is refused. When it
        # is there, its size is known, and this shard is another one.
        if error.reason == "unreadable":
            raise
        return _refuse(row, error.reason, error.detail)
    if video.duration_s < config.min_duration_s:
        return _refuse(row, "too_short", f"{video.duration_s:.2f} s")
    if video.duration_s > config.max_duration_s:
        return _refuse(row, "too_long", f"{video.duration_s:.2f} s")
    return video


def _probed(row: ManifestRow, media: Media, config: Config) -> Video:
    probe = media.probe(clip_of(row), config.limits())
    return Video.model_validate({**row.model_dump(), **asdict(probe)})


def _probed_stream(row: ManifestRow, media: Media, config: Config) -> Video:
    """The stream of the clips that a row lists. Raises MediaError for the first bad one."""
    clips = []
    for place, clip in enumerate(row.clips):
        own = row.model_copy(
            update={
                **{name: value for name, value in clip if name in ManifestRow.model_fields},
                "source": clip.source or row.source,
                "licence": clip.licence or row.licence,
                "clips": (),
            }
        )
        try:
            clips.append(_probed(own, media, config))
        except MediaError as error:
            raise of_clip(error, place, clip) from error
    stream = stream_of(row.video_id, clips, row.annotations)
    about = {"platform_id": row.platform_id, "identity": row.identity}
    return stream.model_copy(update=about)


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[Video | Reject]:
    """One row for each row of the manifest, in its order."""
    if context.media is None:
        raise TypeError("stage 'ingest' needs media")
    faults = PlaceFaults()
    for number, raw in enumerate(context.manifest):
        if isinstance(raw, Mapping) and "duplicate_of" in raw:
            yield Reject(
                video_id=row_name(raw, number),
                reason="duplicate_id",
                detail=f"the same video_id as {raw['duplicate_of']}",
            )
            continue
        row = read_row(raw)
        if isinstance(row, str):
            yield Reject(
                video_id=row_name(raw, number),
                reason="bad_manifest_row",
                detail=_storable(row),
                row=json.dumps(raw, default=str),
            )
        else:
            with faults.noted():
                yield admit(row, context.media, config)
    faults.check()


def _refuse(row: ManifestRow, reason: str, detail: str) -> Reject:
    return Reject(video_id=row.video_id, reason=reason, detail=detail, row=row.model_dump_json())


def _storable(text: str) -> str:
    """The text with what UTF-8 cannot hold, lone surrogates, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


STAGE = Stage(
    "ingest",
    4,
    (),
    Video,
    Config,
    run,
    scope="source",
    refusal=refusal,
    reasons=(
        Reason("bad_manifest_row", "The row has not the form of a manifest; the detail says why."),
        Reason("duplicate_id", "A row before has the same `video_id`: clips of one file need ids."),
        Reason("unsafe_uri", "The uri may not be opened; `schemes` lists what may be."),
        Reason("too_short", "The clip is shorter than `min_duration_s`."),
        Reason("too_long", "The clip is longer than `max_duration_s`."),
        *reasons_of({n: m for n, m in MEANINGS.items() if n != "unreadable"}, PASSING),
    ),
)
