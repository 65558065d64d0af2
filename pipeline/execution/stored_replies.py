"""The replies of parts as entries of a journal, so that no ask is answered twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import groupby
from typing import Any

from pipeline.engines.base import Reply
from pipeline.engines.errors import PASSING_ERRORS
from pipeline.execution.journal import Entry, newest, read_journal
from pipeline.records import ModelReply
from pipeline.store.location import Location
from pipeline.store.parts import StoreError, read_table

_REPLY = tuple(field.name for field in fields(Reply))


def stored_entries(
    replies: Location, errors: Collection[str], rejected: Collection[str] = ()
) -> Iterator[Entry]:
    """The asks in a file of replies. Those that failed with one of ``errors``, or whose request id
    is in ``rejected``, are to be asked again.

    Raises:
        StoreError: the file is absent or damaged.
    """
    rows = read_table(replies, ModelReply.model_fields).to_pylist()
    # Replies of earlier versions have no digest of the ask, so they cannot be reused.
    asked = (row for row in rows if row.get("ask"))
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
        )


def replied_before(places: Sequence[Location]) -> dict[str, Entry]:
    """The entries by ask of several files of replies and journals.

    What failed for a passing cause is to be asked again, as is what cannot be read, and what a
    journal says so of: ``retry`` wrote it.
    """
    journals = [place for place in places if place.name.startswith("journal-")]
    replies = [place for place in places if place not in journals]
    later = newest(entry for journal in journals for entry in read_journal(journal).values())
    return newest(_stored(replies)) | later


def _stored(files: Iterable[Location]) -> Iterator[Entry]:
    for file in files:
        with suppress(StoreError):
            yield from stored_entries(file, PASSING_ERRORS)
