"""Sends a release: whoever reads ``main`` sees the corpus of before or this one, never half."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.corpus.hub.client import MAIN, HubClient, HubFile, PullRequest
from pipeline.corpus.hub.release import Release, SentFile
from pipeline.corpus.layout import CorpusError

COMMIT_FILES: Final = 50
COMMIT_BYTES: Final = 5_000_000_000
"""A commit ends before it has more: what a cut costs at most."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sent:
    """What it came to."""

    commit: str
    """Of ``main``, which holds the release."""
    uploaded: int
    """Files that were not there; so too the next one."""
    uploaded_bytes: int
    removed: int
    is_new: bool
    """Whether ``main`` was something else before."""


def send(
    release: Release,
    hub: HubClient,
    say: Say,
    *,
    private: bool = False,
    tag: str = "",
    commit_files: int = COMMIT_FILES,
) -> Sent:
    """Uploads what is not there to a pull request, reads it back, merges, and tags.

    Called again after a stop at any moment it goes on: all that it knows is on the Hub.

    Raises:
        CorpusError: ``refused``: the release has refusals; ``tag_taken``; ``not_as_sent``: what is
            there differs; ``public``; or ``hub``, with what to do.
    """
    if release.refusals:
        raise CorpusError("refused", str(release.refusals[0]))
    hub.make(private)
    tagged = hub.tags().get(tag) if tag else None
    sent, is_new = (0, 0, 0), bool(_differences(release, hub.files(MAIN)))
    if is_new:
        if tagged:
            raise CorpusError("tag_taken", f"{tag} names another release: give another --revision")
        request = _request(release, hub)
        say(f"pull request {request.number}: {hub.address}/discussions/{request.number}")
        sent = _upload(release, hub, request, say, commit_files)
        _check(release, hub, request.revision)
        hub.merge(request)
    if wrong := _differences(release, hub.files(MAIN)):
        detail = f"{MAIN} changed meanwhile, it differs in {wrong[0]}: call the same command again"
        raise CorpusError("not_as_sent", detail)
    commit = hub.head()
    if tag and tagged is None:
        hub.tag(tag, commit)
    elif tag and tagged != commit and _differences(release, hub.files(tag)):
        raise CorpusError("tag_taken", f"{tag} names another release: give another --revision")
    return Sent(commit, *sent, is_new)


def _request(release: Release, hub: HubClient) -> PullRequest:
    title = f"turnwise {release.digest}"
    description = f"{len(release.files)} files, {release.size_bytes} bytes; merged when complete."
    found = hub.pull_request(title)
    if found is not None and hub.conflicts(found):
        # Something else was merged since it was opened; what it uploaded is not uploaded again.
        hub.close(found)
        found = None
    return found or hub.open_pull_request(title, description)


def _upload(
    release: Release, hub: HubClient, request: PullRequest, say: Say, commit_files: int
) -> tuple[int, int, int]:
    there = hub.files(request.revision)
    missing = [f for f in release.files if f.path not in there or not there[f.path].is_same(f)]
    stale = sorted(there.keys() - {file.path for file in release.files})
    batches = list(_batches(missing, commit_files)) or ([[]] if stale else [])
    for number, files in enumerate(batches, 1):
        last = number == len(batches)
        title = f"turnwise {release.digest}, {number} of {len(batches)}"
        hub.commit(request.revision, title, files, stale if last else [])
        size_bytes = sum(file.size_bytes for file in files)
        say(f"commit {number} of {len(batches)}: {len(files)} files, {size_bytes:,} bytes")
    return len(missing), sum(file.size_bytes for file in missing), len(stale)


def _batches(files: Sequence[SentFile], commit_files: int) -> Iterator[list[SentFile]]:
    batch: list[SentFile] = []
    for file in files:
        size_bytes = sum(each.size_bytes for each in batch) + file.size_bytes
        if batch and (len(batch) == commit_files or size_bytes > COMMIT_BYTES):
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _check(release: Release, hub: HubClient, revision: str) -> None:
    """Compares each file by the digest that the Hub states; what is in git is read back, too."""
    there = hub.files(revision)
    wrong = _differences(release, there)
    for file in release.files:
        if not wrong and not there[file.path].sha256:
            wrong = [file.path] if hub.sha256(file.path, revision) != file.sha256 else []
    if wrong:
        detail = f"{wrong[0]} on {revision} is not what was sent: call the same command again"
        raise CorpusError("not_as_sent", detail)


def _differences(release: Release, there: Mapping[str, HubFile]) -> list[str]:
    """The paths that are missing, too many, or of another content."""
    wanted = {file.path: file for file in release.files}
    return [
        path
        for path in sorted(wanted.keys() | there.keys())
        if path not in wanted or path not in there or not there[path].is_same(wanted[path])
    ]
