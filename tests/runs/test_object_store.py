"""Runs whose manifest, videos, parts and corpus lie in an object store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.store.location import Location
from tests.object_store import ObjectStore, serving

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    """A server that the runs of this file use."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def videos(store: ObjectStore, scenes: Path) -> Location:
    """The manifest of the shortest scenes, with their videos, in the store."""
    folder = Location.of(store.url("scenes"))
    lines = (scenes / "manifest.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    for name in ("scene-13", "scene-14"):
        (folder / f"videos/{name}.mp4").write_bytes((scenes / f"videos/{name}.mp4").read_bytes())
    (folder / "manifest.jsonl").write_text("".join(lines[12:14]))
    return folder


def run(cli: Cli, root: Location, manifest: Location | Path, *more: str, expect: int = 0) -> Any:
    return cli(
        ROOT,
        *("run", "-c", "configs/demo.yaml", "--set", "source.kind=manifest"),
        *("--set", f"source.path={manifest}", "--set", f"run.root={root}"),
        *("--set", "run.videos_per_shard=1", "--set", "corpus.shards_per_group=1", *more),
        expect=expect,
    )


def content(root: Location) -> Mapping[str, bytes]:
    """Every file that the inputs determine: no measurements, logs or settings."""
    return {
        name: (root / name).read_bytes()
        for name in root.walk()
        if not name.startswith(("log/", "settings/", "summary.json")) and "/replies-" not in name
    }


@pytest.fixture(scope="module")
def here(cli: Cli, scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """What the same run leaves on disk."""
    folder = tmp_path_factory.mktemp("here")
    lines = (scenes / "manifest.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "manifest.jsonl").write_text("".join(lines[12:14]), encoding="utf-8")
    (folder / "videos").symlink_to(scenes / "videos")
    run(cli, Location.of(folder / "run"), folder / "manifest.jsonl")
    return content(Location.of(folder / "run"))


@pytest.mark.parametrize("executor", ["local", "ray"])
def test_a_run_in_an_object_store_has_the_bytes_of_one_on_disk(
    cli: Cli, store: ObjectStore, videos: Location, here: Mapping[str, bytes], executor: str
) -> None:
    root = Location.of(store.url(f"run-{executor}"))
    done = run(cli, root, videos / "manifest.jsonl", "--executor", executor)
    assert f"corpus: {root}/corpus" in done.stdout
    assert content(root) == here
    again = run(cli, root, videos / "manifest.jsonl")
    assert content(root) == here
    assert again.stdout == done.stdout


def test_a_store_that_fails_every_tenth_call_only_slows(
    cli: Cli, store: ObjectStore, videos: Location, here: Mapping[str, bytes]
) -> None:
    root = Location.of(store.url("run-faulty"))
    store.fail_every, before = 10, store.failed
    try:
        run(cli, root, videos / "manifest.jsonl")
    finally:
        store.fail_every = 0
    assert store.failed > before + 20
    assert content(root) == here


def test_a_video_that_is_not_in_the_store_costs_itself_alone(
    cli: Cli, store: ObjectStore, videos: Location
) -> None:
    (videos / "some.jsonl").write_text(
        '{"uri": "videos/scene-14.mp4"}\n{"uri": "videos/absent.mp4"}\n'
        f'{{"uri": "{videos}/videos/scene-13.mp4"}}\n{{"uri": "s3://nowhere/x.mp4"}}\n'
    )
    root = Location.of(store.url("run-some"))
    schemes = ("--set", "nodes.ingest.config.schemes=[file, s3]")
    done = run(cli, root, videos / "some.jsonl", *schemes)
    assert "videos: 4 in = 2 annotated + 2 rejected\n  rejected: missing_file 2\n" in done.stdout
