"""Makes one manifest of the annotation files of one or several datasets and folders of videos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pipeline.manifest.account import Account
from pipeline.manifest.adapters.adapter import Adapter
from pipeline.manifest.adapters.layouts import UNASSIGNED
from pipeline.manifest.adapters.licences import Terms, terms_of
from pipeline.manifest.reconcile.allocate import allocate
from pipeline.manifest.reconcile.candidates import Candidates
from pipeline.manifest.reconcile.combination import Chosen
from pipeline.manifest.reconcile.entry_store import EntryStore, VideoEntries, assigned
from pipeline.manifest.reconcile.file_evidence import link_content, link_frames
from pipeline.manifest.reconcile.hold_out import HeldOut
from pipeline.manifest.reconcile.identity import hold_out, identify, keep_first
from pipeline.manifest.report import Report
from pipeline.manifest.rows import row_of
from pipeline.manifest.rules import Rules
from pipeline.manifest.survey import Making, Wanted, candidates_of, read_entries
from pipeline.manifest.video_files import VideoFiles
from pipeline.manifest.write import ManifestFiles
from pipeline.store.durable import make_folders, remove, remove_abandoned, unfinished
from pipeline.store.files.json_writer import JsonWriter
from pipeline.store.location import Location

_VIDEOS_AT_ONCE = 250
"""Whose files are looked up together."""


@dataclass(frozen=True)
class Source:
    """A dataset as a source of a manifest: its adapter, its files, and what of it is wanted."""

    name: str
    """First part of the ``video_id`` of its rows; each source has its own."""
    adapter: Adapter
    annotations: Path
    videos: Sequence[Path | Location]
    """Folders, on this machine or in object stores."""
    rules: Rules = field(default_factory=Rules)
    wanted: Wanted = field(default_factory=Wanted)
    share: float | None = None
    """Weight of the source when rows are allocated, relative to the other sources' weights."""


def rejects_beside(out: Path) -> Path:
    """The path of a manifest's rejects."""
    return out.with_name(f"{out.name}.rejects.jsonl")


def make_manifest(
    sources: Sequence[Source],
    out: Path,
    licences: Mapping[str, Terms],
    *,
    chosen: Chosen | None = None,
    by_licence: bool = False,
) -> tuple[Report, Sequence[Path]]:
    """Writes the manifest and its rejects; returns the report and the paths of the manifests.

    Rows are in the order of the sources, and within a source in the order in which its annotation
    files first name their videos. Databases a few times as large as the manifest lie beside ``out``
    while it is made.

    Raises:
        ConfigError: a source has no annotation file or no entry in ``licences.yaml``; a hold-out
            list cannot be read.
        OSError: a file cannot be read or written.
    """
    chosen = chosen or Chosen()
    for source in sources:
        terms_of(licences, source.adapter.licence)
    make_folders(out.parent)
    with ExitStack() as stack:
        remove_abandoned(out)
        work = unfinished(out)
        work.mkdir()
        stack.callback(remove, work)
        # Left in reverse: the rejects are in place before the manifest.
        manifest = stack.enter_context(ManifestFiles(out, by_licence=by_licence))
        rejects = stack.enter_context(JsonWriter(rejects_beside(out)))
        held_out = stack.enter_context(HeldOut(chosen.hold_out, work))
        candidates = stack.enter_context(Candidates(work))
        makings, stores = list[Making](), list[EntryStore]()
        for number, source in enumerate(sources):
            making = _making(source, licences, rejects)
            below = work / str(number)
            below.mkdir()
            store = stack.enter_context(EntryStore(below))
            for file, entry in read_entries(making, source.annotations, (out, rejects.path)):
                store.add(entry, file)
            with VideoFiles(source.videos, below) as files:
                making.account.video_files = files.count
                making.account.videos_inside = files.inside
                making.account.unlisted = files.unlisted
                videos = _video_entries(making, store, annotated=False)
                while some := list(islice(videos, _VIDEOS_AT_ONCE)):
                    candidates.add(candidates_of(making, number, some, files, held_out))
            makings.append(making)
            stores.append(store)
        report = _decide(candidates, chosen, makings, sources, held_out, work)
        start = out.parent.resolve()
        for number, (making, store) in enumerate(zip(makings, stores, strict=True)):
            pairs = zip(_video_entries(making, store), candidates.decided(number), strict=True)
            for video, decided in pairs:
                row = row_of(making, video, decided, start)
                if row is not None:
                    manifest.write(*row)
    return report, manifest.written


def _making(source: Source, licences: Mapping[str, Terms], rejects: JsonWriter) -> Making:
    adapter = source.adapter
    account = Account(source.name, adapter.title, adapter.proven, adapter.proof)
    return Making(source.name, adapter, source.rules, source.wanted, licences, rejects, account)


def _video_entries(
    making: Making, store: EntryStore, *, annotated: bool = True
) -> Iterator[VideoEntries]:
    """The videos of a source, each with the split of its files or, without one, of the rules; of
    entries that are not ``annotated``, where only their files are asked for."""
    otherwise = "train" if making.rules.unassigned == "train" else UNASSIGNED
    return (assigned(video, otherwise) for video in store.videos(annotated=annotated))


def _decide(
    candidates: Candidates,
    chosen: Chosen,
    makings: Sequence[Making],
    sources: Sequence[Source],
    held_out: HeldOut,
    work: Path,
) -> Report:
    """Sets the identity and the status of every candidate."""
    unreadable: dict[str, Counter[str]] = {}
    if "content" in chosen.identity:
        unreadable["content"] = link_content(candidates)
    if "frames" in chosen.identity:
        unreadable["frames"] = link_frames(candidates, chosen.same_frames, work)
    groups = identify(candidates)
    names = [source.name for source in sources]
    lists = [one.name for one in held_out.lists]
    leaks = hold_out(candidates, groups, names, lists)
    accounts = [making.account for making in makings]
    report = Report(accounts, lists=held_out.lists, unreadable=unreadable)
    for leak in leaks:
        report.add_leak(leak)
    if chosen.same_video == "first":
        keep_first(candidates, names)
    limits = [source.wanted.limit for source in sources]
    shares = [source.share for source in sources]
    report.allocation = allocate(candidates, chosen, names, shares, limits)
    report.identities, report.shared = candidates.identities()
    return report
