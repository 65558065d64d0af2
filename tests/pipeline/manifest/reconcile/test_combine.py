"""Several sources made into one manifest, from annotation files to rows."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.manifest.adapters.adapter import Adapter
from pipeline.manifest.adapters.licences import Terms
from pipeline.manifest.make import Source, make_manifest, rejects_beside
from pipeline.manifest.reconcile.combination import Bin, Chosen
from pipeline.manifest.reconcile.entry_store import split_priority
from pipeline.manifest.report import LEAKS_NAMED, LEAKS_SHOWN, Report
from pipeline.manifest.survey import Wanted
from tests.conftest import examples
from tests.pipeline.manifest.conftest import lines_of
from tests.pipeline.manifest.reconcile.reconciling import reconciled

Rows = list[dict[str, Any]]
Combine = Callable[..., tuple[Report, Rows, Rows]]


@pytest.fixture
def combine(toy: Adapter, licences: Mapping[str, Terms], tmp_path: Path) -> Combine:
    """``combine({"a": records, …}, videos, chosen)``: the report, the rows and the rejects.

    ``shares`` and ``wanted`` are by name.
    """

    def run(
        records: Mapping[str, Sequence[Any]],
        videos: Path,
        chosen: Chosen | None = None,
        *,
        shares: Mapping[str, float] | None = None,
        wanted: Mapping[str, Wanted] | None = None,
    ) -> tuple[Report, Rows, Rows]:
        sources = []
        for name, rows in records.items():
            folder = tmp_path / f"of_{name}"
            folder.mkdir(exist_ok=True)
            text = "".join(f"{json.dumps(row)}\n" for row in rows)
            (folder / "x.jsonl").write_text(text, encoding="utf-8")
            source = Source(name, toy, folder, [videos], share=(shares or {}).get(name))
            sources.append(replace(source, wanted=(wanted or {}).get(name, Wanted())))
        out = tmp_path / "m.jsonl"
        report, _ = make_manifest(sources, out, licences, chosen=chosen)
        rejects = lines_of(rejects_beside(out))
        for account in report.accounts:
            reconciled(account, [r for r in rejects if r["source"] == account.source])
        return report, lines_of(out), rejects

    return run


def test_a_video_that_one_source_tests_with_no_source_trains_on(
    combine: Combine, videos: Callable[..., Path], tmp_path: Path
) -> None:
    listed = tmp_path / "ovo.json"
    listed.write_text(json.dumps([{"video": "COIN/c.mp4"}, {"video": "d"}]), encoding="utf-8")
    records = {
        "one": [
            {"name": "a", "platform_id": "youtube:1", "annotations": [{}]},
            {"name": "b", "platform_id": "youtube:2"},
            {"name": "c"},
        ],
        "two": [
            # It has no file here, and is not wanted: it is tested with all the same.
            {"name": "gone", "platform_id": "youtube:1", "split": "test"},
            {"name": "d", "platform_id": "youtube:2", "split": "val"},
            {"name": "e", "platform_id": "youtube:2", "split": "unassigned"},
        ],
    }
    root = videos("a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4")
    report, rows, rejects = combine(records, root, Chosen(hold_out=(listed,)))
    assert [(r["video_id"], r["identity"], r["split"]) for r in rows] == [
        ("two/d", "youtube:2", "val")
    ]
    held = {r["name"]: r["detail"] for r in rejects if r["reason"] == "held_out"}
    by_d = "val of two, as two/d; listed in ovo.json, as d"
    assert held == {
        "a": "youtube:1: test of two, as two/gone",
        "b": f"youtube:2: {by_d}",
        "c": "listed in ovo.json, as COIN/c.mp4",
        "e": f"youtube:2: {by_d}",
    }
    leaks = report.as_json()["leaks_prevented"]
    assert leaks["rows"] == 4 and [one["video_id"] for one in leaks["first"]] == [
        "one/a", "one/b", "one/c", "two/e"
    ]  # fmt: skip
    assert leaks["by_source"] == [
        {"source": "one", "list": "", "rows": 2},
        {"source": "one", "list": "ovo.json", "rows": 1},
        {"source": "two", "list": "", "rows": 1},
    ]
    text = report.to_text()
    assert "held out     4 rows that would have been leaks" in text
    assert f"two/e (train) youtube:2: {by_d}" in text
    assert "one/c (train): listed in ovo.json, as COIN/c.mp4" in text
    assert "2 ids in ovo.json" in text and "all: 1 rows of 2 sources" in text


def test_the_terminal_shows_some_leaks_and_the_rejects_all(
    combine: Combine, videos: Callable[..., Path]
) -> None:
    count = LEAKS_NAMED + 5
    train = [{"name": f"{i}", "platform_id": f"youtube:{i}", "places": ["a"]} for i in range(count)]
    tested = [{"name": f"{i}", "platform_id": f"youtube:{i}", "split": "val"} for i in range(count)]
    report, rows, rejects = combine({"one": train, "two": tested}, videos("a.mp4"))
    assert rows == [] and sum(r["reason"] == "held_out" for r in rejects) == count
    assert len(report.as_json()["leaks_prevented"]["first"]) == LEAKS_NAMED
    text = report.to_text()
    assert text.count("val of two, as") == LEAKS_SHOWN
    assert f"and {count - LEAKS_SHOWN:,} more, among the rejects" in text


def test_of_rows_that_show_the_same_those_of_the_first_source_stay(
    combine: Combine, videos: Callable[..., Path]
) -> None:
    records = {
        "one": [{"name": "a", "platform_id": "youtube:1"}],
        "two": [
            {"name": "a", "platform_id": "youtube:1", "annotations": [{}]},
            {"name": "b", "platform_id": "youtube:1", "clip": [2, 4]},
        ],
    }
    root = videos("a.mp4", "b.mp4")
    _, rows, _ = combine(records, root)
    assert [row["video_id"] for row in rows] == ["one/a", "two/a", "two/b"]
    _, rows, rejects = combine(records, root, Chosen(same_video="first"))
    assert [row["video_id"] for row in rows] == ["one/a", "two/b"]
    assert [(r["name"], r["reason"], r["detail"]) for r in rejects] == [
        ("a", "same_video", "one/a of one shows the same")
    ]


def test_files_that_are_the_same_to_the_byte_are_one_video(
    combine: Combine, videos: Callable[..., Path]
) -> None:
    root = videos("a.mp4", "c.mp4", "empty1.mp4", "empty2.mp4")
    (root / "b.mkv").write_bytes((root / "a.mp4").read_bytes())
    for name in ("empty1.mp4", "empty2.mp4"):
        (root / name).write_bytes(b"")
    records = {
        "one": [{"name": "a"}, {"name": "c"}, {"name": "empty1"}],
        "two": [{"name": n, "split": "test"} for n in ("b", "empty2")],
    }
    report, rows, _ = combine(records, root)
    assert len(rows) == 5 and all("identity" not in row for row in rows)
    report, rows, rejects = combine(records, root, Chosen(identity=("content",)))
    assert [r["name"] for r in rejects] == ["a"]
    identities = {row["video_id"]: row.get("identity", "") for row in rows}
    assert identities["two/b"].startswith("sha256:") and not identities["two/empty2"]
    assert identities["one/c"].startswith("sha256:")
    assert report.unreadable == {"content": {"empty_file": 2}}
    assert "content      2 files could not be read (empty_file 2)" in report.to_text()


def ffmpeg(path: Path, source: str, *options: str) -> None:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *options, str(path)]
    subprocess.run(command, check=True)


def test_what_shows_the_same_is_one_video_and_black_is_none(
    combine: Combine, videos: Callable[..., Path]
) -> None:
    root = videos()
    scene, small = "mandelbrot=s=320x240:r=25,trim=duration=3", ("-vf", "scale=128:96", "-r", "10")
    ffmpeg(root / "scene.mp4", scene)
    ffmpeg(root / "copy.webm", scene, *small, "-c:v", "libvpx", "-b:v", "150k")
    ffmpeg(root / "other.mp4", "testsrc=s=320x240:r=25:d=3")
    ffmpeg(root / "black1.mp4", "color=black:s=64x48:d=3")
    ffmpeg(root / "black2.mp4", "color=black:s=128x96:d=3")
    (root / "broken.mp4").write_bytes(b"no video")
    records = {
        "one": [{"name": n} for n in ("scene", "other", "black1", "broken")],
        "two": [{"name": n, "split": "val"} for n in ("copy", "black2")],
    }
    report, rows, rejects = combine(records, root, Chosen(identity=("frames",)))
    assert [(r["name"], r["reason"]) for r in rejects] == [("scene", "held_out")]
    identities = {row["video_id"]: row.get("identity", "") for row in rows}
    assert {name for name, identity in identities.items() if not identity} == {
        "one/black1", "two/black2", "one/broken"
    }  # fmt: skip
    assert identities["two/copy"] != identities["one/other"]
    assert report.unreadable == {"frames": {"not_a_video": 1}}
    lengths = (Bin(end_s=10, share=1),)
    report, _, rejects = combine(records, root, Chosen(videos=9, durations=lengths))
    assert [(r["name"], r["reason"]) for r in rejects] == [("broken", "not_a_video")]
    assert [(p.cap, p.available, p.drawn, p.short) for p in report.allocation.parts[:1]] == [
        (9, 5, 5, 4)
    ]
    assert "all: 9, 5, 5, 4 SHORT" in report.to_text()


clips = st.tuples(st.integers(0, 5), st.integers(1, 9)).map(lambda c: [c[0], c[0] + c[1]])
records = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from("abcdefghij"),
            "places": st.just(["a"]),
            "clip": clips,
            "split": st.sampled_from(["train", "train", "train", "val"]),
            "platform_id": st.sampled_from(["", "youtube:1", "youtube:2", "youtube:3"]),
        }
    ),
    max_size=10,
)
plans = st.builds(
    Chosen,
    videos=st.integers(1, 12),
    durations=st.lists(st.sampled_from([(0, 3), (3, 6), (6, None)]), unique=True, max_size=3).map(
        lambda bins: tuple(Bin(start_s=a, end_s=b, share=1 + a) for a, b in bins)
    ),
    same_video=st.sampled_from(["keep", "first"]),
    seed=st.integers(0, 3),
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=records, two=records, chosen=plans, shares=st.sampled_from([{}, {"one": 2, "two": 1}]))
def test_caps_hold_and_every_entry_is_accounted_for(
    combine: Combine,
    videos: Callable[..., Path],
    one: Rows,
    two: Rows,
    chosen: Chosen,
    shares: Mapping[str, float],
) -> None:
    limits = {"two": Wanted(limit=3)}
    given_records = {"one": one, "two": two}
    report, rows, _ = combine(given_records, videos("a.mp4"), chosen, shares=shares, wanted=limits)
    assert chosen.videos is not None
    by_source = Counter(row["source"] for row in rows)
    assert len(rows) == report.rows == report.allocation.whole.drawn <= chosen.videos
    assert by_source["two"] <= 3
    for part in report.allocation.sources:
        assert part.drawn == by_source[part.of] <= part.available
        assert part.cap is None or part.drawn <= part.cap
    for place, part in enumerate(report.allocation.durations):
        holds = chosen.durations[place].holds
        drawn = sum(holds(row["clip_end_s"] - row.get("clip_start_s", 0)) for row in rows)
        assert part.drawn == drawn <= min(part.available, part.cap or 0)
    levels: dict[str, set[int]] = {}
    for row in rows:
        if "identity" in row:
            levels.setdefault(row["identity"], set()).add(split_priority(row.get("split", "train")))
    assert all(len(found) == 1 for found in levels.values())
    again = combine(given_records, videos("a.mp4"), chosen, shares=shares, wanted=limits)
    assert again[1] == rows


def test_rows_are_drawn_by_hash_rank_and_another_seed_draws_others(
    combine: Combine, videos: Callable[..., Path]
) -> None:
    rows = [{"name": f"{i}", "places": ["a"]} for i in range(60)]
    found = []
    for seed in (0, 1):
        _, made, _ = combine({"one": rows}, videos("a.mp4"), Chosen(videos=20, seed=seed))
        found.append([int(row["video_id"].partition("/")[2]) for row in made])
    assert found[0] != found[1] and all(f == sorted(f) and len(f) == 20 for f in found)
    assert all(max(f) > 40 for f in found)


def test_what_is_refused_counts_though_no_file_is_there(
    combine: Combine, videos: Callable[..., Path]
) -> None:
    by_model = {"start_s": 0, "end_s": 1, "origin": "model"}
    annotations = [{"start_s": 3, "end_s": 1}, by_model, {"start_s": 1, "end_s": 2}]
    records = {
        "one": [
            {"name": "a", "platform_id": "youtube:1", "annotations": annotations},
            {"name": "b", "annotations": annotations},
            {"name": "c", "platform_id": "ego4d:1"},
        ],
        "two": [{"name": "d", "platform_id": "youtube:1", "split": "test"}],
    }
    wanted = {"one": Wanted(without=frozenset({"model-written", "ego4d"}))}
    report, rows, _ = combine(records, videos(), wanted=wanted)
    one = report.accounts[0]
    assert (rows, report.leaks.total()) == ([], 1)
    assert one.rejected == {"held_out": 1, "missing_file": 1} and one.left_out == {"ego4d": 1}
    assert one.refused == {"reversed_span": 1, "model_written": 1}
    # All of a, which is held out, and what is left of b.
    assert (one.accepted.total(), one.without_row, one.annotations.total()) == (0, 4, 6)
    assert one.coverage["train"] == {"missing_file": 2}
