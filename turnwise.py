"""``turnwise.read``, a corpus video by video; and the command ``turnwise`` of an installation.

Reading needs pyarrow alone, and none of the folders that lie beside this file: it works in the
environment of a trainer. The command is ``pipeline/run.py``, wherever it lies.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Frame", "Video", "main", "read"]

FORMAT: Final = 3
"""The newest format of a corpus that ``read`` knows, as in its ``counts.json``."""
_DIALOGUES, _MESSAGES, _FRAMES, _COUNTS = "data/*", "messages", "frames", "counts.json"
_FILE = re.compile(r"(\w+)-(\d{5,})-\d{3,}(?:_([a-z0-9.-]+))?\.parquet")
_Series = tuple[str, int, str]
"""Of files: split, group, and the family of licences where a release has several."""
_BATCH_ROWS = 16
_BUFFER_BYTES = 1 << 20
"""Of each open file. Without it pyarrow reads row groups ahead, and whole."""


class Frame(NamedTuple):
    """What was on the screen when a turn started. Times are seconds from the video's beginning."""

    turn: int
    """Its index in the video, from 0."""
    start_s: float
    """Of the turn, like ``end_s``, which is no longer part of it."""
    end_s: float
    frame_s: float
    """When the picture was presented."""
    jpeg: bytes
    """The picture, as it was encoded."""

    def picture(self) -> Image:
        """The picture, decoded by Pillow."""
        from PIL import Image  # noqa: PLC0415  wanted by those alone who look at pictures

        return Image.open(BytesIO(self.jpeg))


class Video(NamedTuple):
    """A video, all its dialogues, and its frames in order of turns where the corpus has them."""

    video_id: str
    split: str
    dialogues: Sequence[Mapping[str, Any]]
    """Rows with the columns of the config ``all``, such as ``datasets`` gives. ``turns`` has a
    value a turn; the frame of one is ``frames[turn["index"]]``."""
    frames: Sequence[Frame]


def read(
    corpus: str | os.PathLike[str], split: str = "", *, frames: bool = True
) -> Iterator[Video]:
    """The videos of a corpus folder, one after the other; of one split, if one is named.

    One video is held at a time, beside some rows of each open file. Within a split they come in
    the order of the manifest, as far as the files tell it. ``frames``: read these, too, where the
    corpus has them.

    Raises:
        FileNotFoundError: the folder holds no corpus, or no such split.
        ValueError: its format is newer than this turnwise knows; or, while it is read, its files
            are not of one corpus.
    """
    folder = Path(corpus)
    _check_format(folder)
    places = [_DIALOGUES, _MESSAGES, *([_FRAMES] if frames else [])]
    found = {place: _files(folder, place) for place in places}
    if not found[_DIALOGUES]:
        raise FileNotFoundError(f"{folder} holds no data/<task>/<split>-*.parquet")
    splits = sorted({each for each, *_ in found[_DIALOGUES]})
    if split and split not in splits:
        raise FileNotFoundError(f"{folder} has no split {split!r}, but {', '.join(splits)}")
    groups = sorted(key for key in found[_DIALOGUES] if split in ("", key[0]))
    return (
        video
        for key in groups
        for video in _group(
            key[0],
            [_Rows(files) for files in _by_folder(found[_DIALOGUES][key])],
            _Rows(found[_FRAMES].get(key, [])) if frames else _Rows([]),
            _ids(found[_MESSAGES].get(key, [])),
        )
    )


def main() -> int:
    """Run the command line; returns the exit status."""
    here = Path(__file__).resolve().parent
    installed = here / "turnwise"
    sys.path.insert(0, str(installed if installed.is_dir() else here))
    from pipeline.cli.stopping import stop_while_loading  # noqa: PLC0415  found only now

    stop_while_loading()
    from pipeline.run import main_process  # noqa: PLC0415

    return main_process()


def _check_format(folder: Path) -> None:
    import json  # noqa: PLC0415  a command starts without what reading needs

    try:
        written = json.loads((folder / _COUNTS).read_bytes())["format"]
    except (FileNotFoundError, KeyError):
        return  # of the time before formats had numbers
    if written > FORMAT:
        detail = f"{folder} has format {written}, and this turnwise reads formats up to {FORMAT}"
        raise ValueError(f"{detail}: update turnwise")


def _files(folder: Path, place: str) -> dict[_Series, list[Path]]:
    """The Parquet files of a place by series, in their order."""
    found: dict[_Series, list[Path]] = defaultdict(list)
    for file in sorted(folder.glob(f"{place}/*.parquet")):
        if named := _FILE.fullmatch(file.name):
            found[named[1], int(named[2]), named[3] or ""].append(file)
    return found


def _by_folder(files: Iterable[Path]) -> list[list[Path]]:
    return [list(own) for _, own in groupby(files, key=lambda file: file.parent)]


def _group(
    split: str, tasks: Sequence[_Rows], frames: _Rows, messages: Sequence[str]
) -> Iterator[Video]:
    """The videos of a group of files, each of which has some of them, in one order."""
    for video_id in _in_order([frames.ids, messages, *(task.ids for task in tasks)]):
        dialogues = [row for task in tasks for row in task.take(video_id)]
        yield Video(video_id, split, dialogues, [_frame(row) for row in frames.take(video_id)])


def _frame(row: Mapping[str, Any]) -> Frame:
    times = row["start_s"], row["end_s"], row["frame_s"]
    return Frame(row["index"], *times, jpeg=row["image"]["bytes"])


def _in_order(orders: Sequence[Sequence[str]]) -> Iterator[str]:
    """The ids of several lists in an order that is that of each: one comes when it is the next of
    all that have it.

    Raises:
        ValueError: there is none.
    """
    of_id: dict[str, list[Iterator[str]]] = defaultdict(list)
    for ids in orders:
        rest = iter(ids)
        for video_id in ids:
            of_id[video_id].append(rest)
    lacks = Counter({video_id: len(lists) for video_id, lists in of_id.items()})
    ready: deque[str] = deque()

    def advance(rest: Iterator[str]) -> None:
        if (video_id := next(rest, None)) is not None:
            lacks[video_id] -= 1
            if not lacks[video_id]:
                ready.append(video_id)

    for rest in {id(rest): rest for lists in of_id.values() for rest in lists}.values():
        advance(rest)
    while ready:
        video_id = ready.popleft()
        yield video_id
        for rest in of_id.pop(video_id):
            advance(rest)
    if of_id:
        raise ValueError(f"the files differ in the order of {next(iter(of_id))!r}")


def _ids(files: Iterable[Path]) -> list[str]:
    """The videos that have rows, in order of the first."""
    from pyarrow.parquet import read_table  # noqa: PLC0415

    found: dict[str, None] = {}
    for file in files:
        column: Any = read_table(file, columns=["video_id"]).column(0)
        found |= dict.fromkeys(column.unique().to_pylist())
    return list(found)


class _Rows:
    """The rows of some files, of one video after the other."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.ids = _ids(files)
        self._videos = groupby(_rows(files), key=lambda row: row["video_id"])
        self._at = 0

    def take(self, video_id: str) -> Iterator[Mapping[str, Any]]:
        """Those of the video, which is the next one or has none."""
        if self._at < len(self.ids) and self.ids[self._at] == video_id:
            self._at += 1
            found, rows = next(self._videos)
            if found != video_id:
                raise ValueError(f"the rows of {found!r} do not follow one another")
            yield from rows


def _rows(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415

    for path in files:
        with ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
            for batch in file.iter_batches(_BATCH_ROWS):
                yield from batch.to_pylist()
