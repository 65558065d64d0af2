"""What ``datasets`` and the Hub's viewer read of a schema, where Arrow's types do not say it."""

from __future__ import annotations

import json
from typing import Any, Final

import pyarrow as pa

IMAGE_TYPE: Final = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
"""Of a picture: its file as it is, and a name."""
JSON_TYPE: Final = pa.json_()


def with_features(schema: pa.Schema) -> pa.Schema:
    """The schema, with the mark that tells which of its columns are pictures or JSON.

    ``datasets`` believes it of columns that may be null, as all of its own may.
    """
    features = {field.name: _feature(field.type) for field in schema}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _feature(kind: pa.DataType) -> Any:
    if kind == IMAGE_TYPE:
        return {"_type": "Image"}
    if kind == JSON_TYPE:
        return {"_type": "Json"}
    if isinstance(kind, pa.ListType):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind)), "_type": "Value"}
