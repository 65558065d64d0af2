"""What models said, beside a release and never in it: the replies that its rows were made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.corpus.hub.leaks import LeakPatterns
from pipeline.corpus.hub.release import Refusal, leaked
from pipeline.corpus.hub.rows import RowFacts, read_other_rows
from pipeline.corpus.layout import CorpusError
from pipeline.corpus.read import dialogue_files
from pipeline.records import ModelReply
from pipeline.store.location import Location

_REQUEST: Final = "request_id"
_LEFT_OUT: Final = "detail"
"""Of an error: it names hosts."""


@dataclass(frozen=True)
class Replies:
    """Files that are ready to be copied."""

    files: Mapping[str, Path]
    """By path below the place that gets them: ``<node>/replies-….parquet``."""
    rows: int
    refusals: Sequence[Refusal]

    def copy_to(self, place: Location) -> None:
        """Copies each file; one of that name is replaced."""
        for name, file in self.files.items():
            Location.of(file).copy_to(place / name)


def make_replies(
    parts: Iterable[tuple[str, Location]], corpus: Path, leaks: LeakPatterns, copies: Path
) -> Replies:
    """Writes into ``copies`` what may leave of files of replies, each with the name of its node.

    That is the replies whose ``request_id`` stands in ``provenance`` of a row of the corpus: what
    was said of a video that was rejected, withdrawn or not drawn stays, and so licences and models
    are those that the rows were looked up by. Every text is looked through, as those of rows are.

    Raises:
        CorpusError: ``no_corpus`` or ``unreadable``.
    """
    facts, files, rows = RowFacts(), dict[str, Path](), 0
    wanted = _requests(corpus)
    kept = [name for name in ModelReply.model_fields if name != _LEFT_OUT]
    for node, place in parts:
        name = f"{node}/{place.name}"
        local = copies / name
        local.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.fetch(local)
            table = pq.read_table(local)
            own = table.select([each for each in kept if each in table.column_names])
            own = own.filter(pc.is_in(own.column(_REQUEST), value_set=wanted))
        except (OSError, KeyError, pa.ArrowException) as error:
            raise CorpusError("unreadable", f"{place}: {error}") from error
        local.unlink()
        if own.num_rows:
            # The counts in the footer are of all replies.
            pq.write_table(own.replace_schema_metadata(None), local, compression="zstd")
            read_other_rows(facts, local, name, leaks)
            files[name] = local
            rows += own.num_rows
    return Replies(files, rows, list(leaked(facts)))


def _requests(corpus: Path) -> Any:
    """The ids of all requests that rows of a corpus were made of."""
    of_files = []
    for path in dialogue_files(corpus).values():
        with pq.ParquetFile(path) as file:  # which reads a single leaf, as `read_table` does not
            rows = file.read(columns=["provenance.list.element.request_id"])
        calls: Any = rows.column("provenance").combine_chunks()
        of_files.append(pc.unique(calls.flatten().field(_REQUEST)))
    return pc.unique(pa.concat_arrays(of_files))
