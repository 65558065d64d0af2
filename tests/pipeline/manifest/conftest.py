"""A dataset of a test's own, in JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import json_list
from pipeline.manifest.adapters.licences import Terms
from pipeline.manifest.make import Source, make_manifest, rejects_beside
from tests.pipeline.manifest.reconcile.reconciling import Make


class ToyRecord(RawRecord):
    """A video with its annotations; the names of its fields are those of an entry."""

    name: str
    places: tuple[str, ...] = Field((), strict=False)
    clip: list[float] | None = None
    split: str = "train"
    platform_id: str = ""
    annotations: tuple[dict[str, Any], ...] = Field((), strict=False)


def toy_entry(record: ToyRecord, pointer: str, _: str) -> Entry | Unread:
    clip = (record.clip[0], record.clip[1]) if record.clip else None
    annotations = tuple(
        RawAnnotation(
            **{"kind": "event", "text": "A.", "pointer": f"{pointer}/annotations/{i}"} | one
        )
        for i, one in enumerate(record.annotations)
    )
    places = tuple(Place(path, clip) for path in record.places or [record.name])
    return Entry(record.name, places, annotations, record.split, record.platform_id)


TOY = Adapter(
    name="toy",
    title="Toy",
    files=(AnnotationFile("*.jsonl", json_list, ToyRecord, toy_entry),),
    proven=False,
    proof="made up",
    licence="toy",
)
FREE = Terms(
    annotations="CC0",
    videos="CC0",
    family="cc0",
    share_alike=False,
    non_commercial=False,
    publish=("text", "videos"),
    attribution="nobody",
    written_by="human",
    checked="here",
)


@pytest.fixture
def toy() -> Adapter:
    return TOY


@pytest.fixture
def licences() -> Mapping[str, Terms]:
    signed = {"family": "ego4d", "ego4d": True, "publish": ()}
    alike = {"family": "cc-by-sa", "share_alike": True}
    return {
        "toy": FREE.model_copy(update={"platforms": {"ego4d": "signed", "vimeo": "alike"}}),
        "signed": FREE.model_copy(update=signed),
        "alike": FREE.model_copy(update=alike),
    }


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Path]:
    """``dataset(a=[…], b=[…])``: the folder of ``a.jsonl`` and ``b.jsonl``."""

    def write(**files: Iterable[Mapping[str, Any] | str]) -> Path:
        folder = tmp_path / "annotations"
        folder.mkdir(exist_ok=True)
        for name, rows in files.items():
            lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
            (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
        return folder

    return write


@pytest.fixture
def videos(tmp_path: Path) -> Callable[..., Path]:
    """``videos("a.mp4", "sub/b.mkv", root="videos")``: a folder of such files, each with its own
    path in it."""

    def write(*paths: str, root: str = "videos") -> Path:
        folder = tmp_path / root
        folder.mkdir(exist_ok=True)
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(f"{root}/{path}")
        return folder

    return write


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def make(toy: Adapter, licences: Mapping[str, Terms], tmp_path: Path) -> Make:
    """``make(annotations, videos)``: the account, the rows and the rejects."""

    def run(annotations: Path, *videos: Path, **given: Any) -> Any:
        out = tmp_path / "out" / "toy.jsonl"
        source = Source("toy", toy, annotations, videos, **given)
        report, written = make_manifest([source], out, licences)
        (account,) = report.accounts
        assert {path.name for path in out.parent.iterdir()} == {
            *(path.name for path in written),
            rejects_beside(out).name,
        }
        rows = [row for path in written for row in lines_of(path)]
        return account, rows, lines_of(rejects_beside(out))

    return run
