"""A loss of power at any file operation of a run: the next run makes the same bytes.

``TURNWISE_CHAOS_CUTS=20`` is the long form (``make chaos``); ``TURNWISE_CHAOS_SEED`` repeats one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random
from typing import get_args

import pytest

from tests.chaos_figures import Figures
from tests.faults.children import forking
from tests.faults.disk import Left
from tests.faults.healing import VERBS, Cases
from tests.faults.operations import Fault

pytestmark = pytest.mark.faults

CUTS = int(os.environ.get("TURNWISE_CHAOS_CUTS", "2"))
SEED = int(os.environ.get("TURNWISE_CHAOS_SEED", str(time.time_ns() % 1_000_000)))


def test_a_corpus_that_is_not_synced_is_found_out(tmp_path: Path) -> None:
    with forking() as children:
        cases = Cases(children, tmp_path, ["run"])
        end = cases.operations["run"] + 1
        with pytest.raises(AssertionError):
            cases.disturb_and_heal(Fault("cut", end, left="named", unsynced=True), "run")


def test_what_was_not_synced_is_made_again(tmp_path: Path, figures: Figures) -> None:
    print(f"seed {SEED}, {CUTS} cuts")
    chance = Random(SEED)
    with forking() as children:
        cases = Cases(children, tmp_path)
        for number in range(CUTS):
            verb = VERBS[number % len(VERBS)]
            at = chance.randint(1, cases.operations[verb] + 1)
            left: Left = get_args(Left)[number % 3]
            fault = Fault("cut", at, left=left, seed=chance.randrange(1 << 30))
            print(f"{number + 1:3} {verb}: {fault}")
            with figures.one("cut", f"{verb}: {left} is left"):
                cases.disturb_and_heal(fault, verb)
