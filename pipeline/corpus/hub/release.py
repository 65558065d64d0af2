"""What of a corpus folder leaves for the Hub, what stays and why; nothing here knows a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pipeline.corpus.card import CARD
from pipeline.corpus.changelog import CHANGELOG
from pipeline.corpus.corpus_format import COUNTS, check_format
from pipeline.corpus.facts import CONFIG, RUN
from pipeline.corpus.hub.families import by_family
from pipeline.corpus.hub.leaks import ADVICE, MEANING, LeakPatterns, Own
from pipeline.corpus.hub.licences import Licences
from pipeline.corpus.hub.prepare import with_published_uris, without_frames, without_pictures
from pipeline.corpus.hub.rows import (
    Found,
    RowFacts,
    holds_frames,
    read_other_rows,
    read_rows,
    read_tar,
    read_text,
)
from pipeline.corpus.layout import DATA, FRAMES, MESSAGES, PREVIEW, TARS, TRACES, CorpusError
from pipeline.corpus.picture import PICTURE
from pipeline.corpus.read import listed

MIXED: Final = "mixed-licences"
ALLOWED: Final = ("embedded", "test", "unlisted-licence", MIXED)
"""What is refused unless it is allowed by name."""

ROWS, TAR_FILES, FRAME_ROWS = f"{DATA}/*/*.parquet", f"{TARS}/*/*.tar", f"{FRAMES}/*.parquet"
SHOWN_ROWS: Final = f"{PREVIEW}/*.parquet"
OTHER_ROWS: Final = (f"{MESSAGES}/*.parquet", SHOWN_ROWS, f"{TRACES}/*.parquet")
"""What is made of the rows, and says nothing that they do not."""
TEXTS: Final = (
    *(CARD, COUNTS, CHANGELOG, "LICENSE"),
    *("prompts/*.md", "prompts/*/*.md", CONFIG, RUN),
)
"""Files of text that belong to a corpus. What is no file of a corpus does not leave."""
HELD_OUT: Final = frozenset({"test", "heldout", "held_out", "holdout"})
"""Splits that nothing is to be trained on."""
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Choice:
    """What the one who publishes wants."""

    frames: bool = False
    allow: frozenset[str] = frozenset()
    """Of ``ALLOWED``."""
    roots: Sequence[str] = ()
    """Folders or addresses of videos: a uri below one leaves as the path below it."""
    own: Own = field(default_factory=Own)


@dataclass(frozen=True)
class SentFile:
    """A file as it is to be on the Hub."""

    path: str
    """In the repository."""
    local: Path
    size_bytes: int
    sha256: str
    blob: str
    """Its name as a blob of git, by which the Hub knows small files."""


@dataclass(frozen=True)
class Refusal:
    """Why a corpus does not leave as it is."""

    what: str
    advice: str
    """What to do."""

    def __str__(self) -> str:
        """Both in one line."""
        return f"{self.what}: {self.advice}"


@dataclass(frozen=True)
class Release:
    """All that leaves, in order of paths, and what was looked at."""

    files: Sequence[SentFile]
    left_out: Mapping[str, tuple[int, int]]
    """By why: how many files, and their bytes."""
    rows: Mapping[tuple[str, str], int]
    """By task and split."""
    families: Mapping[str, int]
    """Rows by family of licences."""
    uris: int
    """Rows whose uri leaves as a rule."""
    refusals: Sequence[Refusal]

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def digest(self) -> str:
        """12 hex digits of paths and contents: the same release has the same."""
        listed = "".join(f"{file.path} {file.sha256}\n" for file in self.files)
        return hashlib.sha256(listed.encode()).hexdigest()[:12]


def make_release(corpus: Path, choice: Choice, licences: Licences, copies: Path) -> Release:
    """Reads a corpus folder once; ``copies`` gets the files that leave otherwise than they are.

    Raises:
        CorpusError: ``no_corpus``: there is no card or no Parquet file; ``changed``: another corpus
            was put in its place meanwhile; ``newer_format``; or ``unreadable``.
    """
    with _unchanged(corpus):
        check_format(corpus)
        return _release_of(corpus, choice, licences, copies)


def _release_of(corpus: Path, choice: Choice, licences: Licences, copies: Path) -> Release:
    leaks = LeakPatterns(choice.own)
    facts, left_out = RowFacts(), dict[str, tuple[int, int]]()
    leaving: dict[str, Path] = {}
    for path in filter(Path.is_file, listed(corpus, "**/*")):
        name = path.relative_to(corpus).as_posix()
        if why := _why_not(path, name, choice):
            files, size_bytes = left_out.get(why, (0, 0))
            left_out[why] = files + 1, size_bytes + path.stat().st_size
            continue
        leaving[name] = _as_it_leaves(path, name, facts, leaks, choice, copies)
    if CARD not in leaving or not facts.rows:
        raise CorpusError("no_corpus", f"{corpus} holds no {CARD} or no data/<task>/*.parquet")
    families = licences.families(facts.licences)
    if len(families) > 1 and MIXED in choice.allow:
        leaving = by_family(leaving, licences, copies)
    return Release(
        files=[_described(name, local) for name, local in sorted(leaving.items())],
        left_out=left_out,
        rows=dict(sorted(facts.rows.items())),
        families=families,
        uris=facts.uris,
        refusals=[
            *leaked(facts),
            *_not_for_all(facts, choice),
            *_licensed(facts, choice, licences),
        ],
    )


@contextmanager
def _unchanged(corpus: Path) -> Iterator[None]:
    """The folder is the same one before and after the block: a run replaces it as a whole, and
    files of two corpora are none."""
    before = _identity(corpus)
    error: Exception | None = None
    try:
        yield
    except (CorpusError, OSError) as raised:
        error = raised
    if _identity(corpus) != before:
        detail = f"a run replaced {corpus} while it was read: call the same command again"
        raise CorpusError("changed", detail) from error
    if error is not None:
        raise error


def _identity(folder: Path) -> tuple[int, ...] | None:
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_ctime_ns


def _why_not(path: Path, name: str, choice: Choice) -> str:
    """Why a file stays; empty where it leaves."""
    of_frames = is_of(name, TAR_FILES) or is_of(name, FRAME_ROWS)
    if of_frames or name == PICTURE or (is_of(name, ROWS) and holds_frames(path)):
        return "" if choice.frames else "frames: --frames sends them, where every licence allows it"
    known = any(is_of(name, form) for form in (ROWS, *OTHER_ROWS, *TEXTS))
    return "" if known else "no file of a corpus"


def is_of(name: str, form: str) -> bool:
    """Whether a path in a corpus is of a form such as ``ROWS``."""
    return name.count("/") == form.count("/") and fnmatchcase(name, form)


def _as_it_leaves(
    path: Path, name: str, facts: RowFacts, leaks: LeakPatterns, choice: Choice, copies: Path
) -> Path:
    """The file, or a copy of it that leaves in its place, after a look at what it holds."""
    if is_of(name, ROWS):
        if not read_rows(facts, path, name, leaks, choice.roots):
            return path
        with_published_uris(path, copies / name, choice.roots, leaks)
        return copies / name
    if name == PICTURE:
        return path
    if is_of(name, TAR_FILES):
        read_tar(facts, path, name, leaks)
    elif any(is_of(name, form) for form in (*OTHER_ROWS, FRAME_ROWS)):
        read_other_rows(facts, path, name, leaks)
        if not choice.frames and holds_frames(path):
            without_pictures(path, copies / name)
            return copies / name
    else:
        return _text_as_it_leaves(path, name, facts, leaks, choice, copies)
    return path


def _text_as_it_leaves(
    path: Path, name: str, facts: RowFacts, leaks: LeakPatterns, choice: Choice, copies: Path
) -> Path:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError("unreadable", f"{name}: {error}") from None
    read_text(facts, text, name, leaks)
    if name != CARD or choice.frames or not (path.parent / FRAMES).exists():
        return path
    copies.mkdir(parents=True, exist_ok=True)
    (copies / name).write_text(without_frames(text), encoding="utf-8", newline="\n")
    return copies / name


def _described(name: str, local: Path) -> SentFile:
    size_bytes = local.stat().st_size
    sha256 = hashlib.sha256()
    blob = hashlib.sha1(f"blob {size_bytes}\0".encode(), usedforsecurity=False)
    with local.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            sha256.update(block)
            blob.update(block)
    return SentFile(name, local, size_bytes, sha256.hexdigest(), blob.hexdigest())


def leaked(facts: RowFacts) -> Iterator[Refusal]:
    """What was found in files, as why they do not leave."""
    for place, found in sorted(facts.found.items()):
        yield Refusal(_where(found, facts.times[place]), ADVICE[found.leak.kind])


def _where(found: Found, times: int) -> str:
    of_row = f" of {found.row}" if found.row else ""
    further = f" (and {times - 1:,} more)" if times > 1 else ""
    return (
        f"{found.file}, {found.column}{of_row}{further} holds {MEANING[found.leak.kind]},"
        f" {found.leak.shown}"
    )


def _not_for_all(facts: RowFacts, choice: Choice) -> Iterator[Refusal]:
    whole = sum(facts.rows.values())
    if facts.not_for_training and "embedded" not in choice.allow:
        what = f"models: the embedded engine wrote {facts.not_for_training:,} of {whole:,} rows"
        yield Refusal(what, "make them with a model, or --allow embedded")
    held_out = sum(rows for (_, split), rows in facts.rows.items() if split in HELD_OUT)
    if held_out and "test" not in choice.allow:
        what = f"split: {held_out:,} of {whole:,} rows are of tests"
        yield Refusal(what, "leave that split out of the manifest, or --allow test")


def _licensed(facts: RowFacts, choice: Choice, licences: Licences) -> Iterator[Refusal]:
    for row, rows in sorted(facts.licences.items()):
        named = f"licence: {rows:,} rows of {row[0] or 'no source'} ({row[1] or 'not stated'})"
        entry = licences.of(row)
        if entry is None:
            advice = "add one that says what may be published"
            if choice.frames:
                yield Refusal(
                    f"{named} have no entry in licences.yaml", f"{advice}, or no --frames"
                )
            elif "unlisted-licence" not in choice.allow:
                advice += ", or --allow unlisted-licence"
                yield Refusal(f"{named} have no entry in licences.yaml", advice)
        elif "text" not in entry.publish:
            advice = "leave the source out, or change its entry where you have leave"
            yield Refusal(f"{named} may not be published, says licences.yaml", advice)
        elif choice.frames and "videos" not in entry.publish:
            what = f"{named} may leave without frames only, says licences.yaml"
            yield Refusal(what, "no --frames, or leave the source out")
    families = licences.families(facts.licences)
    if len(families) > 1 and MIXED not in choice.allow:
        what = f"licence: {len(families)} families in one corpus, {', '.join(families)}"
        yield Refusal(what, f"make a manifest with --by-licence, or --allow {MIXED}")
