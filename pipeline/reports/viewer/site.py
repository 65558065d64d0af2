"""Writes the folder of a report: the page, and its data as scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipeline.errors import CommandError
from pipeline.records.digest import digest
from pipeline.reports.status import summarize
from pipeline.reports.viewer.decisions import held_decisions
from pipeline.reports.viewer.frames import as_text, frames_of, small_pictures
from pipeline.reports.viewer.overview import of_samples, overview
from pipeline.reports.viewer.samples import columns
from pipeline.reports.viewer.shards import (
    Chunk,
    Counts,
    FramesOf,
    chunks_of,
    shard_name,
    shown_nodes,
)
from pipeline.reports.viewer.videos import video_path
from pipeline.store.location import Location
from pipeline.workflow.config import RunConfig
from pipeline.workflow.plan import NodePlan

PAGE: Final = Path(__file__).parent / "dist"
"""The built page."""
Shown = dict[str, Any]


def script_of(name: str, value: Any) -> str:
    """A script that hands a value over to the page: one call with one text, of ASCII alone.

    Raises:
        ValueError: the value has a number that JSON has not.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"turnwise('{name}','{quoted}')\n"


def put_page(folder: Path) -> None:
    """Put the page into the folder of a report.

    Raises:
        CommandError: it was not built.
    """
    if not (PAGE / "index.html").is_file():
        raise CommandError(f"{PAGE} has no page: `make viewer` builds it")
    for path in PAGE.iterdir():
        (Location.of(folder) / path.name).write_bytes(path.read_bytes(), sync_name=False)


def put_data(folder: Path, name: str, value: Any) -> None:
    """Put a value into the folder of a report, where the page finds it by its name."""
    script = script_of(name, value).encode("ascii")
    (Location.of(folder) / f"data/{name}.js").write_bytes(script, sync_name=False)


@dataclass(frozen=True)
class _Shard:
    """What is kept of a shard that was written."""

    rows: Sequence[Shown]
    chunks: Sequence[tuple[str, int]]
    counts: Counts
    frames: Mapping[str, FramesOf]
    pictured: Mapping[str, Sequence[tuple[str, int]]]


@dataclass
class Site:
    """The folder of a report. ``write`` brings it to what exists of the run.

    ``frames``: of so many videos, in their order, the frames lie in the folder too. Whoever serves
    the folder can give those of all with ``script``.
    """

    settings: RunConfig
    root: Location
    folder: Path
    frames: int
    command: str
    """By which the run goes on, for the page to show."""
    served: bool = False
    stamp: str = ""
    """Of what was written last."""
    trouble: str = ""
    """Why what exists of the run could not be read last, where so."""
    _media_root: Location | None = None
    _shards: dict[str, _Shard] = field(default_factory=dict)

    def write(self, plans: Sequence[NodePlan]) -> None:
        """Write what is new, then the overview and the index.

        Raises:
            CommandError: the page was not built, or the counts of the run do not add up.
            StoreError: a part cannot be read.
        """
        put_page(self.folder)
        self._media_root = plans[0].tasks[0].media_root
        names = [shard_name(plans, shard) for shard in _shards_with_dialogues(plans)]
        left = self.frames
        for name in names:
            if name not in self._shards:
                self._shards[name] = self._write_shard(plans, name, left)
            left -= len(self._shards[name].frames)
        self._shards = {name: self._shards[name] for name in names}
        put_data(self.folder, "index", self._index())
        counts = Counts.none()
        for shard in self._shards.values():
            counts.update(shard.counts)
        summary = summarize(plans, self.root)
        whole = overview(self.settings, plans, summary, self.root) | of_samples(
            counts.samples, counts.negatives, counts.states, counts.durations
        )
        self.stamp = digest([names, whole["nodes"]], 12)
        put_data(
            self.folder,
            "overview",
            whole | {"served": self.served, "stamp": self.stamp} | self._hints(),
        )
        put_data(self.folder, "decisions", held_decisions(self.root))
        self._remove_old()

    def script(self, name: str) -> str | None:
        """The script of frames or small pictures that need not lie in the folder; None for a name
        that is of neither.

        Raises:
            StoreError: a part cannot be read.
        """
        kind, _, rest = name.partition("/")
        for shard in self._shards.values():
            if kind == "frames" and (source := shard.frames.get(rest)) is not None:
                return script_of(name, as_text(frames_of(source.part, source.video_id)))
            if kind == "pictures" and rest in shard.pictured:
                return script_of(name, _pictures(shard.pictured[rest], shard.frames))
        return None

    def video(self, name: str) -> Path | None:
        """The file of the video whose frames have this name, where a browser can play it."""
        for shard in self._shards.values():
            if (source := shard.frames.get(name)) is not None and self._media_root is not None:
                return video_path(source.uri, self._media_root)
        return None

    def _write_shard(self, plans: Sequence[NodePlan], name: str, frames: int) -> _Shard:
        counts, rows, chunks = Counts.none(), list[Shown](), list[tuple[str, int]]()
        sources: dict[str, FramesOf] = {}
        pictured: dict[str, Sequence[tuple[str, int]]] = {}
        for chunk in chunks_of(plans, int(name.partition("-")[0]), name, counts):
            here = dict(list(chunk.frames.items())[: max(0, frames - len(sources))])
            self._write_chunk(chunk, here)
            rows += chunk.rows
            chunks.append((chunk.name, len(chunk.rows)))
            sources |= chunk.frames
            pictured[chunk.name] = chunk.pictured
        return _Shard(rows, chunks, counts, sources, pictured)

    def _write_chunk(self, chunk: Chunk, frames: Mapping[str, FramesOf]) -> None:
        kept = chunk.frames if self.served else frames
        for video in chunk.shown["videos"]:
            source = kept.get(video["frames"])
            if source is None:
                video["frames"] = ""
            elif self.served and self._media_root is not None:
                video["plays"] = video_path(source.uri, self._media_root) is not None
        put_data(self.folder, f"samples/{chunk.name}", chunk.shown)
        for name, source in frames.items():
            put_data(
                self.folder, f"frames/{name}", as_text(frames_of(source.part, source.video_id))
            )
        if frames:
            put_data(self.folder, f"pictures/{chunk.name}", _pictures(chunk.pictured, frames))

    def _index(self) -> Shown:
        rows = [row for shard in self._shards.values() for row in shard.rows]
        chunks = [chunk for shard in self._shards.values() for chunk in shard.chunks]
        place = self.folder / "data" / "pictures"
        pictured = [place / f"{name}.js" for name, _ in chunks]
        return {
            "chunks": [name for name, _ in chunks],
            "sizes": [number for _, number in chunks],
            "pictured": [self.served or file.is_file() for file in pictured],
        } | columns(rows)

    def _hints(self) -> Shown:
        return {"command": self.command, "can_save": self.served and self.root.path is not None}

    def _remove_old(self) -> None:
        """Remove the data that no sample names any more."""
        shards = self._shards.values()
        chunks = {name for shard in shards for name, _ in shard.chunks}
        known = {"samples": chunks, "pictures": chunks}
        known["frames"] = {name for shard in shards for name in shard.frames}
        for kind, names in known.items():
            for path in (self.folder / "data" / kind).glob("*.js"):
                if path.stem not in names:
                    path.unlink()


def _pictures(pictured: Sequence[tuple[str, int]], frames: Mapping[str, FramesOf]) -> list[str]:
    """A small picture of each sample of a chunk; empty where the frames are not there."""
    found = [""] * len(pictured)
    places: dict[str, list[int]] = {}
    for place, (name, _) in enumerate(pictured):
        places.setdefault(name, []).append(place)
    for name, mine in places.items():
        if (source := frames.get(name)) is not None:
            jpegs = frames_of(source.part, source.video_id)
            made = small_pictures(jpegs, [pictured[place][1] for place in mine])
            for place, picture in zip(mine, made, strict=True):
                found[place] = picture
    return found


def _shards_with_dialogues(plans: Sequence[NodePlan]) -> Sequence[int]:
    return sorted({shard for plan in shown_nodes(plans) for shard in plan.parts})
