"""A loss of power as ext4 knows it: the image of a mounted disk is copied at a random moment of a
run, and the run goes on from the copy. It needs root and loop devices.

``TURNWISE_CHAOS_CUTS=20`` is the long form (``make chaos``); ``TURNWISE_CHAOS_SEED`` repeats one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.chaos_figures import Figures
from tests.faults.children import forking
from tests.faults.healing import corpus_of
from tests.faults.operations import Fault
from tests.faults.small_run import write_config

pytestmark = pytest.mark.faults

CUTS = max(2, int(os.environ.get("TURNWISE_CHAOS_CUTS", "2")))
SEED = int(os.environ.get("TURNWISE_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
IMAGE_BYTES = 32 << 20
OPTIONS = "loop,commit=1,noauto_da_alloc"
"""Names get to the disk a second after they were made, and their bytes when the kernel likes."""


def run(*command: object) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[None]:
    run("mount", "-o", OPTIONS, image, place)
    try:
        yield
    finally:
        run("umount", place)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image with an empty file system; skips where none can be mounted."""
    path, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("only root can mount an image, with mkfs.ext4")
    with path.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    run("mkfs.ext4", "-q", path)
    tried = subprocess.run(["mount", "-o", OPTIONS, path, place], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no image can be mounted: {tried.stderr.decode().strip()}")
    run("umount", place)
    return path


def test_a_copy_finds_out_a_corpus_that_was_not_synced(image: Path, tmp_path: Path) -> None:
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    with forking() as children:
        with mounted(image, disk):
            config = write_config(disk)
            done = children.call(disk, ["run", "-c", str(config)], Fault("kill", 0, unsynced=True))
            assert done.status == 0, done.printed
            expected = corpus_of(disk)
            time.sleep(3)
            shutil.copyfile(image, copy)
        with mounted(copy, disk):
            assert corpus_of(disk) != expected


def test_a_copy_of_a_disk_in_use_heals(image: Path, tmp_path: Path, figures: Figures) -> None:
    print(f"seed {SEED}, {CUTS} cuts")
    chance, disk = Random(SEED), tmp_path / "disk"
    copy = tmp_path / "copy"
    command = ["run", "-c", str(disk / "small.yaml")]
    with forking() as children:
        with mounted(image, disk):
            write_config(disk)
            whole = children.call(disk, command)
            expected = corpus_of(disk)
            shutil.rmtree(disk / "run")
            os.sync()
        for number in range(CUTS):
            with mounted(image, disk):
                # The last moment is after a run that said that all is done.
                at = chance.randint(1, whole.operations) if number else whole.operations
                ended = children.call(disk, command, Fault("kill", at))
                assert ended.status == -9
                # So long names may be on the disk, and the bytes of nobody who did not sync.
                time.sleep(chance.uniform(0, 3))
                shutil.copyfile(image, copy)
                shutil.rmtree(disk / "run", ignore_errors=True)
            with figures.one("cut", "of a mounted image"), mounted(copy, disk):
                left = corpus_of(disk)
                assert left in ({}, expected)
                again = children.call(disk, command)
                assert again.status == 0, again.printed
                assert corpus_of(disk) == expected
            print(f"{number + 1:3} at operation {at}: {len(left)} files of the corpus were left")
