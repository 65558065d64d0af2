"""How much of a corpus a store of chunks takes again, when a release corrects a few of its rows.

    python benchmarks/corpus.py [--dialogues N]

Makes so many dialogues (16,000 when nothing is said: about a group of the default size), of the
tasks and durations of Streamo-Instruct-465K, writes them as the corpus does, and again after each
of these corrections:

``changed``: ten dialogues say something else.
``gone``: ten dialogues are left out.
``shifted``: the first video is left out, so that every shard begins a video later.

Frames stay as they are but for the last.

The HF Hub keeps files as chunks of about 64 KiB that end where their content says so, and takes no
chunk that it has. This cuts files in the same way, with a hash of its own, and says what share of
the bytes of a release is in chunks that the one before does not have. ``plain`` is the same with
pages that end after so many bytes, as Parquet writers do when nothing is said.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.dialogue import compiled, raw_rows
from pipeline.corpus import parquet
from pipeline.corpus.forms import DIALOGUE_FORM, FRAME_FORM, MESSAGE_FORM, Chat
from pipeline.corpus.parquet import ParquetFiles
from pipeline.corpus.streamo.raw import read_raw
from pipeline.records import Dialogue, FramedSegment, Turns

CORRECTED = 10
"""Dialogues."""
VIDEOS = 10
"""Whose frames are written."""
_WINDOW = 32
_LEAST, _MOST, _MEAN_BITS = 8 << 10, 128 << 10, 16


def dialogues(count: int) -> Iterator[Dialogue]:
    """The same at every call, some for each video."""
    for number, (raw, duration_s) in enumerate(raw_rows(count)):
        read = read_raw(raw, number=number, origin="auto", default_question="?")
        named = read.annotation.model_copy(update={"annotation_id": f"{number:08}"})
        yield compiled(named, float(duration_s))


def changed(rows: Sequence[Dialogue]) -> list[Dialogue]:
    """Some with other texts."""
    found = list(rows)
    for number in _some(rows):
        row = rows[number]
        turns = [t.model_copy(update={"text": t.text and f"{t.text}!"}) for t in row.turns]
        found[number] = row.model_copy(update={"turns": Turns.of(turns)})
    return found


def gone(rows: Sequence[Dialogue]) -> list[Dialogue]:
    """Without some."""
    left_out = set(_some(rows))
    return [row for number, row in enumerate(rows) if number not in left_out]


def shifted(rows: Sequence[Dialogue]) -> list[Dialogue]:
    """Without those of the first video."""
    return [row for row in rows if row.video_id != rows[0].video_id]


def _some(rows: Sequence[Dialogue]) -> range:
    step = len(rows) // CORRECTED
    return range(step // 2, len(rows), step)


def write(folder: Path, rows: Sequence[Dialogue]) -> None:
    """Rows and messages of one group, as ``write_files`` does."""
    with (
        ParquetFiles(folder, DIALOGUE_FORM, 0, 500_000_000) as files,
        ParquetFiles(folder, MESSAGE_FORM, 0, 500_000_000) as chats,
    ):
        for row in rows:
            files.add(f"data/{row.task}", row, "train", row.task)
            chats.add("messages", Chat.of(row), "train")
        files.finish()
        chats.finish()


def write_frames(folder: Path, videos: Iterable[int]) -> None:
    """Frames of 100 turns of each video, as Parquet; bytes that do not compress, as JPEG is."""
    with ParquetFiles(folder, FRAME_FORM, 0, 500_000_000) as files:
        for video in videos:
            chance = random.Random(video)
            for index in range(100):
                jpeg = chance.randbytes(chance.randint(10_000, 30_000))
                frame = FramedSegment(
                    video_id=f"video_{video}.mp4", index=index, start_s=index, end_s=index + 1,
                    frame_s=index, turns_per_s=1, jpeg=jpeg,
                )  # fmt: skip
                files.add("frames", frame, "train")
        files.finish()


def chunks(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Digest and bytes of each chunk of a file."""
    gear = np.array(random.Random(1).choices(range(1 << 32), k=256), np.uint32)
    hashes = np.zeros(len(content), np.uint32)
    values = gear[np.frombuffer(content, np.uint8)]
    for back in range(_WINDOW):
        hashes[back:] += values[: len(values) - back] << np.uint32(back)
    ends = (np.flatnonzero(hashes >> np.uint32(32 - _MEAN_BITS) == 0) + 1).tolist()
    begin = 0
    for end in [*ends, len(content)]:
        while end - begin > _MOST:
            yield _digest(content[begin : begin + _MOST])
            begin += _MOST
        if end - begin >= _LEAST or end == len(content):
            yield _digest(content[begin:end])
            begin = end


def _digest(chunk: bytes) -> tuple[bytes, int]:
    return hashlib.sha256(chunk).digest(), len(chunk)


def chunks_of(folder: Path) -> list[tuple[bytes, int]]:
    """Those of all files."""
    files = sorted(folder.rglob("*.parquet"))
    return [chunk for file in files for chunk in chunks(file.read_bytes())]


def new_share(before: Iterable[tuple[bytes, int]], after: Sequence[tuple[bytes, int]]) -> float:
    """The share of the bytes after that is in no chunk of before."""
    known = {name for name, _ in before}
    return sum(n for name, n in after if name not in known) / sum(n for _, n in after)


def main() -> None:
    """Says the shares, as a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dialogues", type=int, default=16_000)
    rows = list(dialogues(parser.parse_args().dialogues))
    print("| pages | MB | changed | gone | shifted |\n|---|---|---|---|---|")
    chunking = parquet.CHUNKING
    for name, pages in (("by content", chunking), ("plain", False)):
        parquet.CHUNKING = pages  # type: ignore[misc, assignment]  # the other way, to compare
        with tempfile.TemporaryDirectory(prefix="turnwise-benchmark-") as temporary:
            folder = Path(temporary)
            write(folder / "before", rows)
            stored = chunks_of(folder / "before")
            shares = []
            for correct in (changed, gone, shifted):
                write(folder / correct.__name__, correct(rows))
                shares.append(new_share(stored, chunks_of(folder / correct.__name__)))
            write_frames(folder / "frames", range(VIDEOS))
            write_frames(folder / "later", range(1, VIDEOS))
            frames = chunks_of(folder / "frames")
            moved = new_share(frames, chunks_of(folder / "later"))
        texts = " | ".join(f"{share:.1%}" for share in shares)
        print(f"| {name} | {_megabytes(stored)} | {texts} |")
        print(f"| {name}, frames | {_megabytes(frames)} | 0.0% | 0.0% | {moved:.1%} |")


def _megabytes(stored: Sequence[tuple[bytes, int]]) -> str:
    return f"{sum(n for _, n in stored) / 1e6:.1f}"


if __name__ == "__main__":
    main()
