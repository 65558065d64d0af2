"""How many kills, cuts and faults there were, and how many of them were healed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Figures:
    """Counts of a whole session of pytest."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._tried: Counter[tuple[str, str]] = Counter()
        self._healed: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one(self, kind: str, target: str = "") -> Iterator[None]:
        """The block disturbs something, and ends well if all is healed."""
        self._tried[kind, target] += 1
        yield
        self._healed[kind, target] += 1

    def text(self, seed: str) -> str:
        """A table of the kinds and targets, and one line about all."""
        rows = [("what", "target", "times", "healed")]
        rows += [(*key, str(n), str(self._healed[key])) for key, n in sorted(self._tried.items())]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [
            f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>5}  {row[3]:>6}" for row in rows
        ]
        kinds: Counter[str] = Counter()
        for (kind, _), times in self._tried.items():
            kinds[kind] += times
        summed = ", ".join(f"{times} {kind}" for kind, times in sorted(kinds.items()))
        open_ = (self._tried - self._healed).total()
        end = f"{open_} NOT HEALED" if open_ else "all healed"
        return "\n".join([*lines, "", f"chaos, seed {seed}: {summed}; {end}"])

    def __bool__(self) -> bool:
        """Whether anything happened."""
        return bool(self._tried)
