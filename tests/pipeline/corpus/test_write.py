from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.layout import CORPUS_FORMAT, CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus, write_group, write_whole
from pipeline.records import ShardFile, Turns


def test_the_files_are_those_that_lie_there(corpus: tuple[Path, list[ShardFile]]) -> None:
    folder, files = corpus
    there = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert [file.path for file in files] == there
    assert there == [
        "README.md",
        "counts.json",
        "data/event_caption/train-00000-000.parquet",
        "data/narration/train-00000-000.parquet",
        "data/narration/validation-00000-000.parquet",
        "data/tsqa/train-00000-000.parquet",
        "data/tsqa/validation-00000-000.parquet",
        "frames/train-00000-000.parquet",
        "frames/validation-00000-000.parquet",
        "messages/train-00000-000.parquet",
        "messages/validation-00000-000.parquet",
        "preview/train-00000-000.parquet",
        "preview/validation-00000-000.parquet",
        "traces/train-00000-000.parquet",
        "traces/validation-00000-000.parquet",
        *(f"wds/train/00000-{number:03}.tar" for number in range(7)),
        *(f"wds/validation/00000-{number:03}.tar" for number in range(3)),
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
    assert counts["format"] == CORPUS_FORMAT
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
        shown = [d for s in samples if s.split == part["split"] for d in s.frames]
        for form in (f"wds/{part['split']}/", f"frames/{part['split']}-"):
            assert sum(f.rows for f in files if f.path.startswith(form)) == len(shown)
        chats = (f.rows for f in files if f.path.startswith(f"messages/{part['split']}-"))
        assert sum(chats) == part["dialogues"]
    assert sum(source["videos"] for source in counts["sources"]) == whole["videos"]


def test_without_frames_there_is_no_tar(
    samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    bare = [VideoSample(sample.dialogues) for sample in samples]
    files = write_corpus(tmp_path, bare, settings.model_copy(update={"frames": False}))
    assert not [file.path for file in files if file.path.startswith(("wds/", "frames/"))]
    card = (tmp_path / "README.md").read_text().lower()
    assert "webdataset" not in card and "frames/" not in card


def test_tars_can_be_left_out(
    samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    files = write_corpus(tmp_path, samples, settings.model_copy(update={"tars": False}))
    kinds = {file.path.partition("/")[0] for file in files}
    assert "frames" in kinds and "wds" not in kinds
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
        ("bad_name", changed(one, task="messages")),
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


def test_groups_add_up_to_the_whole_and_each_has_files_of_its_own(
    corpus: tuple[Path, list[ShardFile]],
    samples: list[VideoSample],
    settings: CorpusSettings,
    tmp_path: Path,
) -> None:
    groups = [
        write_group(tmp_path / str(number), number, samples[5 * number : 5 * number + 5], settings)
        for number in range(4)
    ]
    files = write_whole(tmp_path / "whole", groups, settings)
    assert [file.path for file in files] == ["README.md", "counts.json"]
    assert groups[3].files == [] and groups[3].example == ""
    paths = [file.path for group in groups for file in group.files]
    assert len(paths) == len(set(paths)) and "data/tsqa/train-00002-000.parquet" in paths
    assert {path for path in paths if path.startswith(("preview", "traces"))} == {
        f"{kind}/{split}-00000-000.parquet"
        for kind in ("preview", "traces")
        for split in ("train", "validation")
    }
    for name in ("README.md", "counts.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (corpus[0] / name).read_bytes()
