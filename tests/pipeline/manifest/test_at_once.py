"""What is done for many videos at once says what is said of each by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_manifest.table import make as make_table
from pipeline.manifest import video_files
from pipeline.manifest.adapters.adapter import Adapter
from pipeline.manifest.adapters.entry import Place
from pipeline.manifest.adapters.licences import load_licences
from pipeline.manifest.make import Source, make_manifest, rejects_beside
from pipeline.manifest.reconcile.candidates import Candidates
from pipeline.manifest.reconcile.combination import Chosen
from pipeline.manifest.rules import Rules, spaced
from pipeline.manifest.survey import Wanted
from pipeline.manifest.video_files import VideoFiles
from pipeline.manifest.write import ManifestFiles
from pipeline.records import ManifestRow
from tests.conftest import examples
from tests.pipeline.media.containers import make_tar

TABLE = make_table({})
HELD = (
    *("a.mp4", "b.mkv", "x/c.mp4", "y/c.mp4", "x/d.webm", "e.npy", "x/e.mp4", "noend"),
    *("cafe\u0301.mp4", "f.mp4", "f.webm", "x/y/f.mp4", "-g.mp4"),
)
FOLDERS = ("", "", "x/", "y/", "./", "z/", "x/y/", "\ud800/")
STEMS = ("a", "b", "c", "d", "e", "f", "noend", "caf\u00e9", "-g", "in", "gone", "\ud800", " ")
PATHS = st.builds(
    "{}{}{}".format,
    st.sampled_from(FOLDERS),
    st.sampled_from(STEMS),
    st.sampled_from(("", ".mp4", ".MKV", ".npy", ".")),
)
CLIPS = st.none() | st.tuples(st.sampled_from([0.0, 2.5]), st.sampled_from([1.0, 9.0]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos of their own and in a container, two of one name, some that are none."""
    root = tmp_path_factory.mktemp("held") / "videos"
    for name in HELD:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    here = root / "a.mp4"
    make_tar(root / "0.tar", {"x/in.mp4": here, "a.mp4": here, "c.mp4": here})
    return root


@settings(max_examples=examples(60))
@given(
    st.lists(st.lists(st.builds(Place, PATHS, CLIPS), max_size=3), max_size=8),
    st.sampled_from([0, 2, 5000]),
    st.sampled_from([1, 2, 500]),
)
def test_files_that_are_found_at_once_are_those_that_are_found_one_by_one(
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    videos: Sequence[Sequence[Place]],
    most: int,
    names: int,
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        VideoFiles([folder, folder / "x"], tmp_path_factory.mktemp("work")) as files,
    ):
        patch.setattr(video_files, "_MOST_AT_ONCE", most)
        patch.setattr(video_files, "_NAMES_AT_ONCE", names)
        assert files.find_all(videos) == [files.find(places) for places in videos]


TEXTS = st.sampled_from(
    ["A dog.", " A  dog. ", "none", "", " ", "\u3000x", "\ud800", "tab\tbed", "A dog."]
)
TIMES = st.sampled_from([0, 1, 2.5, 4, -1, "3", "x", "", "0:00:07", float("nan")])
SPOILT: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries(
        {"video": PATHS | st.sampled_from([5, None, "a", "b", "a"])},
        optional={
            "text": TEXTS | st.sampled_from([3, None]),
            "start_s": TIMES,
            "end_s": TIMES,
            "clip_start_s": TIMES,
            "clip_end_s": TIMES,
            "name": st.sampled_from(["n", "m", 7, "", " ", None, "\ud800"]),
            "split": st.sampled_from(["train", "train", "test", "val", "unassigned", "no good", 3]),
            "question": TEXTS,
            "options": st.sampled_from(['["a", "b "]', '["a", ""]', "x", None]),
            "platform_id": st.sampled_from(["youtube:a", "youtube:b", "ego4d:c", "", None]),
        },
    ),
    max_size=12,
)


def validated(
    files: ManifestFiles, row: ManifestRow, family: str, write: Any = ManifestFiles.write
) -> None:
    """Writes a row, which was made without validation: that would have changed nothing."""
    assert repr(ManifestRow(**vars(row))) == repr(row)
    write(files, row, family)


def manifest_of(adapter: Adapter, rows: Path, folder: Path, out: Path, **given: Any) -> list[bytes]:
    """The bytes of the manifest, its rejects and its report."""
    rules = Rules(unassigned=given.pop("unassigned"))
    wanted = Wanted(limit=given.pop("limit"))
    sources = [
        Source(name, adapter, rows, [folder], rules=rules, wanted=wanted) for name in ("one", "two")
    ][: given.pop("sources")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ManifestFiles, "write", validated)
        report, written = make_manifest(sources, out, load_licences(), chosen=Chosen(**given))
    files = [path.read_bytes() for path in (*written, rejects_beside(out))]
    return [*files, json.dumps(report.as_json()).encode()]


@settings(max_examples=examples(40), deadline=None)
@given(
    SPOILT,
    st.sampled_from(["train", "keep", "refuse"]),
    st.sampled_from([None, 1]),
    st.sampled_from([1, 2]),
    st.sampled_from(["keep", "first"]),
)
def test_spoilt_rows_give_the_manifest_that_they_give_one_by_one(
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    unassigned: str,
    limit: int | None,
    sources: int,
    same_video: str,
) -> None:
    """The slow way asks for the files of each video alone, and joins all rows that share a key."""
    work = tmp_path_factory.mktemp("spoilt")
    table = work / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    how = {"unassigned": unassigned, "limit": limit, "sources": sources, "same_video": same_video}
    quick = manifest_of(TABLE, table, folder, work / "out" / "m.jsonl", **how)

    def enter(candidates: Candidates, enter: Any = Candidates.__enter__) -> Candidates:
        candidates.joined = candidates.may_leak = True
        entered: Candidates = enter(candidates)
        return entered

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VideoFiles, "find_all", lambda files, some: list(map(files.find, some)))
        patch.setattr(Candidates, "__enter__", enter)
        patch.setattr("pipeline.manifest.make._VIDEOS_AT_ONCE", 1)
        slow = manifest_of(TABLE, table, folder, work / "out" / "m.jsonl", **how)
    assert quick == slow


@given(st.text(st.sampled_from("ab \t\n\u00a0\u3000\u2028\x1c\u00e9\u200b\ud800"), max_size=12))
def test_words_are_parted_by_single_spaces(text: str) -> None:
    assert spaced(text) == " ".join(text.split())
