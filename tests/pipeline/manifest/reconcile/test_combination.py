from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.manifest.reconcile.combination import Bin, load_combination

SOURCES = (
    "sources: [{source: a, annotations: a, videos: v}, {source: b, annotations: b, videos: v}]"
)


def written(folder: Path, text: str) -> Path:
    path = folder / "all.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_start_from_the_folder_of_the_file_and_options_are_texts(tmp_path: Path) -> None:
    text = """
sources:
  - {source: table, name: mine, annotations: t.csv, videos: [v, /w, "s3://b/v"],
     options: {per_second: 25, no_end: next}, without: [ego4d], limit: 3}
hold_out: [ovo.json]
identity: [content, frames]
same_frames: {bits: 3}
same_video: first
videos: 10
durations: [{end_s: 30, share: 2}, {start_s: 60, share: 1}]
"""
    found = load_combination(written(tmp_path, text))
    (item,) = found.sources
    assert (item.called, item.options) == ("mine", {"per_second": "25", "no_end": "next"})
    assert item.annotations == tmp_path / "t.csv"
    assert item.videos == (str(tmp_path / "v"), "/w", "s3://b/v")
    assert found.hold_out == (tmp_path / "ovo.json",)
    assert [one.called for one in found.durations] == ["0-30 s", "60 s and more"]
    assert (found.same_frames.bits, found.same_frames.fewest, found.seed) == (3, 4, 0)


def test_bins_are_half_open() -> None:
    one = Bin(start_s=30, end_s=60, share=1)
    assert [one.holds(s) for s in (29.9, 30, 59.9, 60)] == [False, True, True, False]
    assert Bin(start_s=30, share=1).holds(1e9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: []", "sources: "),
        ("[]", "must be a mapping with `sources`"),
        ("videos: 3", "sources: this key is needed"),
        (f"{SOURCES}\nvideo: 3", "video: unknown key; did you mean 'videos'"),
        (
            "sources: [{source: a, annotations: a, videos: v, shares: 1}]",
            r"sources\.0\.shares: unknown key; did you mean 'share'",
        ),
        (f"{SOURCES}\nsame_video: frist", "same_video: 'frist' is not one of .*'first'"),
        (f"{SOURCES}\nidentity: [frame]", r"identity\.0: 'frame' is not one of .*'frames'"),
        (f"{SOURCES}\nvideos: 3\nvideos: 4", "'videos' stands here twice"),
        (f"{SOURCES}\ndurations: [{{share: 1}}]", "videos: this key is needed"),
        (f"{SOURCES}\nvideos: 1\ndurations: [{{share: 0}}]", r"durations\.0\.share: .*than 0"),
        (
            f"{SOURCES}\nvideos: 1\ndurations: [{{share: 1, end_s: 9}}, {{start_s: 8, share: 1}}]",
            "0-9 s and 8 s and more overlap",
        ),
        (
            f"{SOURCES}\nvideos: 1\ndurations: [{{start_s: 9, end_s: 9, share: 1}}]",
            "end_s must be after start_s",
        ),
        (
            "sources: [{source: a, annotations: a, videos: v, share: 1},"
            " {source: b, annotations: a, videos: v}]\nvideos: 4",
            r"sources\.1\.share: give it to all sources, or to none",
        ),
        (
            "sources: [{source: a, annotations: a, videos: v, share: 1}]",
            "videos: this key is needed",
        ),
        (
            "sources: [{source: a, annotations: a, videos: v},"
            " {source: a, annotations: b, videos: v}]",
            "a stands there twice",
        ),
        ("sources: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_combination(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_combination(tmp_path / "none.yaml")
