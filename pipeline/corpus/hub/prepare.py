"""Copies of files that leave otherwise than they are: all else in them is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipeline.corpus.card_configs import configs_of_families
from pipeline.corpus.features import with_features
from pipeline.corpus.hub.leaks import LeakPatterns
from pipeline.corpus.hub.rows import URI, has_bytes
from pipeline.corpus.hub.uris import published_uri
from pipeline.corpus.layout import FRAMES, MESSAGES
from pipeline.corpus.markdown import code, plain, table
from pipeline.corpus.parquet import open_parquet
from pipeline.corpus.picture import without_picture

_WITHOUT_FRAMES = (
    "> This repository holds the annotations, not the frames. `uri`, `sha256` and `frame_s` of a"
    " row name the video and the frame of each turn.\n"
)
_FAMILIES = """\
## Licences

The rows are under licences of several families. Each family has files of its own, whose names end
with it, and configs of its own: who may use one alone loads that, or downloads no other files. The
other configs have all of them."""
_LOADING = "\n## Loading\n"


def with_published_uris(path: Path, to: Path, roots: Sequence[str], leaks: LeakPatterns) -> None:
    """Writes a Parquet file again, row group by row group, with the uris that leave."""

    def changed(rows: pa.Table) -> pa.Table:
        place = rows.schema.get_field_index(URI)
        before: list[Any] = rows.column(URI).to_pylist()
        uris = [published_uri(uri, roots, leaks) for uri in before]
        field = rows.schema.field(place)
        return rows.set_column(place, field, pa.array(uris, field.type))

    _written_again(path, to, pq.read_schema(path), changed)


def without_pictures(path: Path, to: Path) -> None:
    """Writes a Parquet file again without the columns that hold bytes."""
    schema = pq.read_schema(path)
    kept = [field for field in schema if not has_bytes(field.type)]
    names = [field.name for field in kept]
    _written_again(path, to, with_features(pa.schema(kept)), lambda rows: rows.select(names))


def _written_again(
    path: Path, to: Path, schema: pa.Schema, changed: Callable[[pa.Table], pa.Table]
) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetFile(path) as file, open_parquet(to, schema) as out:
        for group in range(file.num_row_groups):
            rows = changed(file.read_row_group(group))
            out.write_table(rows.replace_schema_metadata(schema.metadata), rows.num_rows)


def without_frames(card: str) -> str:
    """The card of a corpus whose frames stay: no config names them, it has no picture, and the body
    says so."""
    header, body = _parted(without_picture(card))
    if "configs" in header:
        header["configs"] = [c for c in header["configs"] if c["config_name"] != FRAMES]
    before, mark, rest = body.partition("# ")
    title, end, after = rest.partition("\n")
    return _joined(header, f"{before}{mark}{title}{end}\n{_WITHOUT_FRAMES}{after}")


def with_families(card: str, paths: Iterable[str], families: Mapping[str, tuple[str, int]]) -> str:
    """The card of a release of several families of licences: a config for each, and a section.

    ``families`` has by name in files what a family is called, and its rows.
    """
    header, body = _parted(card)
    configs = configs_of_families(paths)
    header["configs"] = [*header.get("configs", []), *configs]
    names = [config["config_name"] for config in configs]
    rows = [
        [plain(called), f"{number:,}", ", ".join(code(n) for n in names if _is_of(n, family))]
        for family, (called, number) in families.items()
    ]
    section = f"{_FAMILIES}\n\n{table(['family', '>dialogues', 'configs'], rows)}\n"
    above, mark, below = body.partition(_LOADING)
    return _joined(header, f"{above}{section}{mark}{below}" if mark else f"{body}{section}")


def _is_of(config: str, family: str) -> bool:
    return config in (f"licence-{family}{form}" for form in ("", f"-{MESSAGES}", f"-{FRAMES}"))


def _parted(card: str) -> tuple[dict[str, Any], str]:
    """Its header and its body; a card without a header has an empty one."""
    if card.startswith("---\n"):
        text, closed, body = card.removeprefix("---\n").partition("\n---\n")
        about = yaml.safe_load(text) if closed else None
        if isinstance(about, dict):
            return about, body
    return {}, card


def _joined(header: Mapping[str, Any], body: str) -> str:
    text = yaml.safe_dump(dict(header), sort_keys=False, allow_unicode=True).rstrip("\n")
    return f"---\n{text}\n---\n{body}"
