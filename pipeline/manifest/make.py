"""A dataset's annotation files and a user's folders of videos, made into a manifest."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from pipeline.dialogue.json_writer import JsonWriter
from pipeline.manifest.account import Account
from pipeline.manifest.adapter import Adapter, AnnotationFile, read_file
from pipeline.manifest.entry import Entry, Unread
from pipeline.manifest.gathered import EntryStore, Gathered, assigned
from pipeline.manifest.layouts import UNASSIGNED
from pipeline.manifest.ledger import Terms, Without, terms_of
from pipeline.manifest.rules import Rules, is_utf8, judge
from pipeline.manifest.video_files import Found, NotFound, VideoFiles
from pipeline.manifest.write import ManifestFiles
from pipeline.records import ManifestRow, SourceAnnotation
from pipeline.suggest import ConfigError

_SPLIT = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class Wanted:
    """What of a dataset is wanted; all of it where nothing is said."""

    split: str = ""
    limit: int | None = None
    """So many rows at most."""
    without: frozenset[Without] = frozenset()


@dataclass(frozen=True)
class Making:
    """One dataset on its way into a manifest. ``account`` is filled as it goes."""

    adapter: Adapter
    rules: Rules
    wanted: Wanted
    ledger: Mapping[str, Terms]
    rejects: JsonWriter
    account: Account

    def reject(self, name: str, pointer: str, reason: str, detail: str) -> None:
        """Leaves a line that names what is not in the manifest."""
        line = {"source": self.adapter.name, "name": name, "pointer": pointer}
        self.rejects.write(line | {"reason": reason, "detail": detail})

    def reject_entry(self, entry: Entry, file: str, reason: str, detail: str) -> None:
        """Counts an entry that comes into no row, and what it tells."""
        self.account.rejected[reason] += 1
        self.account.without_row += len(entry.told)
        self.reject(entry.name, _pointer(file, entry), reason, detail)


def rejects_beside(out: Path) -> Path:
    """Where the rejects of a manifest lie."""
    return out.with_name(f"{out.name}.rejects.jsonl")


def make_manifest(
    adapter: Adapter,
    annotations: Path,
    videos: Sequence[Path],
    out: Path,
    ledger: Mapping[str, Terms],
    *,
    rules: Rules | None = None,
    wanted: Wanted | None = None,
    by_licence: bool = False,
) -> tuple[Account, Sequence[Path]]:
    """Writes the manifest and its rejects; returns what became of everything, and the files.

    Rows come in the order in which the annotation files first name their videos. Beside ``out``,
    room for a few times as much is needed while it is made.

    Raises:
        ConfigError: there is no annotation file, or the dataset is not in the ledger.
        OSError: a file cannot be read or written.
    """
    terms_of(ledger, adapter.licence)
    out.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent)
        work = Path(stack.enter_context(folder))
        # Left in reverse: the rejects are in place before the manifest.
        manifest = stack.enter_context(ManifestFiles(out, by_licence=by_licence))
        rejects = stack.enter_context(JsonWriter(rejects_beside(out)))
        account = Account(adapter.name, adapter.title, adapter.proven, adapter.proof)
        making = Making(adapter, rules or Rules(), wanted or Wanted(), ledger, rejects, account)
        store = stack.enter_context(EntryStore(work))
        for file, entry in read_entries(making, annotations, (out, rejects_beside(out))):
            store.add(entry, file)
        files = stack.enter_context(VideoFiles(videos, work))
        account.video_files, account.unlisted = files.count, files.unlisted
        start = out.parent.resolve()
        for gathered in store.gathered():
            row = row_of(making, gathered, files, start)
            if row is not None:
                manifest.write(*row)
    return account, manifest.written


def read_entries(
    making: Making, annotations: Path, own: Collection[Path] = ()
) -> Iterator[tuple[str, Entry]]:
    """Every entry that can have a row, with its file; the rest is rejected here.

    ``own`` are files that are not the dataset's: an earlier manifest may lie in its folder.

    Raises:
        ConfigError: there is no annotation file.
    """
    account = making.account
    for kind in making.adapter.files:
        ours = {path.resolve() for path in own}
        paths = [path for path in _paths(kind, annotations) if path.resolve() not in ours]
        if not paths:
            account.absent.append(kind.pattern)
        for path in paths:
            file = path.relative_to(annotations).as_posix() if path != annotations else path.name
            before = account.records
            for one in read_file(kind, path):
                if isinstance(one, Unread):
                    account.unread[one.reason] += 1
                    making.reject("", f"{file}#{one.pointer}", one.reason, one.detail)
                    continue
                account.entries += 1
                account.told.update((told.kind, told.origin) for told in one.told)
                problem = _problem(one)
                if problem:
                    making.reject_entry(one, file, *problem)
                else:
                    yield file, one
            account.files[file] = account.files.get(file, 0) + account.records - before
    if not account.files:
        wanted = ", ".join(account.absent)
        raise ConfigError(f"--annotations: {annotations} has no file {wanted}")


def row_of(
    making: Making, gathered: Gathered, files: VideoFiles, start: Path
) -> tuple[ManifestRow, str] | None:
    """The row of a video with its family of licences; None where it has none, which is counted.

    ``start`` is the folder that relative paths start from.
    """
    account, wanted = making.account, making.wanted
    unsaid, rule = gathered.split == UNASSIGNED, making.rules.unassigned
    gathered = assigned(gathered, "train" if rule == "train" else UNASSIGNED)
    if unsaid and rule == "refuse":
        for file, entry in gathered.entries:
            making.reject_entry(entry, file, "no_split", "in no file")
        return None
    mine = [(file, entry) for file, entry in gathered.entries if entry.split == gathered.split]
    for file, entry in gathered.entries:
        if entry.split != gathered.split:
            detail = f"{entry.split} here, {gathered.split} elsewhere"
            making.reject_entry(entry, file, "other_split", detail)
    platforms = list(dict.fromkeys(e.platform_id for _, e in mine if e.platform_id)) or [""]
    platform = platforms[0].partition(":")[0]
    terms = making.ledger[making.adapter.licence]
    terms = making.ledger[terms.platforms.get(platform, making.adapter.licence)]
    left_out = terms.left_out(wanted.without, platform)
    if wanted.split and gathered.split != wanted.split:
        left_out = "split"
    elif not left_out and account.rows.total() == wanted.limit:
        left_out = "limit"
    if left_out:
        account.left_out[left_out] += len(mine)
        account.without_row += sum(len(entry.told) for _, entry in mine)
        return None
    found = _sound(files.find(list(dict.fromkeys(p for _, e in mine for p in e.places))))
    covered = account.coverage.setdefault(gathered.split, Counter())
    covered["with_file" if isinstance(found, Found) else found.reason] += 1
    if isinstance(found, NotFound):
        for file, entry in mine:
            making.reject_entry(entry, file, found.reason, found.detail)
        return None
    account.written += len(mine)
    account.rows[terms.licence] += 1
    if len(platforms) > 1:
        account.notes["platform_differs"] += 1
    if unsaid and rule == "train":
        account.notes["no_split_so_train"] += 1
    clip = found.clip or (0.0, None)
    row = ManifestRow(
        video_id=f"{making.adapter.name}/{gathered.name}",
        uri=uri_of(found.path, start),
        platform_id=platforms[0],
        clip_start_s=clip[0],
        clip_end_s=clip[1],
        source=making.adapter.name,
        licence=terms.licence,
        split=gathered.split,
        annotations=_annotations(making, gathered.name, mine),
    )
    return row, terms.family


def uri_of(path: Path, start: Path) -> str:
    """A path as a manifest in the folder ``start`` has it: relative where it lies below that."""
    if not path.is_relative_to(start):
        return path.as_posix()
    below = path.relative_to(start).as_posix()
    # A name may look like an option of a program, or like a scheme.
    return f"./{below}" if below[0] == "-" or ":" in below.partition("/")[0] else below


def _annotations(
    making: Making, name: str, entries: Sequence[tuple[str, Entry]]
) -> list[SourceAnnotation]:
    account = making.account
    told = [
        replace(one, pointer=f"{file}#{one.pointer}")
        for file, entry in entries
        for one in entry.told
    ]
    if "model-written" in making.wanted.without:
        by_model = sum(one.origin == "model" for one in told)
        if by_model:
            account.refused["model_written"] += by_model
        told = [one for one in told if one.origin != "model"]
    judged = judge(told, making.rules)
    account.kept.update((one.kind, one.origin) for one in judged.kept)
    account.mended.update(judged.mended)
    for one in judged.refused:
        account.refused[one.reason] += 1
        making.reject(name, one.pointer, one.reason, one.detail)
    return list(judged.kept)


def _paths(kind: AnnotationFile[Any], annotations: Path) -> Sequence[Path]:
    """The files of one kind in a folder, or the one that was named if it is of that kind.

    An empty pattern stands for what was named itself.
    """
    if not kind.pattern:
        return [annotations]
    if annotations.is_dir():
        return sorted(path for path in annotations.glob(kind.pattern) if path.is_file())
    return [annotations] if annotations.resolve().match(kind.pattern) else []


def _problem(entry: Entry) -> tuple[str, str] | None:
    """Why an entry can have no row, whatever its video is."""
    if not entry.name.strip() or not is_utf8(entry.name + entry.platform_id):
        return "bad_name", ascii(entry.name)
    if not _SPLIT.fullmatch(entry.split):
        return "bad_split", f"{entry.split!r} has other than letters, digits and _"
    return None


def _sound(found: Found | NotFound) -> Found | NotFound:
    if isinstance(found, Found) and found.clip is not None:
        start_s, end_s = found.clip
        if not (isfinite(end_s) and 0 <= start_s < end_s):
            return NotFound("bad_clip", f"[{start_s}, {end_s}) of {found.path}")
    return found


def _pointer(file: str, entry: Entry) -> str:
    """Where an entry begins, as far as it says: at the first thing that it tells."""
    return f"{file}#{entry.told[0].pointer}" if entry.told else file
