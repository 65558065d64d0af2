"""Checks of this machine: programs, storage, decoders, and the first videos."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from pipeline.media.base import Clip, Media, MediaError, StillsRequest
from pipeline.records import FramedSegment, Reject, Video
from pipeline.reports.doctor.findings import Finding
from pipeline.store.location import Location
from pipeline.workflow.graph import Node
from pipeline.workflow.source import Source
from pipeline.workflow.stage import Context

GIGABYTE = 1_000_000_000
COPIES_OF_FRAMES = 2
"""Of a turn's first: one in the part of the node that cuts frames, one in the corpus."""


def check_binaries() -> Iterator[Finding]:
    """Whether ffmpeg runs."""
    try:
        done = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        fix = "install the package ffmpeg, or run `make install` and `. .venv/bin/activate`"
        yield Finding("ffmpeg", "failure", f"it does not run: {error}", fix)
    else:
        yield Finding("ffmpeg", "ok", " ".join(done.stdout.split()[:3]))


def check_store(root: Location) -> Finding:
    """Whether files can be written, renamed and linked in ``run.root``; leaves none."""
    if root.path is None:
        return _check_object_store(root)
    place = nearest(root.path)
    first = place / f".doctor-{uuid.uuid4().hex}"
    second, third = first.with_suffix(".renamed"), first.with_suffix(".linked")
    step = "written"
    try:
        first.write_bytes(b"x")
        step = "renamed"
        first.rename(second)
        step = "linked"
        os.link(second, third)
    except OSError as error:
        text = f"in {place} no file can be {step}: {error.strerror}"
        if step == "linked":
            fix = "leave space for a second copy of the corpus, or set run.root to a local disk"
            return Finding("store", "warning", text, fix)
        return Finding("store", "failure", text, "set run.root, or change who may write there")
    finally:
        if place.is_dir():
            for path in (first, second, third):
                path.unlink(missing_ok=True)
    return Finding("store", "ok", f"{place} takes files, new names and links")


def _check_object_store(root: Location) -> Finding:
    probe = root / f".doctor-{uuid.uuid4().hex}"
    step = "put"
    try:
        probe.write_bytes(b"x")
        step = "read"
        probe.read_bytes()
        step = "listed"
        root.sizes()
        step = "removed"
        probe.remove()
    except OSError as error:
        fix = "set run.root, or the credentials and the endpoint of the store"
        return Finding("store", "failure", f"at {root} nothing can be {step}: {error}", fix)
    return Finding("store", "ok", f"{root} takes, gives, lists and removes files")


def nearest(path: Path) -> Path:
    """The path, or the folder above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def check_space(root: Location, rows: int, mean_s: float, cut: Sequence[FramedSegment]) -> Finding:
    """Free space against the frames that the run will store, estimated from the frames of one
    video; ``mean_s`` is the mean duration of a video."""
    once = sum(len(frame.jpeg) for turn in cut for frame in getattr(turn, "further", ()))
    size = COPIES_OF_FRAMES * sum(len(turn.jpeg) for turn in cut) + once
    need = int(rows * mean_s * size / cut[-1].end_s)
    if root.path is None:
        return Finding("space", "ok", f"about {need / GIGABYTE:.1f} GB of frames to come")
    free = shutil.disk_usage(nearest(root.path)).free
    text = f"{free / GIGABYTE:.1f} GB free, about {need / GIGABYTE:.1f} GB of frames to come"
    if need > free:
        return Finding("space", "warning", text, "free some, or set run.root to a larger disk")
    return Finding("space", "ok", text)


def check_readers(nodes: Sequence[Node], video: Path, media: Media) -> Iterator[Finding]:
    """Whether each decoder that a node names reads a test video."""
    found = (getattr(node.config, "reader", None) for node in nodes)
    for reader in sorted({name for name in found if name is not None}):
        name = f"decoder {reader}"
        try:
            stills = media.stills(Clip(str(video)), StillsRequest(reader=reader))
        except MediaError as error:
            fix = "set `reader` of the node to auto, or install what is missing"
            yield Finding(name, "failure", f"{error.reason}: {error.detail}", fix)
        else:
            yield Finding(name, "ok", f"read {len(stills)} frames of a test video")


def admit(
    source: Source, n_rows: int, node: Node, media: Media, at_most: int
) -> tuple[list[Video], Finding]:
    """The first ``at_most`` videos of a manifest as the run admits them, and a finding that counts
    the others by reason."""
    tried = tuple(islice(source.rows, at_most))
    made = list(node.stage.run((), node.config, Context(manifest=tried, media=media)))
    videos = [row for row in made if isinstance(row, Video)]
    rejects = [row for row in made if isinstance(row, Reject)]
    text = f"{n_rows} rows; of the first {len(tried)}, {len(videos)} can be read"
    if not rejects:
        return videos, Finding("manifest", "ok", text)
    reasons = ", ".join(f"{n} {why}" for why, n in Counter(r.reason for r in rejects).most_common())
    text += f"; rejected: {reasons}; the first is {rejects[0].video_id}: {rejects[0].detail}"
    fix = "correct source.path or the rows; a run goes on without the rows that it rejects"
    return videos, Finding("manifest", "warning" if videos else "failure", text, fix)
