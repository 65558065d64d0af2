"""Whether a model was trained on what it is scored by: videos of one identity in two corpora.

Two videos are the same by the digest of their file, by that of their frames, or by any name under
which a dataset knows them (``platform_ids.aliases``); the clips of one video are one video. A
benchmark is kept out of training by ``hold_out`` of a manifest; this looks whether it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.manifest.adapters.platform_ids import aliases
from pipeline.records import DialogueHead


def identities(head: DialogueHead) -> set[str]:
    """All that a video, or the clips of a stream, are known by."""
    digests = [head.sha256, head.frames_sha256, *(clip.sha256 for clip in head.clips)]
    names = [head.video_id, head.uri]
    names += [name for clip in head.clips for name in (clip.video_id, clip.uri)]
    known = {f"sha256:{digest}" for digest in digests if digest}
    return known | {alias for name in names if name for alias in aliases(name)}


def leaks(tested: Iterable[DialogueHead], trained: Iterable[DialogueHead]) -> Iterator[str]:
    """The videos that are tested with and were trained on, each once, in order of the training."""
    owner = {each: head.video_id for head in tested for each in identities(head)}
    said: set[str] = set()
    for head in trained:
        for shared in sorted(identities(head) & owner.keys()):
            if owner[shared] not in said:
                said.add(owner[shared])
                yield f"{owner[shared]} is {head.video_id} ({shared})"
