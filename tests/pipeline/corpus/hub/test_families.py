"""A release of several families of licences: each has files and configs of its own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

import turnwise
from pipeline.corpus.hub.families import name_of_family
from pipeline.corpus.hub.licences import Entry, Licences
from pipeline.corpus.hub.release import Choice, Release, make_release
from pipeline.corpus.layout import CORPUS_FORMAT, NEWEST_FORMAT, CorpusError, VideoSample
from pipeline.corpus.read import read_corpus, read_groups
from tests.loaders import of_videos
from tests.runs.small_corpus import grouped_samples, write_grouped

ALL = frozenset({"text", "videos"})
LICENCES = Licences(
    {
        "one": Entry("CC BY", "cc-by", ALL),
        "two": Entry("CC BY-NC", "cc-by-nc", ALL),  # the other name begins it
        "three": Entry("Public domain", "x_not: a name", ALL),
    }
)
MIXED = frozenset({"mixed-licences"})


def licensed(samples: Sequence[VideoSample], licences: Sequence[str]) -> list[VideoSample]:
    """The samples, each under the next licence, as a teacher wrote them."""
    return [
        VideoSample(
            [
                d.model_copy(update={"licence": licences[i % len(licences)], "models": ["t@1"]})
                for d in each.dialogues
            ],
            each.frames,
        )
        for i, each in enumerate(samples)
    ]


@pytest.fixture
def samples() -> list[VideoSample]:
    return licensed(grouped_samples(8), ["CC BY", "CC BY-NC", "CC BY", "Public domain"])


def released(folder: Path, samples: Sequence[VideoSample], allow: frozenset[str]) -> Release:
    write_grouped(folder, samples)
    return make_release(folder, Choice(True, allow), LICENCES, folder.parent / f"{folder.name}-c")


def downloaded(release: Release, folder: Path, family: str = "") -> Path:
    """The files of a release, or those of one family and what no family has."""
    for file in release.files:
        of_family = "_" in file.path.rpartition("/")[2]
        if not family or not of_family or fnmatchcase(file.path, f"*_{family}.*"):
            (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.path).write_bytes(file.local.read_bytes())
    return folder


def ids_by_family(samples: Sequence[VideoSample]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for dialogue in (d for each in samples for d in each.dialogues):
        found[LICENCES.family((dialogue.source, dialogue.licence))].add(dialogue.sample_id)
    return found


def configs_of(release: Release) -> dict[str, list[str]]:
    (card,) = (f.local.read_text(encoding="utf-8") for f in release.files if f.path == "README.md")
    header = yaml.safe_load(card.split("---\n")[1])
    return {c["config_name"]: [d["path"] for d in c["data_files"]] for c in header["configs"]}


def test_each_family_has_files_and_configs_of_exactly_its_rows(
    tmp_path: Path, samples: list[VideoSample]
) -> None:
    refused = released(tmp_path / "refused", samples, frozenset())
    assert [str(each).partition(",")[0] for each in refused.refusals] == [
        "licence: 3 families in one corpus"
    ]
    release = released(tmp_path / "corpus", samples, MIXED)
    assert not release.refusals
    whole = downloaded(release, tmp_path / "whole")
    assert of_videos(turnwise.read(whole)) == of_videos(turnwise.read(tmp_path / "corpus"))
    both = [
        sorted(read_corpus(f, frames=True), key=lambda s: s.video_id)
        for f in (whole, tmp_path / "corpus")
    ]
    assert both[0] == both[1], "the tars, too"
    assert [n for n, own in read_groups(whole) for _ in own] == [0] * 4 + [1] * 4
    configs, paths = configs_of(release), [file.path for file in release.files]
    for family, ids in ids_by_family(samples).items():
        name = name_of_family(family)
        alone = downloaded(release, tmp_path / name, name)
        assert {d["sample_id"] for v in turnwise.read(alone) for d in v.dialogues} == ids
        assert {d.sample_id for s in read_corpus(alone, frames=True) for d in s.dialogues} == ids
        for form, place in (("", "data/*/"), ("-messages", "messages/"), ("-frames", "frames/")):
            (pattern,) = configs[f"licence-{name}{form}"]
            matched = {path for path in paths if fnmatchcase(path, pattern)}
            own = {f.relative_to(alone).as_posix() for f in alone.glob(f"{place}*.parquet")}
            assert matched == own != set(), "no file of another family has such a name"
        assert any(fnmatchcase(path, f"wds/*_{name}.tar") for path in paths)
    assert json.loads((whole / "counts.json").read_bytes())["format"] == NEWEST_FORMAT
    text = (whole / "README.md").read_text(encoding="utf-8")
    rows = len(ids_by_family(samples)["cc-by-nc"])
    assert f"| cc-by-nc | {rows} | `licence-cc-by-nc`, `licence-cc-by-nc-frames`" in text
    assert "x\\_not: a name" in text and text.index("## Licences") < text.index("## Loading")


def test_one_family_leaves_as_it_did(tmp_path: Path, samples: list[VideoSample]) -> None:
    one = licensed(samples, ["CC BY"])
    release, allowed = (
        released(tmp_path / name, one, a) for name, a in (("a", frozenset[str]()), ("b", MIXED))
    )
    assert release.digest == allowed.digest
    assert not [f.path for f in allowed.files if "_" in f.path.rpartition("/")[2]]
    (counts,) = (f.local.read_bytes() for f in allowed.files if f.path == "counts.json")
    assert json.loads(counts)["format"] == CORPUS_FORMAT


def test_a_corpus_that_grows_has_the_same_files_and_new_ones(
    tmp_path: Path, samples: list[VideoSample]
) -> None:
    """Of the first group; a licence that comes later renames none."""
    before = released(tmp_path / "before", samples, MIXED)
    kept = {f.path: f.sha256 for f in before.files if "-00000-" in f.path}
    more = samples[:4] + licensed(samples[4:], ["Public domain"])
    later = released(tmp_path / "later", more, MIXED)
    assert kept and kept.items() <= {f.path: f.sha256 for f in later.files}.items()


def test_a_video_that_no_dialogue_has_is_named(tmp_path: Path, samples: list[VideoSample]) -> None:
    write_grouped(tmp_path / "corpus", samples)
    for file in (tmp_path / "corpus" / "data").glob("tsqa/*-00001-*.parquet"):
        file.unlink()
    for file in (tmp_path / "corpus" / "data").glob("narration/*-00001-*.parquet"):
        file.unlink()
    with pytest.raises(CorpusError, match=r"unreadable: (frames|messages)/train-00001.*video"):
        make_release(tmp_path / "corpus", Choice(True, MIXED), LICENCES, tmp_path / "copies")


def test_names_of_families_are_names_of_files() -> None:
    texts = [
        "cc-by-4.0",
        "CC BY 4.0",
        "cc by 4.0",
        "a/b",
        "../x",
        "…",
        "x" * 99,
        "not stated",
        "mit_",
    ]
    names = [name_of_family(text) for text in texts]
    assert names[0] == texts[0] and len(set(names)) == len(texts)
    assert all(
        len(n) < 60 and set(n) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") for n in names
    )
