from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.reconcile.near_duplicates import (
    FRAMES,
    FrameHashes,
    FrameIndex,
    SameFrames,
    alike,
)
from tests.conftest import examples

RULE = SameFrames()
hashes = st.lists(st.none() | st.integers(0, 2**64 - 1), min_size=FRAMES, max_size=FRAMES)


def flipped(value: int, bits: int, random: Random) -> int:
    for place in random.sample(range(64), bits):
        value ^= 1 << place
    return value


def groups(work: Path, files: Sequence[FrameHashes], rule: SameFrames = RULE) -> dict[str, str]:
    """The key of every file that has one, by its place."""
    with closing(FrameIndex(work)) as index:
        for place, one in enumerate(files):
            index.add(f"{place}", *one)
        return {path: key for key, path in index.groups(rule)}


def video(random: Random) -> tuple[int | None, ...]:
    return tuple(random.getrandbits(64) for _ in range(FRAMES))


def test_copies_have_one_key_and_other_videos_have_others(tmp_path: Path) -> None:
    random = Random(1)
    originals = [(30.0 + number % 3, video(random)) for number in range(200)]
    copies = [
        (length + 0.2, tuple(flipped(value or 0, random.randint(0, 4), random) for value in frames))
        for length, frames in originals
    ]
    keys = groups(tmp_path, [*originals, *copies])
    assert all(keys[f"{number}"] == keys[f"{number + 200}"] for number in range(200))
    assert len(set(keys.values())) == 200


def test_a_key_does_not_depend_on_the_order_of_the_files(tmp_path: Path) -> None:
    random = Random(2)
    frames = video(random)
    files = [(9.0, frames), (9.1, frames), (9.1, video(random))]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = groups(tmp_path / "a", files), groups(tmp_path / "b", files[::-1])
    assert [one[f"{place}"] for place in range(3)] == [other[f"{2 - place}"] for place in range(3)]
    assert all(key.startswith("frames:") and len(key) == 39 for key in one.values())


def test_flat_frames_link_nothing(tmp_path: Path) -> None:
    random = Random(3)
    flat = (9.0, (None,) * FRAMES)
    shared = random.getrandbits(64)
    few = (9.0, (*(None,) * (FRAMES - 3), shared, shared, shared))
    enough = (9.0, (*(None,) * (FRAMES - 4), shared, shared, shared, shared))
    keys = groups(tmp_path, [flat, flat, few, few, enough, enough])
    assert keys.keys() == {"4", "5"} and keys["4"] == keys["5"]


def test_any_number_of_equal_files_are_one(tmp_path: Path) -> None:
    random = Random(4)
    frames = video(random)
    # Many files that have a frame in common stand between them in every band of that frame.
    crowd = [(9.0, (frames[0], *video(random)[1:])) for _ in range(100)]
    keys = groups(tmp_path, [(9.0, frames), *crowd, (9.0, frames)])
    assert keys["0"] == keys["101"] and len(set(keys.values())) == 101


@pytest.mark.parametrize(
    ("bits", "length_s", "expected"),
    [(5, 30.0, True), (6, 30.0, False), (0, 30.5, True), (0, 30.6, False), (0, 29.4, False)],
)
def test_the_rule_is_kept_to_the_letter(bits: int, length_s: float, expected: bool) -> None:
    random = Random(5)
    frames = video(random)
    other = tuple(flipped(value or 0, bits, random) for value in frames)
    assert alike((30.0, frames), (length_s, other), RULE) is expected


def test_a_cut_beside_a_frame_does_not_matter() -> None:
    random = Random(6)
    frames = video(random)
    other = (*frames[:5], *video(random)[5:])
    assert alike((9.0, frames), (9.0, other), RULE)
    assert not alike((9.0, frames), (9.0, (*frames[:3], *video(random)[3:])), RULE)


@settings(max_examples=examples(60))
@given(files=st.lists(st.tuples(st.floats(0, 1e6), hashes.map(tuple)), max_size=8))
def test_every_comparable_file_has_a_key_and_equal_files_share_it(
    files: list[FrameHashes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys = groups(tmp_path_factory.mktemp("index"), files)
    for place, (_, frames) in enumerate(files):
        known = sum(value is not None for value in frames) >= RULE.fewest
        assert (f"{place}" in keys) is known
        for other in range(place):
            if known and files[other] == files[place]:
                assert keys[f"{other}"] == keys[f"{place}"]
