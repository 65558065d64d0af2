"""One corpus, by each loader that the documents name, in an environment without torch.

``tests/trainers`` has those that need torch.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import turnwise
from pipeline.corpus.layout import NEWEST_FORMAT, CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from tests.loaders import Loaded, of_rows, of_turns, of_videos
from tests.runs.small_corpus import grouped_samples, small_corpus, write_grouped

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def samples() -> list[VideoSample]:
    return grouped_samples()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, samples: list[VideoSample]) -> Path:
    folder = tmp_path_factory.mktemp("loaders") / "corpus"
    write_grouped(folder, samples)
    assert len(list(folder.glob("wds/train/*.tar"))) > 2
    return folder


def written(samples: Iterable[VideoSample]) -> Loaded:
    """What was written, from the records themselves."""
    rows = [d.model_dump() for each in samples for d in each.dialogues]
    frames = [
        {"video_id": f.video_id, "index": f.index, "image": {"bytes": f.jpeg}}
        for each in samples
        for f in each.frames
    ]
    return of_rows(rows, frames)


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets(
    corpus: Path, samples: list[VideoSample], streaming: bool, offline_hub: None
) -> None:
    from datasets import Image
    from datasets.load import load_dataset

    options: Any = {"split": "train", "streaming": streaming}
    dialogues = load_dataset(str(corpus), **options)
    frames = load_dataset(str(corpus), "frames", **options)
    loaded = of_rows(dialogues, frames.cast_column("image", Image(decode=False)))
    assert loaded == written(samples)


def test_streaming_datasets_shuffles_and_resumes(corpus: Path, offline_hub: None) -> None:
    """By the state that the package itself keeps."""
    from datasets.load import load_dataset

    def rows() -> Any:
        return load_dataset(str(corpus), split="train", streaming=True).shuffle(
            seed=3, buffer_size=1
        )

    one = rows()
    names = []
    for number, row in enumerate(one):
        names.append(row["sample_id"])
        if number == 3:
            state = one.state_dict()
    other = rows()
    other.load_state_dict(state)
    assert [row["sample_id"] for row in other] == names[4:]
    assert len(set(names)) == len(names)


def by_video(turns: Iterator[Any]) -> Iterator[list[Any]]:
    """The turns of each video, which follow one another."""
    for _, own in itertools.groupby(turns, key=lambda turn: turn["json"]["video_id"]):
        yield list(own)


def test_webdataset_reads_shuffles_and_resumes(corpus: Path, samples: list[VideoSample]) -> None:
    """With one seed it has one order, so what was seen is passed over."""
    from webdataset.compat import WebDataset

    tars = [str(tar) for tar in sorted(corpus.glob("wds/train/*.tar"))]

    def videos(seed: int) -> Any:
        turns = WebDataset(tars, shardshuffle=len(tars), detshuffle=True, seed=seed).decode()
        return turns.compose(by_video).shuffle(4, seed=seed)

    plain: Any = WebDataset(tars, shardshuffle=False).decode()
    assert of_turns(plain) == written(samples)
    first, again, other = list(videos(7)), list(videos(7)), list(videos(8))
    assert of_turns(itertools.chain(*first)) == written(samples)
    assert first == again != other
    assert list(videos(7).slice(3, None)) == first[3:]


def test_read(corpus: Path, samples: list[VideoSample]) -> None:
    videos = list(turnwise.read(corpus))
    assert of_videos(videos) == written(samples)
    assert [video.video_id for video in videos] == [each.video_id for each in samples]
    for video, sample in zip(videos, samples, strict=True):
        assert {row["sample_id"] for row in video.dialogues} == {
            d.sample_id for d in sample.dialogues
        }
        assert [f.frame_s for f in video.frames] == [f.frame_s for f in sample.frames]


def test_read_knows_splits_and_a_corpus_without_frames(tmp_path: Path) -> None:
    samples = small_corpus()
    write_corpus(tmp_path / "framed", samples, CorpusSettings())
    (only,) = turnwise.read(tmp_path / "framed", "validation")
    assert (only.video_id, only.split) == ("d.mp4", "validation")
    write_corpus(tmp_path / "bare", samples, CorpusSettings(frames=False))
    for videos in (
        turnwise.read(tmp_path / "bare"),
        turnwise.read(tmp_path / "framed", frames=False),
    ):
        assert [(each.video_id, len(each.frames)) for each in videos] == [
            (name, 0) for name in ("a.mp4", "b ü.mp4", "c.mp4", "d.mp4")
        ]


def test_read_says_what_is_wrong(tmp_path: Path, corpus: Path) -> None:
    assert turnwise.FORMAT == NEWEST_FORMAT
    with pytest.raises(FileNotFoundError, match="holds no data"):
        turnwise.read(tmp_path)
    with pytest.raises(FileNotFoundError, match="has no split 'test', but train"):
        turnwise.read(corpus, "test")
    (tmp_path / "counts.json").write_text('{"format": 4}')
    with pytest.raises(ValueError, match=r"format 4.*up to 3"):
        turnwise.read(tmp_path)
    orders = [["a", "b", "c"], ["b", "x"], [], ["y", "c"]]
    assert list(turnwise._in_order(orders)) == ["a", "y", "b", "c", "x"]
    with pytest.raises(ValueError, match="differ in the order"):
        list(turnwise._in_order([["a", "b"], ["b", "a"]]))


MEMORY = """
import sys, turnwise
from tests.peak_memory import peak_kib
videos = turnwise.read(sys.argv[1])
next(videos)
before = peak_kib()
print(sum(len(video.dialogues) for video in videos), peak_kib() - before)
"""


def test_read_holds_one_video_at_a_time_and_needs_pyarrow_alone(tmp_path: Path) -> None:
    """A hundred videos of 1 MB, of which few are held. The folders of the sources are not there."""
    (narrated,) = {each.dialogues[0].video_id: each for each in grouped_samples(1)}.values()
    samples = []
    for number in range(100):
        frames = [
            f.model_copy(update={"video_id": f"v{number}", "jpeg": os.urandom(150_000)})
            for f in narrated.frames
        ]
        head = {"video_id": f"v{number}", "sample_id": f"v{number}-0"}
        samples.append(VideoSample([narrated.dialogues[0].model_copy(update=head)], frames))
    write_corpus(tmp_path / "corpus", samples, CorpusSettings(tars=False))
    (tmp_path / "tests").mkdir()
    for name in ("turnwise.py", "tests/peak_memory.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / "corpus"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    dialogues, kib = map(int, done.stdout.split())
    assert dialogues == 99
    assert kib < 70_000, "of 105 MB"
