"""Platform ids, such as ``youtube:dQw4w9WgXcQ``, read from names and paths of files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

from pipeline.media.files import VIDEO_SUFFIXES

_YOUTUBE = re.compile(r"([A-Za-z0-9_-]{11})(?:_[0-9.]+_[0-9.]+)?")
_YOUTUBE_URL = re.compile(
    r"https?://(?:www\.|m\.)?(?:youtube\.com/(?:watch\?(?:.*&)?v=|embed/|v/|shorts/)|youtu\.be/)"
    r"([A-Za-z0-9_-]{11})(?:[?&#/].*)?"
)
_YOUTUBE_MARKS = ("", "v_", "ytb_")
"""Prefixes of ids in file names of ActivityNet, HACS and LLaVA-Video."""
_NO_NAME = re.compile(
    r"(?:video|clip|split|part|segment|chunk|scene|shot|sample)?[-_ ]?[0-9]{0,4}", re.IGNORECASE
)
"""File names that occur in many folders, and so identify no video."""
_FLICKR = re.compile(r".+@N[0-9]{2}_([0-9]+)_[^_]+")
_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def youtube_id(stem: str) -> str:
    """``youtube:<id>`` of ``<id>``, or of ``<id>_<start>_<end>``; empty of any other stem."""
    found = _YOUTUBE.fullmatch(stem)
    return f"youtube:{found[1]}" if found else ""


def ego4d_id(stem: str) -> str:
    """``ego4d:<uid>`` of a stem that begins with a uid, else ``ego4d:<stem>``.

    It is never empty, so that the licence of Ego4D applies whatever the file is called.
    """
    found = _UID.match(stem)
    return f"ego4d:{found[0] if found else stem}"


def flickr_id(name: str) -> str:
    """``flickr:<photo>`` of ``<owner>_<photo>_<hash>`` with any suffix or none, even behind a dot;
    empty of any other name."""
    parts = (name.rpartition(".")[0] or name).rsplit("_", 2)
    return f"flickr:{parts[1]}" if len(parts) == 3 and parts[1].isdecimal() else ""


def photo_id(path: str) -> str:
    """``flickr:<photo>`` of a file whose name Flickr gave, with any suffix or none,
    ``<owner>@N<nn>_<photo>_<hash>``; empty of any other. No other names look like these."""
    name = PurePosixPath(path).name
    return flickr_id(f"{name}.") if _FLICKR.fullmatch(name.rstrip(".")) else ""


def collected_id(path: str) -> str:
    """The id in a path below the folders of LLaVA-Video, which collects from many platforms; empty
    where there is none.

    YouCook2's are ``<number>/<id>/split_<n>``, NExT-QA's are numbers of Flickr photos.
    """
    where = PurePosixPath(path)
    folders, stem = where.parts[:-1], where.stem
    if "ego4d" in path.lower():
        return ego4d_id(stem)
    if "youtube_video_2024" in folders and stem.startswith("ytb_"):
        return youtube_id(stem.removeprefix("ytb_"))
    if "activitynet" in folders and stem.startswith("v_"):
        return youtube_id(stem.removeprefix("v_"))
    if "youcook2" in folders[:-1]:
        return youtube_id(folders[-1])
    if "NextQA" in folders and stem.isdecimal():
        return f"flickr:{stem}"
    return f"charades:{stem}" if "Charades" in folders else photo_id(path)


def aliases(text: str) -> Iterator[str]:
    """All names under which a video may be known whose id, name or path is ``text``.

    These are the text itself, its last part without a video suffix, and the platform ids in that.
    Where the last part identifies no video, as in ``<id>/split_2.mp4``, the folder's name is used.
    A name that only looks like an id gives one too: aliases hold videos out of training, where one
    too many costs a video and one too few leaks a test video.
    """
    text = _composed(text)
    yield text
    if found := _YOUTUBE_URL.fullmatch(text):
        yield f"youtube:{found[1]}"
        return
    above, _, name = text.replace("\\", "/").rpartition("/")
    head, dot, suffix = name.rpartition(".")
    stem = head if head and f"{dot}{suffix.lower()}" in VIDEO_SUFFIXES else name
    if above and _NO_NAME.fullmatch(stem):
        folder = above.rpartition("/")[2]
        yield f"{folder}/{stem}"
        yield from filter(None, [youtube_id(folder)])
        return
    yield stem
    for mark in _YOUTUBE_MARKS:
        if stem.startswith(mark) and (youtube := youtube_id(stem.removeprefix(mark))):
            yield youtube
    if _UID.match(stem):
        yield ego4d_id(stem)
    yield from filter(None, [photo_id(stem)])


def _composed(text: str) -> str:
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)
