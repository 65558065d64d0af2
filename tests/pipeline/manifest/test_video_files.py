from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.adapters.entry import Place
from pipeline.manifest.listed_file import Found, NotFound, split_name
from pipeline.manifest.video_files import VideoFiles
from pipeline.store.location import Location
from tests.conftest import examples
from tests.object_store import serving
from tests.pipeline.media.containers import make_parquet, make_tar

VideoSet = Callable[..., Path]


@contextmanager
def listed(*roots: Path) -> Iterator[VideoFiles]:
    work = roots[0].parent / "work"
    work.mkdir(exist_ok=True)
    (work / "files.sqlite").unlink(missing_ok=True)
    with VideoFiles(roots, work) as files:
        yield files


def find(roots: Sequence[Path], *paths: str) -> str:
    """The file below the parent of the first root; or the reason why there is none."""
    with listed(*roots) as files:
        found = files.find([Place(path) for path in paths])
    if isinstance(found, NotFound):
        return found.reason
    return found.path.relative_to(roots[0].parent.resolve()).as_posix()


@pytest.mark.parametrize(
    ("held", "path", "expected"),
    [
        (["v.mp4", "sub/v.mp4"], "v.mp4", "v.mp4"),
        (["v.mp4", "sub/v.mp4"], "./sub/v.mp4", "sub/v.mp4"),
        (["v.mkv"], "v.mp4", "v.mkv"),
        (["v.MP4"], "v", "v.MP4"),
        (["v.webm", "v.mp4"], "v", "v.mp4"),
        (["a/v.mp4"], "v.mp4", "a/v.mp4"),
        (["7/v.webm"], "7/v", "7/v.webm"),
        (["7/v.mp4", "8/v.mp4"], "8/v", "8/v.mp4"),
        (["data/8/v.mp4", "data/7/v.mp4"], "8/v", "data/8/v.mp4"),
        (["8/v.mp4", "7/v.mp4"], "videos/8/v.mp4", "8/v.mp4"),
        (["7/v.mp4", "8/v.mp4"], "v", "ambiguous"),
        (["x/8/v.mp4", "y/8/v.mp4"], "8/v", "ambiguous"),
        (["w.mp4"], "v.mp4", "missing_file"),
        (["V.mp4"], "v.mp4", "missing_file"),
        (["vv.mp4", "v_.mp4"], "v", "missing_file"),
        (["v.npy"], "v.mp4", "unsupported"),
        (["v.mp4.part", "v.zip"], "v.zip", "unsupported"),
        (["v.npy", "sub/v.mp4"], "v", "sub/v.mp4"),
        (["ab.mp4"], "ab.cd", "missing_file"),
        (["ab.cd.mp4"], "ab.cd", "ab.cd.mp4"),
        ([".v.mp4", ".trash/v.mp4"], "v", "missing_file"),
        (["-x.mp4"], "-x", "-x.mp4"),
        (["--help.mp4"], "--help.mp4", "--help.mp4"),
        (["9@N0_1_ab.mov.mp4"], "9@N0_1_ab.mov", "9@N0_1_ab.mov.mp4"),
        (["9@N0_1_ab."], "9@N0_1_ab.", "9@N0_1_ab."),
        (["9@N0_1_ab..mp4"], "9@N0_1_ab.", "9@N0_1_ab..mp4"),
        (["sub/noend"], "sub/noend", "sub/noend"),
        (["cafe\u0301.mp4"], "caf\u00e9", "cafe\u0301.mp4"),
        (["caf\u00e9/\u732b.mp4"], "cafe\u0301/\u732b", "caf\u00e9/\u732b.mp4"),
        (["v.mp4"], "\ud800", "missing_file"),
    ],
)
def test_a_place_leads_to_its_file(
    videos: VideoSet, held: list[str], path: str, expected: str
) -> None:
    found = find([videos(*held)], path)
    assert found.removeprefix("videos/") == expected


def test_the_first_place_that_has_a_file_wins_and_brings_its_clip(videos: VideoSet) -> None:
    whole = Place("whole", (3, 9.5))
    with listed(videos("whole.mp4", "other/cut.webm")) as files:
        found = files.find([Place("cut.mp4"), whole])
        assert isinstance(found, Found) and found.clip == (3, 9.5)
        assert isinstance(files.find([Place("gone"), Place("cut")]), Found)
        nothing = files.find([Place("gone"), Place("away")])
        assert nothing == NotFound("missing_file", "gone, away")
        assert files.find([]) == NotFound("missing_file", "the record names no file")
    with listed(videos("cut.mp4")) as files:
        found = files.find([Place("cut.mp4"), whole])
        assert isinstance(found, Found) and found.clip is None


def test_of_several_folders_the_first_has_the_exact_place(videos: VideoSet) -> None:
    roots = [videos("v.mp4", root="one"), videos("v.mp4", root="two")]
    assert find(roots, "v.mp4") == "one/v.mp4"
    assert find(roots[::-1], "v.mp4") == "two/v.mp4"
    assert find(roots, "far/v.mp4") == "ambiguous"


def test_folders_within_one_another_and_links_to_one_file_are_not_ambiguous(
    videos: VideoSet,
) -> None:
    root = videos("a/v.mp4")
    assert find([root, root / "a"], "b/v.mp4") == "videos/a/v.mp4"
    (root / "b").mkdir()
    (root / "b" / "v.mkv").symlink_to(root / "a" / "v.mp4")
    assert find([root], "v") in {"videos/a/v.mp4", "videos/b/v.mkv"}


def test_links_that_lead_in_circles_or_nowhere_do_no_harm(videos: VideoSet) -> None:
    root = videos("a/v.mp4", "far/w.mp4")
    (root / "a" / "up").symlink_to(root)
    (root / "gone.mp4").symlink_to(root / "nothing.mp4")
    assert find([root], "w") == "videos/far/w.mp4"
    assert find([root], "gone.mp4") == "missing_file"
    outside = videos("x.mp4", root="outside")
    (root / "linked").symlink_to(outside)
    assert find([root], "x") == "videos/linked/x.mp4"


def test_what_cannot_be_listed_is_named(videos: VideoSet) -> None:
    root = videos("a.mp4")
    with (Path(os.fsdecode(os.fsencode(root) + b"/\xff.mp4"))).open("w"):
        pass
    with listed(root) as files:
        assert files.count == 1
        assert len(files.unlisted) == 1 and "not UTF-8" in files.unlisted[0]


def test_a_folder_a_video_is_found_by_its_whole_path(videos: VideoSet) -> None:
    root = videos(*(f"{i:04}/video.mp4" for i in range(1100)))
    assert find([root], "0777/video.mp4") == "videos/0777/video.mp4"
    assert find([root], "elsewhere/video.mp4") == "ambiguous"


characters = st.characters(codec="utf-8", exclude_characters="/\0")
names = st.text(characters, min_size=1, max_size=12).filter(lambda name: name[0] != ".")


@settings(max_examples=examples(60))
@given(name=names, suffix=st.sampled_from([".mp4", ".WEBM", ".m2ts"]))
def test_an_id_of_any_shape_leads_to_its_file(
    name: str, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("any") / "videos"
    (root / "sub").mkdir(parents=True)
    path = root / "sub" / f"{name}{suffix}"
    path.write_text("")
    for place in (name, f"sub/{name}", f"sub/{name}{suffix}", f"{name}.mkv"):
        with listed(root) as files:
            assert files.find([Place(place)]) == Found(path.resolve()), place


def test_a_suffix_is_short_and_of_letters_and_digits() -> None:
    for name in ("a.", "a.b c", "a.toolong", "a", ".mp4", "a.é"):
        assert split_name(name)[1] == "", name
    assert split_name("a.b.MP4") == ("a.b", ".mp4")


@pytest.fixture
def contained(tmp_path: Path) -> Path:
    """A folder with videos of their own and in containers."""
    root = tmp_path / "videos"
    (root / "sub").mkdir(parents=True)
    for name in ("v.mp4", "sub/w.webm"):
        (root / name).write_bytes(b"no video")
    one = root / "v.mp4"
    make_tar(root / "0.tar", {"8/x.mp4": one, "v.mp4": one, "._x.mp4": one, "x.json": one})
    make_tar(root / "sub/1.tar", {"8/x.mp4": one, "9/y.mkv": one, "w.mp4": one})
    make_parquet(root / "p.parquet", [root / "sub/w.webm", one])
    (root / "2.tar.gz").touch()
    (root / "3.tar").write_text("no tar")
    return root


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("9/y.mp4", "sub/1.tar#9/y.mkv"),
        ("y", "sub/1.tar#9/y.mkv"),
        ("sub/8/x.mp4", "sub/1.tar#8/x.mp4"),
        ("8/x.mp4", "0.tar#8/x.mp4"),
        ("7/x.mp4", "ambiguous"),
        ("v.mp4", "v.mp4"),
        ("gone/w.mp4", "sub/w.webm"),
        ("0.tar#v.mp4", "0.tar#v.mp4"),
        ("p.parquet#mp4/1", "p.parquet#mp4/1"),
        ("4.tar#v.mp4", "missing_file"),
        ("sub/../0.tar#v.mp4", "missing_file"),
        ("\ud800.tar#v.mp4", "missing_file"),
        ("x.json", "missing_file"),
        ("._x.mp4", "missing_file"),
    ],
)
def test_a_place_leads_into_a_container(contained: Path, path: str, expected: str) -> None:
    with listed(contained) as files:
        found = files.find([Place(path)])
    if isinstance(found, NotFound):
        assert found.reason == expected
    else:
        assert found.uri == f"{contained.resolve()}/{expected}"


def test_the_paths_in_a_column_lead_to_its_cells(contained: Path) -> None:
    (contained / "sub/w.webm").unlink()
    with listed(contained) as files:
        found = files.find([Place("w.webm")])
        assert isinstance(found, Found)
        assert (found.uri, found.name) == (
            f"{contained.resolve()}/p.parquet#video/0",
            f"{contained.resolve()}/w.webm",
        )


def test_containers_are_counted_and_those_that_cannot_be_listed_are_named(contained: Path) -> None:
    (contained / "4.tgz").touch()
    with listed(contained) as files:
        # 0.tar has two, 1.tar three, p.parquet two in each of its columns.
        assert (files.count, files.inside) == (8, 9)
        damaged, compressed = files.unlisted
    assert damaged == f"{contained.resolve()}/3.tar: truncated header, after 0 members"
    assert compressed.endswith("unpack it, or make it a .tar (1 more archives are compressed)")


def test_videos_in_an_object_store_are_found_by_one_listing(tmp_path: Path) -> None:
    with serving() as store:
        folder = Location.of(store.url("videos"))
        for name in ("a/v.mp4", "b/v.mkv", "b/w.webm", ".hidden/x.mp4", "shards/0.tar"):
            (folder / name).write_bytes(b"")
        local = tmp_path / "local" / "here.mp4"
        local.parent.mkdir()
        local.touch()
        before = store.asked.total()
        with VideoFiles([folder, local.parent], tmp_path) as files:
            listings = store.asked.total() - before
            found = files.find([Place("b/v.mp4", (1.0, 2.0))])
            assert isinstance(found, Found)
            assert (found.uri, found.clip) == (f"{folder}/b/v.mkv", (1.0, 2.0))
            here = files.find([Place("here")])
            assert isinstance(here, Found) and here.path == local.resolve()
            for place, reason in (("v", "ambiguous"), ("x.mp4", "missing_file")):
                lacking = files.find([Place(place)])
                assert isinstance(lacking, NotFound) and lacking.reason == reason
            assert files.count == 5
            assert files.unlisted == [
                f"not supported: videos in containers of an object store: {folder}/shards/0.tar"
            ]
        assert listings == 1
        with VideoFiles([Location.of(store.url("none"))], tmp_path / "local") as files:
            assert files.unlisted == [f"{store.url('none')}: nothing lies below"]
