"""``export`` of a finished run and of its corpus: the same files, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.livecc import read_livecc
from pipeline.corpus.names import sample_key
from pipeline.corpus.read import read_corpus
from pipeline.dialogue.weights import FIXED, Preset
from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.render import render_scenes
from pipeline.run import main
from tests.conftest import RenderOnce
from tests.runs.conftest import EXTENDS
from tests.runs.raw_files import Row, call, lines_of, questions_of, reconciled, states_of, write

Capture = pytest.CaptureFixture[str]
Export = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce) -> Path:
    """A finished run over three scenes: ``run.yaml`` and ``run/corpus``."""
    folder = tmp_path_factory.mktemp("a run")
    with render_once():
        manifest = render_scenes(folder / "scenes", [scene.name for scene in SCENES[:3]])
    run = {"name": "run", "root": str(folder / "run"), "videos_per_shard": 2, "workers": 2}
    source = {"kind": "manifest", "path": str(manifest)}
    config = {"extends": str(EXTENDS), "run": run, "source": source}
    (folder / "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert main(["run", "-c", str(folder / "run.yaml")]) == 0
    return folder


@pytest.fixture
def export(folder: Path, tmp_path: Path, capsys: Capture) -> Export:
    """``export("name", options …)``: of the corpus, into ``tmp_path / name``."""

    def run(name: str, *options: object, of: object = folder / "run" / "corpus") -> Any:
        given = ("-c", folder / "run.yaml") if of is None else (of,)
        return call(capsys, "export", *given, "-o", tmp_path / name, *options)

    return run


def rows_of(out: Path) -> list[Any]:
    (path,) = (path for path in out.glob("train.*"))
    form = out.name.partition("-")[0]
    if (load := FORMATS[form].load) is not None:
        return list(load(path))
    rows: list[Any] = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else []
    return rows or lines_of(path)


def assistants(rows: list[Row]) -> Iterator[Row]:
    return (m for each in rows for m in each["messages"] if m["role"] == "assistant")


def images_of(out: Path) -> dict[str, bytes]:
    found = (path for path in (out / "images").rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_run_and_its_corpus_say_the_same(
    form: str, folder: Path, export: Export, tmp_path: Path
) -> None:
    tallies, rows = [], []
    for name, of in ((f"{form}-run", None), (f"{form}-corpus", folder / "run" / "corpus")):
        status, text, error = export(name, "--format", form, "--json", of=of)
        tallies.append(json.loads(text))
        left_out = tallies[-1]["rejected"]
        assert bool(left_out) == (form == "livecc"), "it alone cannot hold negatives"
        assert status == (3 if left_out else 0) and error.startswith(f"export: {tmp_path / name}\n")
        rows.append(rows_of(tmp_path / name))
        rejects = lines_of(tmp_path / name / "rejects.jsonl")
        per_question = dict.fromkeys(("activation", "stride"), len(rows[-1]))
        counted = tallies[-1] | ({"written": per_question[form]} if form in per_question else {})
        assert reconciled(counted, rows[-1], rejects)
        assert f"# Dialogues as `{form}`" in (tmp_path / name / "README.md").read_text("utf-8")
    assert tallies[0] == tallies[1]
    assert (
        tallies[0]["dialogues"] - sum(tallies[0]["rejected"].values()) == tallies[0]["written"] > 20
    )
    assert sorted(map(json.dumps, rows[0])) == sorted(map(json.dumps, rows[1]))
    for row in rows[0]:
        FORMATS[form].read(row)
    frames = images_of(tmp_path / f"{form}-run")
    assert frames == images_of(tmp_path / f"{form}-corpus")
    assert len(frames) == tallies[0]["images"] and bool(frames) == FORMATS[form].needs_images


def test_frames_are_those_of_the_corpus(folder: Path, export: Export, tmp_path: Path) -> None:
    assert export("messages")[0] == 0
    found = images_of(tmp_path / "messages")
    expected = {
        f"images/{sample_key(sample.video_id)}/{frame.index:06d}.jpg": frame.jpeg
        for sample in read_corpus(folder / "run" / "corpus", frames=True)
        for frame in sample.frames
    }
    assert found == expected
    rows = lines_of(tmp_path / "messages" / "train.jsonl")
    assert {image for row in rows for image in row["images"]} == set(expected)
    assert export("bare", "--no-images")[0] == 0
    assert not (tmp_path / "bare" / "images").exists()
    bare = lines_of(tmp_path / "bare" / "train.jsonl")
    assert sorted(map(json.dumps, bare)) == sorted(map(json.dumps, rows))


def test_the_paper_spells_otherwise(export: Export, tmp_path: Path) -> None:
    made = {}
    for spelling in ("official", "paper"):
        assert export(spelling, "--format", "stream", "--spelling", spelling)[0] == 0
        made[spelling] = lines_of(tmp_path / spelling / "train.jsonl")
        card = (tmp_path / spelling / "README.md").read_text(encoding="utf-8")
        assert f"spelling `{spelling}`" in card
        assert ("`<Silence>`" in card, "- <Silence>" in card) == (spelling == "paper",) * 2
    assert str(made["official"]).replace("</S", "<S").replace("</R", "<R") == str(made["paper"])
    assert [*map(states_of, made["official"])] == [*map(states_of, made["paper"])]
    assert [*map(questions_of, made["official"])] == [*map(questions_of, made["paper"])]


@pytest.mark.parametrize("preset", get_args(Preset))
def test_weights_reach_the_rows(preset: str, export: Export, tmp_path: Path) -> None:
    assert export(preset, "--weights", preset, "--seed", 3, "--no-images")[0] == 0
    said = list(assistants(lines_of(tmp_path / preset / "train.jsonl")))
    assert all(type(m["loss"]) is bool and type(m["loss_scale"]) is float for m in said)
    assert f"Preset `{preset}`, seed 3" in (tmp_path / preset / "README.md").read_text("utf-8")
    scales = {m["loss_scale"] for m in said}
    assert len(scales) > 1
    if preset == "streamo_fixed":
        assert scales == set(FIXED.values())
    assert all(m["loss"] == (m["loss_scale"] > 0) for m in said)


def test_tasks_are_chosen_and_weighed_by_themselves(export: Export, tmp_path: Path) -> None:
    given = ("--weights", "class_balanced", "--no-images", "--task", "tsqa")
    assert export("one", *given)[0] == 0
    rows = lines_of(tmp_path / "one" / "train.jsonl")
    assert {row["task_type"] for row in rows} == {"tsqa"}
    # Nothing waits in these dialogues: two states share the weight, and it averages 1.
    scales = {m["loss_scale"] for m in assistants(rows)}
    assert len(scales) == 2 and sum(scales) == pytest.approx(2)
    assert export("two", "--no-images", "--task", "tsqa", "--task", "narration")[0] == 0
    rows = lines_of(tmp_path / "two" / "train.jsonl")
    assert {row["task_type"] for row in rows} == {"tsqa", "narration"}
    status, _, error = export("none", "--task", "narations")
    assert (status, error.count("\n")) == (2, 1)
    assert "--task" in error and "did you mean 'narration'?" in error


def test_the_last_line_of_livecc_seeks(export: Export, tmp_path: Path) -> None:
    assert export("livecc", "--format", "livecc")[0] == 3, "negatives are left out"
    path = tmp_path / "livecc" / "train.jsonl"
    data = path.read_bytes()
    offsets = json.loads(data.splitlines()[-1])
    rows = list(read_livecc(path))
    assert len(offsets) == len(rows) > 20
    assert [json.loads(data[at : data.index(b"\n", at)]) for at in offsets] == rows
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "README.md",
        "rejects.jsonl",
        "train.jsonl",
    ]


def test_datasets_loads_messages(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets
    import huggingface_hub.constants
    from datasets.load import load_dataset
    from datasets.utils.tqdm import disable_progress_bars

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    disable_progress_bars()
    assert export("messages", "--weights", "streamo_fixed")[0] == 0
    path = tmp_path / "messages" / "train.jsonl"
    loaded = load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    )
    rows = lines_of(path)
    for ours, theirs in zip(rows, loaded, strict=True):
        found = [{k: v for k, v in m.items() if v is not None} for m in theirs.pop("messages")]
        # Arrow reads 0.3 as 0.30000000000000004.
        expected = [
            m | {"loss_scale": pytest.approx(m["loss_scale"])} if "loss" in m else m
            for m in ours.pop("messages")
        ]
        assert (found, theirs) == (expected, ours)


def test_a_folder_that_is_not_empty_stays(export: Export, tmp_path: Path) -> None:
    kept = write(tmp_path / "kept" / "mine.json", [1])
    for name in ("kept", "kept/mine.json"):
        status, _, error = export(name)
        assert status == 2 and "is not empty" in error
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "mine.json"]
    assert json.loads(kept.read_text(encoding="utf-8")) == [1]
    (tmp_path / "empty").mkdir()
    assert export("empty", "--no-images")[0] == 0


def test_the_folder_at_hand(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, folder: Path
) -> None:
    (tmp_path / "ö, x").mkdir()
    monkeypatch.chdir(tmp_path / "ö, x")
    given = ("export", folder / "run" / "corpus", "--no-images", "-o", ".")
    assert call(capsys, *given)[0] == 0
    info = json.loads((tmp_path / "ö, x" / "dataset_info.json").read_text(encoding="utf-8"))
    assert list(info) == ["ö_x_train"], "a trainer lists names between commas"
    assert "`dataset: ö_x_train`" in (tmp_path / "ö, x" / "README.md").read_text(encoding="utf-8")


def test_what_cannot_be_exported(
    folder: Path, export: Export, tmp_path: Path, capsys: Capture
) -> None:
    other = folder / "other.yaml"
    text = (folder / "run.yaml").read_text(encoding="utf-8")
    other.write_text(text.replace(str(folder / "run"), str(folder / "not run")), encoding="utf-8")
    corpus = folder / "run" / "corpus"
    parquet = corpus / "data" / "tsqa" / "train-00000-000.parquet"
    bare = ("--format", "stream")
    for arguments, status, named in (
        ((corpus, "-c", other), 2, "-c"),
        ((), 2, "-c"),
        (("-c", other), 2, "not finished"),
        ((corpus, "--limit", 1), 2, "--limit"),
        ((corpus, "--set", "run.workers=1"), 2, "--set"),
        ((corpus, "--overlap-turns", 3), 2, "--overlap-turns"),
        ((corpus, "--max-tokens", 100), 2, "--max-tokens"),
        ((folder / "run.yaml", *bare), 1, "run.yaml"),
        ((folder / "gone", *bare), 1, "no_corpus"),
        ((folder, *bare), 1, "no_corpus"),
        ((parquet,), 1, "no_frames"),
    ):
        found, _, error = call(capsys, "export", *arguments, "-o", tmp_path / "out")
        assert (found, error.count("\n")) == (status, 1)
        assert named in error
        assert list(tmp_path.iterdir()) == []
    assert export("task", *bare, of=parquet)[0] == 0


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_export_leaves_nothing(
    error: BaseException, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pipeline.corpus.export.folder
    from pipeline.corpus.export.exporter import write_frames

    left = [2]

    def failing(*arguments: Any) -> int:
        left[0] -= 1
        if not left[0]:
            raise error
        return write_frames(*arguments)

    monkeypatch.setattr(pipeline.corpus.export.folder, "write_frames", failing)
    status, text, _ = export("out")
    assert status != 0 and text == "" and left == [0]
    assert list(tmp_path.iterdir()) == []


def test_a_torn_corpus_is_named(folder: Path, export: Export, tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(folder / "run" / "corpus", torn)
    tar = next(torn.glob("wds/*/*.tar"))
    whole = tar.read_bytes()
    middle = whole.index(b"\xff\xd8\xff")
    for damaged in (
        whole[: len(whole) // 2],
        whole[:middle] + bytes(99) + whole[middle + 99 :],
        whole[: whole.index(b".jpg") // 512 * 512],
        bytes(10_240),
    ):
        tar.write_bytes(damaged)
        status, _, error = export("out", of=torn)
        assert (status, error.count("\n")) == (1, 1) and tar.name in error
        assert [path.name for path in tmp_path.iterdir()] == ["torn"]
