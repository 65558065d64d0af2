"""Which files of replies, and which journals, have something about a video.

A video keeps its replies when shards are cut anew, so they are not found by the number of a shard.
Each file lists its videos: one of replies in its footer, a journal in its first line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pipeline.execution.journal import journal_videos
from pipeline.store.location import Location
from pipeline.store.part_names import replied_shard
from pipeline.store.parts import StoreError, replied_videos
from pipeline.workflow.task import Replied

_THREADS = 16
"""Files whose videos are read at once: of an object store, each takes a round trip or two."""
_MOST_INDEXES = 16
_one_at_a_time = Lock()


class RepliesIndex:
    """The files of some folders as they are now: twelve bytes for each video of each."""

    def __init__(self, folders: Sequence[Location]) -> None:
        """Lists the folders, and reads the videos of each file."""
        self._places: list[Location] = []
        self._by_shard: dict[int, list[int]] = {}
        videos: list[NDArray[np.uint64]] = []
        with ThreadPoolExecutor(_THREADS) as threads:
            found = [place for folder in folders for place in _replies_in(folder)]
            for place, listed in zip(found, threads.map(_videos_of, found), strict=True):
                if listed is None:
                    shard = replied_shard(place.name) or 0
                    self._by_shard.setdefault(shard, []).append(len(self._places))
                videos.append(_keys(listed or ()))
                self._places.append(place)
        every = np.concatenate(videos) if videos else _keys(())
        order = np.argsort(every, kind="stable")
        sizes = [len(each) for each in videos]
        self._videos = every[order]
        self._numbers = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[order]

    def about(self, videos: Collection[str], shard: int) -> Sequence[Location]:
        """The files with something about one of the videos, sorted.

        Of files that do not list their videos, as earlier versions wrote them, those of the shard
        of that number.
        """
        keys = _keys(videos)
        first = np.searchsorted(self._videos, keys, "left")
        last = np.searchsorted(self._videos, keys, "right")
        found = set(self._by_shard.get(shard, ()))
        for a, b in zip(first, last, strict=True):
            found.update(self._numbers[a:b].tolist())
        return sorted(self._places[number] for number in found)


def index_of(replied: Replied) -> RepliesIndex:
    """The index of what was replied before; it is made once in each process."""
    with _one_at_a_time:
        return _made(replied)


@lru_cache(maxsize=_MOST_INDEXES)
def _made(replied: Replied) -> RepliesIndex:
    return RepliesIndex(replied.folders)


def _replies_in(folder: Location) -> Iterator[Location]:
    names = sorted([*folder.sizes(), *folder.folders()])
    return (folder / name for name in names if replied_shard(name) is not None)


def _videos_of(place: Location) -> Collection[str] | None:
    """The videos of a file of replies or a journal; None where it does not say. Of one that cannot
    be read, none: what it holds is asked again."""
    if place.name.startswith("journal-"):
        return journal_videos(place)
    try:
        return replied_videos(place)
    except StoreError:
        return ()


def _keys(videos: Collection[str]) -> NDArray[np.uint64]:
    """Eight bytes for each id. Two ids with the same ones cost a file that is read in vain."""
    digests = (hashlib.blake2b(video.encode(), digest_size=8).digest() for video in videos)
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
