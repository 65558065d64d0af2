from __future__ import annotations

import pytest

from tests.chaos_figures import Figures


def test_what_is_not_healed_is_counted() -> None:
    figures = Figures()
    assert not figures
    for _ in range(2):
        with figures.one("kill", "gc: driver"):
            pass
    with figures.one("cut"):
        pass
    assert figures.text("7").splitlines()[-1] == "chaos, seed 7: 1 cut, 2 kill; all healed"
    with pytest.raises(ValueError, match="lost"), figures.one("kill", "gc: driver"):
        raise ValueError("lost")
    table = figures.text("7").splitlines()
    assert table[2].split() == ["kill", "gc:", "driver", "3", "2"]
    assert table[-1] == "chaos, seed 7: 1 cut, 3 kill; 1 NOT HEALED"
