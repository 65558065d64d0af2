"""Runs one node on one shard: the function that every executor calls."""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from functools import cache
from typing import Any

from pipeline.engines.base import EngineError
from pipeline.engines.configured import ContractError
from pipeline.execution.busy_clock import BusyClock
from pipeline.execution.bytes_in_flight import BytesInFlight
from pipeline.execution.collector import collect_seldom
from pipeline.execution.journal import journal_path
from pipeline.execution.journaled_engine import CountedEngine, JournaledEngine
from pipeline.execution.stream_parts import StreamParts
from pipeline.media.base import Media, MediaError
from pipeline.media.decode import DecodeProcess
from pipeline.media.kept_media import KeptMedia
from pipeline.records import FILTER, Provenance, Record, Reject
from pipeline.records.schema import from_table
from pipeline.store.location import Location
from pipeline.store.part_names import reads_path
from pipeline.store.parts import new_folder, read_manifest, read_table, write_part
from pipeline.store.video_rows import read_videos
from pipeline.workflow.stage import (
    Context,
    Stage,
    VideoRows,
    about_dataset,
    load_stage,
)
from pipeline.workflow.task import ShardResult, ShardTask
from pipeline.workflow.video_counts import videos_absent, videos_failed

_ERROR_CHARACTERS = 12_000

_LAST_LINE_CHARACTERS = 500

_IN_FLIGHT = BytesInFlight()


def run_shard(task: ShardTask, busy: BusyClock | None = None) -> ShardResult:
    """Run a task; a failure becomes the result's ``error``, so that other shards go on. ``busy``
    runs while its engine has asks.

    Raises only for a signal. A library that exits, or raises a ``BaseException`` of its own, is a
    failure of the shard too.
    """
    collect_seldom()
    started = time.monotonic()
    parts: Sequence[Location] = ()
    message = None
    try:
        parts, counts = _run(task, busy)
    except BaseException as error:  # the traceback is the result
        ends = isinstance(error, (KeyboardInterrupt, SystemExit))
        if ends and threading.current_thread() is threading.main_thread():
            raise  # only there do signals arrive
        parts, counts, message = (), {}, _traceback(error)
    return ShardResult(
        node=task.node,
        shard=task.shard,
        slot=task.slot,
        part=parts[0] if parts else None,
        further=parts[1:],
        counts=counts,
        seconds=time.monotonic() - started,
        error=message,
    )


def _traceback(error: BaseException) -> str:
    """The traceback; of a very long one both ends and the last line, for the driver logs it. A
    fault of the place of videos says itself what is to be mended, as does one of an engine that has
    no cause in a library: one line."""
    if isinstance(error, MediaError):
        return error.detail
    if isinstance(error, EngineError) and error.__cause__ is None:
        return " ".join(str(error).split())
    text = "".join(traceback.format_exception(error))
    if len(text) <= _ERROR_CHARACTERS:
        return text
    kept = _ERROR_CHARACTERS // 2
    last = traceback.format_exception_only(error)[-1][:_LAST_LINE_CHARACTERS].strip()
    left_out = f"({len(text) - 2 * kept} characters are left out here)"
    return f"{text[:kept]}\n{left_out}\n{text[-kept:].rstrip()}\n{last}\n"


@cache
def _media(root: Location) -> DecodeProcess:
    """One decode process for each worker process."""
    return DecodeProcess(root)


def _run(task: ShardTask, busy: BusyClock | None) -> tuple[Sequence[Location], dict[str, Any]]:
    asked = task.engine
    engine = JournaledEngine(asked, task.slot, task.replied, busy) if asked else None
    media = KeptMedia(_media(task.media_root), reads_path(task.slot))
    try:
        # Stages that ask hold the frames of all their videos, and a replica has several shards.
        with _IN_FLIGHT.holding(_size_bytes(task)) if asked else nullcontext():
            made = make_part(task, engine, media)
        if engine is not None:
            journal_path(task.slot).remove_tree()
        media.forget()
    except Exception:
        # What was read is worth keeping, and the cause of the failure is worth more.
        with suppress(Exception):
            media.keep()
        raise
    return made


def _size_bytes(task: ShardTask) -> int:
    """Of the parts that it reads; those that are gone are missed when they are read."""
    found = 0
    for part in task.input_parts:
        with suppress(FileNotFoundError):
            found += part.size_bytes()
    return found


def make_part(
    task: ShardTask, engine: CountedEngine | None, media: Media | None
) -> tuple[Sequence[Location], dict[str, Any]]:
    """Run the stage of a task with this engine, and write its parts; returns them with its counts.

    Raises:
        ContractError: a video was lost, or the stage wrote what it must not.
    """
    stage = load_stage(task.stage)
    folder = None if stage.by_shard else new_folder(task.slot)
    manifest = read_manifest(task.slot) if stage.scope == "source" else ()
    context = Context(
        manifest=manifest,
        media=media,
        engine=engine,
        prompts=task.prompts,
        folder=folder,
        group=task.shard if stage.scope == "group" else 0,
        dataset=_dataset(stage, task),
    )
    entered: Counter[str] = Counter()
    accepted: list[Record] = []
    rejects: list[Reject] = []
    try:
        videos = _videos(stage, task, entered)
        config = stage.config.model_validate(task.config)
        if stage.scope == "streams":
            streams = StreamParts(task, stage, stage.clips_of_shard(config))
            streams.write(stage.run(videos, config, context), entered)
            return streams.parts, streams.counts
        for row in stage.run(videos, config, context):
            if isinstance(row, Reject):
                rejects.append(row.model_copy(update={"stage": task.node}))
            elif type(row) is stage.writes:
                accepted.append(row)
            else:
                raise ContractError(f"{task.node} wrote a {type(row).__name__}")
        counts = _counts(stage, task, len(manifest), entered, accepted, rejects, engine)
        part = write_part(
            *(task.slot, stage.writes, accepted, rejects, counts),
            replies=engine.replies if engine else None,
            reused=engine.reused if engine else 0,
            folder=folder,
        )
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return [part], counts


def _dataset(stage: Stage[Any], task: ShardTask) -> dict[type[Record], Sequence[Record]]:
    """The rows about the whole dataset, by kind."""
    rows: dict[type[Record], Sequence[Record]] = {}
    for kind in filter(about_dataset, stage.reads):
        parts = {part for shard in task.inputs for name, part in shard if name == kind.__name__}
        tables = (read_table(part, kind.model_fields) for part in sorted(parts))
        rows[kind] = [row for table in tables for row in from_table(kind, table)]
    return rows


def _videos(stage: Stage[Any], task: ShardTask, entered: Counter[str]) -> Iterator[VideoRows]:
    """The videos of the shards that are read; counts each in ``entered`` as the stage takes it."""
    reads = [kind for kind in stage.reads if not about_dataset(kind)]
    for shard in task.inputs:
        parts: dict[type[Record], list[Location]] = {
            kind: [path for name, path in shard if name == kind.__name__] for kind in reads
        }
        for rows in read_videos(reads, parts):
            entered[rows.video_id] += 1
            yield rows


def _counts(
    stage: Stage[Any],
    task: ShardTask,
    manifest_rows: int,
    entered: Counter[str],
    accepted: Sequence[Record],
    rejects: Sequence[Reject],
    engine: CountedEngine | None,
) -> dict[str, Any]:
    """Counts of a shard, after a check that no video was lost.

    ``videos_in = videos_out + videos_rejected + videos_absent``, where ``videos_out`` have an
    accepted row, and ``videos_absent`` were turned down for absences alone. For a source each
    manifest row is a video. ``videos_failed`` are the rejected but for those that were turned down
    by design. ``rejected`` counts rows by reason, those of absences too. ``asks_filtered`` counts
    the asks that a filter has saved, if it has.

    Raises:
        ContractError: a video has neither an accepted nor a rejected row, or is not of the shard.
    """
    out = {getattr(row, "video_id", "") for row in accepted}
    if stage.scope == "source":
        videos_in = manifest_rows
        if len(accepted) + len(rejects) != videos_in:
            raise ContractError(
                f"{task.node}: {videos_in} manifest rows gave {len(accepted)} videos and"
                f" {len(rejects)} rejects"
            )
    else:
        videos_in = len(entered)
        left = out | {r.video_id for r in rejects}
        if stage.scope == "shard" and (lost := entered.keys() - left):
            raise ContractError(f"{task.node}: neither accepted nor rejected: {sorted(lost)}")
        if stage.scope == "shard" and (strange := left - entered.keys()):
            raise ContractError(f"{task.node}: not in the shard: {sorted(strange)}")
    videos_out = len(out) if stage.by_shard else videos_in
    filtered = _filtered(accepted)
    turned_down = [(reject.video_id, reject.reason) for reject in rejects]
    absent = videos_absent(stage, out, turned_down)
    return {
        "videos_in": videos_in,
        "videos_out": videos_out,
        "videos_rejected": videos_in - videos_out - absent,
        "videos_absent": absent,
        "videos_failed": videos_failed(stage, out, turned_down),
        "rows_out": len(accepted),
        "rejected": dict(sorted(Counter(r.reason for r in rejects).items())),
        "asks": engine.asks if engine else 0,
        "tokens_in": sum(reply.tokens_in for reply in engine.replies) if engine else 0,
        "tokens_out": sum(reply.tokens_out for reply in engine.replies) if engine else 0,
        **({"asks_filtered": filtered} if filtered else {}),
    }


def _filtered(rows: Sequence[Record]) -> int:
    """Of the rows, those that a filter wrote in the place of a model."""
    calls = (getattr(row, "provenance", None) for row in rows)
    return sum(isinstance(call, Provenance) and call.engine == FILTER for call in calls)
