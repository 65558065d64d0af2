"""The replies of parts as entries of a journal, so that no ask is answered twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engines.base import Reply
from pipeline.engines.errors import PASSING_ERRORS
from pipeline.execution.journal import Entry, read_journal
from pipeline.records import ModelReply
from pipeline.store.location import Location
from pipeline.store.parts import StoreError, read_table

_REPLY = tuple(field.name for field in fields(Reply))


def stored_entries(
    replies: Location,
    errors: Collection[str],
    rejected: Collection[str] = (),
    asks: Collection[str] | None = None,
) -> Iterator[Entry]:
    """The asks in a file of replies, or those of ``asks`` alone. Those that failed with one of
    ``errors``, or whose request id is in ``rejected``, are to be asked again.

    Raises:
        StoreError: the file is absent or damaged.
    """
    table = read_table(replies, ModelReply.model_fields)
    if "ask" not in table.column_names:
        return  # replies of early versions cannot be told apart
    if asks is not None:
        wanted = pa.array([*asks], table.column("ask").type)
        table = table.filter(pc.is_in(table.column("ask"), value_set=wanted))
    asked = (row for row in table.to_pylist() if row["ask"])
    for (ask, _), samples in groupby(asked, lambda row: (row["ask"], row["request_id"])):
        found: list[dict[str, Any]] = list(samples)
        failed = found[0]["request_id"] in rejected or any(r["error"] in errors for r in found)
        yield Entry(
            ask=ask,
            attempts=found[0]["attempts"],
            first_at=found[0]["first_at"],
            last_at=found[0]["last_at"],
            replies=tuple(Reply(**{name: row[name] for name in _REPLY}) for row in found),
            again=failed,
            video_id=found[0].get("video_id", ""),
        )


class Found(NamedTuple):
    """What was replied before to an ask, and the file or journal that has it."""

    entry: Entry
    place: Location


def replied_before(places: Iterable[Location], asks: Collection[str]) -> dict[str, Found]:
    """Of these asks, those in several files of replies and journals, each with the newest entry.

    What failed for a passing cause is to be asked again, as is what cannot be read, and what a
    journal says so of: ``retry`` wrote it.
    """
    found: dict[str, Found] = {}
    for place in places:
        for entry in _in_place(place, asks):
            other = found.get(entry.ask)
            if other is None or _rank(entry) > _rank(other.entry):
                found[entry.ask] = Found(entry, place)
    return found


def stored_digests(place: Location) -> Iterator[str]:
    """The digests of all asks in a file of replies or a journal; none of one that cannot be
    read."""
    if place.name.startswith("journal-"):
        yield from read_journal(place)
        return
    with suppress(StoreError):
        table = read_table(place, ["ask"])
        # Replies of early versions have no digest.
        yield from filter(None, table.column(0).to_pylist() if table.num_columns else ())


def _in_place(place: Location, asks: Collection[str]) -> Iterator[Entry]:
    if place.name.startswith("journal-"):
        yield from (entry for ask, entry in read_journal(place).items() if ask in asks)
        return
    with suppress(StoreError):
        yield from stored_entries(place, PASSING_ERRORS, asks=asks)


def _rank(entry: Entry) -> tuple[bool, str, int, bool]:
    """What counts of several entries for an ask: one without a passing failure before one with it,
    then the newest. A mark of ``retry`` has the time of the reply that it marks, wherever that was
    copied to, and comes before it."""
    passing = any(reply.error in PASSING_ERRORS for reply in entry.replies)
    return not passing, entry.last_at, entry.attempts, entry.again
