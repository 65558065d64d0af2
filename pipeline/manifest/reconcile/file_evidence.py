"""Evidence from the files of candidates: which of them are the same, and how long they are.

Files are opened in decoder processes, so that a hostile file costs no other.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from pipeline.manifest.reconcile.candidates import CONTENT, FRAMES, Candidates
from pipeline.manifest.reconcile.near_duplicates import FRAMES as FRAMES_OF_A_FILE
from pipeline.manifest.reconcile.near_duplicates import FrameIndex, SameFrames
from pipeline.media.base import FileFacts, FileFactsRequest, MediaError
from pipeline.media.decode import DecodeProcess

Link = Literal["content", "frames"]
"""How, beside platform ids, videos are found to be the same."""

_AT_ONCE = 64
"""Files in flight for each process."""


def link_content(candidates: Candidates) -> Counter[str]:
    """Links files of equal bytes; returns how many could not be read, by reason. Empty files are
    never linked."""
    unreadable: Counter[str] = Counter()
    for path, facts in _file_facts(_paths(candidates), FileFactsRequest(content=True)):
        if isinstance(facts, MediaError):
            unreadable[facts.reason] += 1
        else:
            _link(candidates, CONTENT, f"sha256:{facts.sha256}", path)
    return unreadable


def link_frames(candidates: Candidates, rule: SameFrames, work: Path) -> Counter[str]:
    """Links files whose frames look alike; returns how many could not be read, by reason.

    ``work`` is a folder for the index of frames.
    """
    unreadable: Counter[str] = Counter()
    with closing(FrameIndex(work)) as index:
        request = FileFactsRequest(frames=FRAMES_OF_A_FILE)
        for path, facts in _file_facts(_paths(candidates), request):
            if isinstance(facts, MediaError):
                unreadable[facts.reason] += 1
            else:
                assert facts.duration_s is not None
                index.add(path, facts.duration_s, facts.hashes)
        for key, path in index.groups(rule):
            _link(candidates, FRAMES, key, path)
    return unreadable


def measure(candidates: Candidates) -> Iterator[tuple[int, float]]:
    """The number and the length in seconds of each candidate that may have a row.

    The length of a clip follows from its times, which ``ingest`` checks against the file; that of a
    whole file is measured by its packets. A candidate whose file cannot be measured is rejected,
    with the reason of the ``MediaError``.
    """
    run = candidates.base.execute
    run("CREATE TABLE measured (path TEXT PRIMARY KEY, length_s REAL, reason TEXT, detail TEXT)")
    whole = "SELECT DISTINCT path FROM rows WHERE status = '' AND start_s IS NULL"
    paths = (path for (path,) in run(whole))
    for path, facts in _file_facts(paths, FileFactsRequest(length=True)):
        row = (
            (path, None, facts.reason, facts.detail)
            if isinstance(facts, MediaError)
            else (path, facts.duration_s, "", "")
        )
        run("INSERT INTO measured VALUES (?, ?, ?, ?)", row)
    rows = run(
        "SELECT number, start_s, end_s, length_s, measured.reason, measured.detail FROM rows"
        " LEFT JOIN measured ON measured.path = rows.path WHERE status = '' ORDER BY number"
    )
    for number, start_s, end_s, length_s, reason, detail in rows:
        if start_s is not None:
            yield number, end_s - start_s
        elif reason:
            candidates.refuse(number, reason, detail)
        else:
            yield number, length_s


def _paths(candidates: Candidates) -> Iterator[str]:
    """Every file once, those of unwanted candidates too, for they may hold out others."""
    run = candidates.base.execute
    run("CREATE INDEX IF NOT EXISTS by_path ON rows (path)")
    return (path for (path,) in run("SELECT DISTINCT path FROM rows WHERE path != ''"))


def _link(candidates: Candidates, rank: int, key: str, path: str) -> None:
    query = "SELECT number FROM rows WHERE path = ?"
    for (number,) in candidates.base.execute(query, (path,)).fetchall():
        candidates.link(rank, key, number)


def _file_facts(
    paths: Iterator[str], request: FileFactsRequest
) -> Iterator[tuple[str, FileFacts | MediaError]]:
    """The facts of each file, in order; as many files at a time as there are CPUs."""
    count = len(os.sched_getaffinity(0))
    free: SimpleQueue[DecodeProcess] = SimpleQueue()

    def look(path: str) -> FileFacts | MediaError:
        process = free.get()
        try:
            return process.file_facts(path, request)
        except MediaError as error:
            return error
        finally:
            free.put(process)

    with ExitStack() as stack:
        for _ in range(count):
            free.put(stack.enter_context(DecodeProcess(Path("/"))))
        pool = stack.enter_context(ThreadPoolExecutor(count))
        while some := list(islice(paths, _AT_ONCE * count)):
            yield from zip(some, pool.map(look, some), strict=True)
