"""What people decided of samples: JSON lines, of which the last about a sample and response holds.

{"sample_id", "decision": "accept"|"reject"|"change"|"none", "rid"?, "start_s"?, "end_s"?, "text"?,
 "note"?, "who", "at"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from pipeline.records import Seconds
from pipeline.settings import Settings
from pipeline.store.location import Location

DECISIONS: Final = "decisions.jsonl"
"""Below the root of a run, the file that is read where no other is named."""


class Decision(Settings):
    """A decision of a person about a sample, or about one response of it."""

    sample_id: str = Field(min_length=1, max_length=64, description="of the sample")
    decision: Literal["accept", "reject", "change", "none"] = Field(
        description="none takes back the one before"
    )
    rid: str = Field(
        "", max_length=64, description="the response that it is about; empty for the whole sample"
    )
    start_s: Seconds | None = Field(None, description="of a change, in seconds; null leaves it")
    end_s: Seconds | None = Field(None, description="of a change, in seconds; null leaves it")
    text: str | None = Field(
        None, max_length=10_000, description="of a change, what is to be said; null leaves it"
    )
    note: str = Field("", max_length=10_000, description="why, for people")
    who: str = Field("", max_length=200, description="who decided, as the check of the row has it")
    at: str = Field("", max_length=40, description="when, in UTC by ISO 8601")

    @model_validator(mode="after")
    def _is_whole(self) -> Decision:
        if self.decision == "change" and not self.rid:
            raise ValueError("a change needs the rid of the response that it is about")
        return self

    @property
    def by(self) -> str:
        """Who and when, in the form of ``model@revision``."""
        return f"{self.who or 'somebody'}@{self.at or 'unknown'}"


class Curation(Settings):
    """What the stage that makes dialogues takes of what people decided."""

    decisions: tuple[Decision, ...] = Field(
        (),
        description="what people decided of samples, or in their place a file (a path, s3:// or"
        " gs://) of JSON lines; there are none where the file is absent. Without this key it is"
        " decisions.jsonl below run.root, which `report --serve` writes. No model is asked again",
    )

    @cached_property
    def by_sample(self) -> Mapping[str, Sequence[Decision]]:
        """The decisions by the sample that they are about."""
        found: dict[str, list[Decision]] = {}
        for each in self.decisions:
            found.setdefault(each.sample_id, []).append(each)
        return found

    @field_validator("decisions", mode="before")
    @classmethod
    def _of_file(cls, decisions: Any) -> Any:
        return read_decisions(Location.of(decisions)) if isinstance(decisions, str) else decisions

    @field_validator("decisions", mode="after")
    @classmethod
    def _that_hold(cls, decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
        return tuple(that_hold(decisions))


def that_hold(decisions: Iterable[Decision]) -> Iterator[Decision]:
    """The last one about each sample and response, in order of these; none that is taken back."""
    last = {(each.sample_id, each.rid): each for each in decisions}
    return (last[key] for key in sorted(last) if last[key].decision != "none")


def read_decisions(file: Location) -> tuple[Decision, ...]:
    """All of a file. A line that was cut while it was written is none.

    Raises:
        ValueError: the file cannot be read, or a line is no decision.
    """
    try:
        lines = file.read_bytes().decode().split("\n")
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            content = json.loads(line)
        except ValueError:
            continue
        try:
            found.append(Decision.model_validate(content))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(map(str, first["loc"])) or "it"
            raise ValueError(f"{file}, line {number}: {key}: {first['msg']}") from None
    return tuple(found)
