from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.reconcile.candidates import CONTENT, FRAMES, Candidate, Candidates
from pipeline.manifest.reconcile.entry_store import HELD_OUT, split_priority
from pipeline.manifest.reconcile.identity import Leak, hold_out, identify, keep_first
from pipeline.manifest.reconcile.union_find import UnionFind
from tests.conftest import examples


@dataclass(frozen=True)
class Row:
    """A candidate of a test, and the keys of its file."""

    source: str
    split: str = "train"
    keys: tuple[tuple[int, str], ...] = ()
    platforms: tuple[str, ...] = ()
    listed: bool = False
    status: str = ""
    extent: str = ""


@dataclass(frozen=True)
class Settled:
    identities: dict[str, str]
    held: set[str]
    leaks: list[Leak]
    reasons: dict[str, str]


def settle(
    work: Path, rows: Sequence[Row], names: Sequence[str], *, first: bool = False
) -> Settled:
    """What is decided of rows, whose sources come in that order; they are called by their place."""
    called = {row: f"{place}" for place, row in enumerate(rows)}
    with Candidates(work) as candidates:
        for number, name in enumerate(names):
            for row in rows:
                if row.source != name:
                    continue
                one = Candidate(
                    source=number,
                    video_id=called[row],
                    split=row.split,
                    platform_ids=row.platforms,
                    listed=(0, "x.mp4") if row.listed else None,
                    status=row.status,
                    extent=row.extent,
                )
                candidates.add([one])
                for rank, key in row.keys:
                    candidates.link(rank, key, candidates.count - 1)
        groups = identify(candidates)
        leaks = list(hold_out(candidates, groups, names, ["list.json"]))
        if first:
            keep_first(candidates, names)
        run = candidates.base.execute
        identities = dict(run("SELECT video_id, identity FROM rows"))
        reasons = dict(run("SELECT video_id, reason FROM rows WHERE status = 'rejected'"))
    held = {name for name, reason in reasons.items() if reason == "held_out"}
    return Settled(identities, held, leaks, reasons)


ROWS = st.lists(
    st.builds(
        Row,
        source=st.sampled_from("abc"),
        split=st.sampled_from(["train", "train", "train", "val", "test", "unassigned"]),
        keys=st.lists(
            st.sampled_from([CONTENT, FRAMES]).flatmap(
                lambda rank: st.sampled_from("123456").map(lambda key: (rank, f"{rank} {key}"))
            ),
            max_size=2,
        ).map(tuple),
        platforms=st.lists(st.sampled_from(["youtube:1", "youtube:2", "ego4d:3"]), max_size=1).map(
            tuple
        ),
        listed=st.sampled_from([False, False, False, True]),
        status=st.sampled_from(["", "", "left_out"]),
    ),
    max_size=12,
    unique=True,
)


def groups(rows: Sequence[Row]) -> list[set[int]]:
    """Rows that keys in common lead from one to the other, by trying all."""
    found: list[set[int]] = []
    for place, row in enumerate(rows):
        mine = {*row.keys, *row.platforms}
        joined = [g for g in found if mine & {k for i in g for k in key_set(rows[i])}]
        found = [g for g in found if g not in joined] + [{place}.union(*joined)]
    return found


def key_set(row: Row) -> set[object]:
    return {*row.keys, *row.platforms}


@settings(max_examples=examples(150))
@given(rows=ROWS, names=st.permutations("abc"))
def test_no_row_that_stays_is_of_a_video_of_a_higher_priority(
    rows: list[Row], names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    settled = settle(tmp_path_factory.mktemp("one"), rows, "abc")
    other = settle(tmp_path_factory.mktemp("other"), rows, names)
    assert settled.held == other.held and settled.identities == other.identities
    expected = set[str]()
    for group in groups(rows):
        most = max(split_priority(rows[i].split) for i in group)
        listed = any(rows[i].listed for i in group)
        for i in group:
            level = split_priority(rows[i].split)
            tested = most >= HELD_OUT and level < most
            if not rows[i].status and (tested or (listed and level < HELD_OUT)):
                expected.add(str(i))
        keys = {key for i in group for key in key_set(rows[i])}
        (identity,) = {settled.identities[str(i)] for i in group}
        assert bool(identity) == bool(keys)
        if platforms := sorted(key for key in keys if isinstance(key, str)):
            assert identity == platforms[0]
    assert settled.held == expected == {leak.video_id for leak in settled.leaks}
    known = [settled.identities[str(min(group))] for group in groups(rows)]
    assert len(set(known) - {""}) == sum(identity != "" for identity in known)


def test_a_leak_names_what_holds_the_row_out(tmp_path: Path) -> None:
    rows = [
        Row("a", platforms=("youtube:1",)),
        Row("b", "test", platforms=("youtube:1",), status="left_out"),
        Row("a", platforms=("youtube:2",)),
        Row("b", keys=((CONTENT, "sha256:5"),), platforms=("youtube:2",), listed=True),
        Row("c", "val", platforms=("youtube:2",)),
        Row("c", "val", platforms=("youtube:1",)),
    ]
    leaks = settle(tmp_path, rows, "abc").leaks
    assert [(leak.source, leak.video_id, leak.by, leak.by_list) for leak in leaks] == [
        (0, "0", "test of b, as 1", None),
        (0, "2", "val of c, as 4; listed in list.json, as x.mp4", None),
        (1, "3", "val of c, as 4; listed in list.json, as x.mp4", None),
        (2, "5", "test of b, as 1", None),
    ]
    assert {leak.identity for leak in leaks} == {"youtube:1", "youtube:2"}


def test_what_only_a_list_holds_out_is_counted_for_that_list(tmp_path: Path) -> None:
    rows = [Row("a", listed=True), Row("a", "val", listed=True)]
    (leak,) = settle(tmp_path, rows, "abc").leaks
    assert (leak.video_id, leak.identity, leak.by_list) == ("0", "", 0)
    assert leak.by == "listed in list.json, as x.mp4"


def test_of_one_part_of_one_video_the_row_of_the_first_source_stays(tmp_path: Path) -> None:
    rows = [
        Row("b", platforms=("youtube:1",)),
        Row("a", platforms=("youtube:1",)),
        Row("a", platforms=("youtube:1",), extent="0-5"),
        Row("b", platforms=("youtube:1",), extent="0-5"),
        Row("b", platforms=("youtube:1",), extent="5-9"),
        # One source says that these are two videos, and its files do not say that they are one.
        Row("c", platforms=("youtube:2",)),
        Row("c", platforms=("youtube:2",), status=" "),
        Row("c", keys=((CONTENT, "sha256:5"),)),
        Row("c", keys=((CONTENT, "sha256:5"), (FRAMES, "frames:5"))),
        Row("a"),
        Row("b"),
    ]
    assert settle(tmp_path, rows, "abc", first=True).reasons == {
        "0": "same_video",
        "3": "same_video",
        "8": "same_video",
    }


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60), st.randoms())
def test_groups_do_not_depend_on_the_order(pairs: list[tuple[int, int]], random: object) -> None:
    one, other = UnionFind(31), UnionFind(31)
    for pair in pairs:
        one.join(*pair)
    for pair in sorted(pairs, reverse=True):
        other.join(*reversed(pair))
    found = [one.group(number) for number in range(31)]
    assert found == [other.group(number) for number in range(31)]
    assert all(one.group(a) == one.group(b) for a, b in pairs)
    assert all(group <= number for number, group in enumerate(found))
