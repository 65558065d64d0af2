"""A fault at any file operation of a verb: the next run makes the same bytes, and ``gc`` lists what
the disturbed one left.

``TURNWISE_CHAOS_FAULTS=200`` is the long form (``make chaos``); ``TURNWISE_CHAOS_SEED`` repeats
one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.chaos_figures import Figures
from tests.faults.children import forking
from tests.faults.healing import VERBS, Cases
from tests.faults.operations import Does, Fault

pytestmark = pytest.mark.faults

FAULTS = int(os.environ.get("TURNWISE_CHAOS_FAULTS", "20"))
SEED = int(os.environ.get("TURNWISE_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
DOES: Sequence[Does] = ("kill", "EIO", "ENOSPC", "EACCES")


def test_all_goes_on_after_any_fault_of_the_file_system(tmp_path: Path, figures: Figures) -> None:
    print(f"seed {SEED}, {FAULTS} faults")
    chance = Random(SEED)
    with forking() as children:
        cases = Cases(children, tmp_path)
        for number in range(FAULTS):
            verb = chance.choice(VERBS)
            does = DOES[number % len(DOES)]
            at = chance.randint(1, cases.operations[verb])
            fault = Fault(does, at, lasts=does != "kill" and chance.random() < 0.5)
            print(f"{number + 1:3} {verb}: {fault}")
            with figures.one("fault", f"{verb}: {does}"):
                printed = cases.disturb_and_heal(fault, verb)
            for line in printed.splitlines():
                if "[Errno" in line:
                    assert str(tmp_path) in line, "it says of which file"
