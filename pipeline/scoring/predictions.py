"""Files of predictions: JSON Lines, a ``Prediction`` a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from pipeline.records import Dialogue
from pipeline.scoring.items import Prediction, prediction_of


class Predictions:
    """A file of predictions, of which the place of each row is held, and not the row."""

    def __init__(self, path: Path) -> None:
        """Reads the file once; ``problems`` then has what is no prediction.

        Raises:
            OSError: it cannot be read.
        """
        self._path = path
        self._places: dict[str, int] = {}
        self.problems: list[str] = []
        with path.open("rb") as file:
            offset = 0
            for number, line in enumerate(file, 1):
                if line.strip():
                    self._note(line, number, offset)
                offset += len(line)

    def _note(self, line: bytes, number: int, offset: int) -> None:
        try:
            row = Prediction.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"]) or "row"
            self.problems.append(f"line {number}: {key}: {first['msg']}")
            return
        if row.sample_id in self._places:
            self.problems.append(f"line {number}: {row.sample_id} stands above already")
            return
        self._places[row.sample_id] = offset

    @classmethod
    def resumed(cls, path: Path) -> set[str]:
        """The samples that a file has; half a row at its end, which a kill left, is cut off."""
        with path.open("r+b") as file:
            file.truncate(sum(len(line) for line in file if line.endswith(b"\n")))
        return set(cls(path)._places)

    def __len__(self) -> int:
        """How many samples have a prediction."""
        return len(self._places)

    def of(self, dialogues: Iterable[Dialogue]) -> Iterator[tuple[Dialogue, Prediction | None]]:
        """Each dialogue with its prediction, if there is one; one is held at a time."""
        with self._path.open("rb") as file:
            for dialogue in dialogues:
                place = self._places.get(dialogue.sample_id)
                if place is None:
                    yield dialogue, None
                    continue
                file.seek(place)
                yield dialogue, Prediction.model_validate_json(file.readline())


def write_predictions(dialogues: Iterable[Dialogue], path: Path) -> None:
    """What a model would have said that says what these dialogues say."""
    with path.open("w", encoding="utf-8") as file:
        for dialogue in dialogues:
            file.write(prediction_of(dialogue).model_dump_json(exclude_defaults=True) + "\n")
