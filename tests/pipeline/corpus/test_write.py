from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from pipeline.records import ShardFile, Turns


def test_the_files_are_those_that_lie_there(corpus: tuple[Path, list[ShardFile]]) -> None:
    folder, files = corpus
    there = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert [file.path for file in files] == there
    assert there == [
        "README.md",
        "counts.json",
        "data/event_caption/train-00000-of-00002.parquet",
        "data/event_caption/train-00001-of-00002.parquet",
        "data/narration/train-00000-of-00001.parquet",
        "data/narration/validation-00000-of-00001.parquet",
        "data/tsqa/train-00000-of-00003.parquet",
        "data/tsqa/train-00001-of-00003.parquet",
        "data/tsqa/train-00002-of-00003.parquet",
        "data/tsqa/validation-00000-of-00001.parquet",
        "wds/train/000000.tar",
        "wds/train/000001.tar",
        "wds/train/000002.tar",
        "wds/train/000003.tar",
        "wds/train/000004.tar",
        "wds/validation/000000.tar",
        "wds/validation/000001.tar",
    ]
    for file in files:
        content = (folder / file.path).read_bytes()
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.size_bytes == len(content)


def test_written_twice_it_is_the_same(
    corpus: tuple[Path, list[ShardFile]],
    samples: list[VideoSample],
    settings: CorpusSettings,
    tmp_path: Path,
) -> None:
    assert write_corpus(tmp_path / "again", samples, settings) == corpus[1]


def test_the_counts_are_those_of_the_rows(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample]
) -> None:
    folder, files = corpus
    counts = json.loads((folder / "counts.json").read_text())
    whole = counts["totals"][0]
    dialogues = [dialogue for sample in samples for dialogue in sample.dialogues]
    states = Counter(turn.state for dialogue in dialogues for turn in dialogue.turns)
    flags = Counter(flag for d in dialogues for each in d.responses for flag in each.flags)
    assert whole == {
        "task": "",
        "split": "",
        "dialogues": len(dialogues),
        "negatives": 0,
        "videos": len(samples),
        "duration_s": sum(sample.dialogues[0].duration_s for sample in samples),
        "turns": states.total(),
        **{state: states[state] for state in ("silence", "standby", "response")},
        **{flag: flags[flag] for flag in ("merged", "repeated", "shifted", "clamped")},
        "postponed": flags["postponed"],
        "split_off": flags["split"],
    }
    by_slice = Counter[str]()
    for part in counts["states"]:
        by_slice.update(part["states"])
    assert by_slice == states
    assert flags["clamped"] > 0
    for name in ("dialogues", "turns", "silence", "standby", "response", "clamped"):
        assert sum(part[name] for part in counts["slices"]) == whole[name]
        assert sum(part[name] for part in counts["totals"][1:]) == whole[name]
    for part in counts["slices"]:
        rows = sum(f.rows for f in files if (f.task, f.split) == (part["task"], part["split"]))
        assert rows == part["dialogues"]
    for part in counts["totals"][1:]:
        tars = [f for f in files if f.path.startswith(f"wds/{part['split']}/")]
        assert sum(tar.rows for tar in tars) == part["videos"]
    assert sum(source["videos"] for source in counts["sources"]) == whole["videos"]


def test_without_frames_there_is_no_tar(
    samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    bare = [VideoSample(sample.dialogues) for sample in samples]
    files = write_corpus(tmp_path, bare, settings.model_copy(update={"frames": False}))
    assert not [file.path for file in files if file.path.startswith("wds/")]
    assert "webdataset" not in (tmp_path / "README.md").read_text().lower()


def test_a_folder_that_holds_something_is_left_alone(
    samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    (tmp_path / "old.txt").write_text("kept")
    with pytest.raises(FileExistsError):
        write_corpus(tmp_path, samples, settings)
    assert [p.name for p in tmp_path.iterdir()] == ["old.txt"]


def changed(sample: VideoSample, **update: Any) -> list[VideoSample]:
    first, *others = sample.dialogues
    return [VideoSample([first.model_copy(update=update), *others], sample.frames)]


def test_rows_that_make_no_corpus_are_refused_with_a_reason(
    samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    one = samples[0]
    turns = Turns.of([one.dialogues[0].turns[0].model_copy(update={"frame_s": 9.0})])
    bad: list[tuple[str, list[VideoSample]]] = [
        ("empty", []),
        ("repeated_video", [one, samples[1], one]),
        ("no_dialogues", [VideoSample([], one.frames)]),
        ("mixed_videos", changed(one, video_id="another")),
        ("mixed_videos", changed(one, split="test")),
        ("bad_name", changed(one, task="../tsqa")),
        ("miscounted", changed(one, n_standby=99)),
        ("frames_differ", [VideoSample(one.dialogues, one.frames[:-1])]),
        ("frames_differ", [VideoSample(one.dialogues, samples[1].frames)]),
        (
            "frames_differ",
            changed(one, turns=turns, n_silence=1, n_standby=0, n_response=0),
        ),
    ]
    for number, (reason, rows) in enumerate(bad):
        with pytest.raises(CorpusError) as caught:
            write_corpus(tmp_path / str(number), rows, settings)
        assert caught.value.reason == reason
