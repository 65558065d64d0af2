"""Turns as an Arrow column and back, array by array: no object is made for a turn."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from functools import cache
from itertools import chain, pairwise
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records.turns import STATES, Asked, Said, Turns, given

_TIMES = ("start_s", "end_s", "frame_s")
_OPTIONAL = ("loss", "loss_scale")

T = TypeVar("T")
_Ints = npt.NDArray[np.integer[Any]]
_Bools = npt.NDArray[np.bool_]


def turns_to_arrow(dialogues: Sequence[Turns], turn: pa.StructType) -> pa.ListArray[Any]:
    """For each dialogue a list of structs of the type ``turn``, like ``Turns.as_dicts``."""
    lengths = [len(turns) for turns in dialogues]
    begins = np.cumsum([0, *lengths])
    total = int(begins[-1])
    codes = np.frombuffer(b"".join(turns.states for turns in dialogues), np.uint8)
    shift = np.array([turns.first for turns in dialogues], np.int64) - begins[:-1]
    changes = _heads(total, begins)
    changes[1:] |= np.diff(codes) != 0
    asked = _Column(begins, total, [turns.asked for turns in dialogues])
    said = _Column(begins, total, [turns.said for turns in dialogues])
    flags = _Column(begins, total, [turns.flags for turns in dialogues])

    def times(of: Iterable[tuple[float, ...]]) -> pa.Array[Any]:
        return pa.array(np.fromiter(chain.from_iterable(of), np.float64, total))

    def weights(of: Sequence[tuple[Any, ...] | None], kind: Any) -> pa.Array[Any]:
        made: pa.Array[Any] = pa.nulls(total, kind)
        if any(of):
            given = (column or (None,) * n for column, n in zip(of, lengths, strict=True))
            made = pa.array(list(chain.from_iterable(given)), kind)
        return made

    columns = {
        "index": pa.array(np.arange(total) + np.repeat(shift, lengths)),
        "start_s": times(turns.starts for turns in dialogues),
        "end_s": times(turns.ends for turns in dialogues),
        "frame_s": times(turns.frames for turns in dialogues),
        "state": _states().take(pa.array(codes, pa.uint8())),
        "transition": pa.array(changes),
        "question": asked.texts(),
        "text": said.texts(),
        "qids": asked.lists(lambda each: each.qids),
        "rids": said.lists(lambda each: each.rids),
        "answers": said.lists(lambda each: each.answers),
        "flags": flags.lists(lambda each: each),
        "loss": weights([turns.losses for turns in dialogues], pa.bool_()),
        "loss_scale": weights([turns.loss_scales for turns in dialogues], pa.float64()),
    }
    made = pa.StructArray.from_arrays([columns[each.name] for each in turn], fields=list(turn))
    kind = pa.list_(pa.field("item", turn, nullable=False))
    return pa.ListArray.from_arrays(pa.array(begins, pa.int32()), made, type=kind)


@cache
def _states() -> pa.Array[Any]:
    """Not made at import: the first array makes Arrow load pandas, and most verbs need neither."""
    return pa.array(STATES)


class _Column(Generic[T]):
    """What some turns of all dialogues have, by its place among all turns."""

    def __init__(self, begins: _Ints, total: int, values: Sequence[Mapping[int, T]]) -> None:
        self._total = total
        self._found = {
            begin + place: value
            for begin, of_one in zip(begins[:-1].tolist(), values, strict=True)
            for place, value in sorted(of_one.items())
        }

    def texts(self: _Column[Asked] | _Column[Said]) -> pa.Array[Any]:
        texts = [value.text.encode() for value in self._found.values()]
        parts = [None, self._offsets(texts).buffers()[1], pa.py_buffer(b"".join(texts))]
        return pa.Array.from_buffers(pa.string(), self._total, parts)

    def lists(self, of: Callable[[T], tuple[str, ...]]) -> pa.Array[Any]:
        lists = list(map(of, self._found.values()))
        names = pa.array(list(chain.from_iterable(lists)), pa.string())
        kind = pa.list_(pa.field("item", pa.string(), nullable=False))
        return pa.ListArray.from_arrays(self._offsets(lists), names, type=kind)

    def _offsets(self, found: Sequence[Sized]) -> pa.Int32Array:
        """Where the value of each turn begins among those that are found, and where all end."""
        many = np.zeros(self._total + 1, np.int32)
        many[[place + 1 for place in self._found]] = [len(each) for each in found]
        return pa.array(many.cumsum(dtype=np.int32), pa.int32())


def turns_from_arrow(column: Any) -> list[Turns] | None:
    """The turns of each dialogue of a column of the type that ``turns_to_arrow`` gives.

    None where some value is not what a turn has; the validation of rows will name it.
    """
    structs: Any = column.flatten()
    leaves = dict(zip((each.name for each in structs.type), structs.flatten(), strict=True))
    required = [leaves[name].null_count for name in leaves if name not in _OPTIONAL]
    if column.null_count or structs.null_count or any(required):
        return None
    offsets = column.offsets.to_numpy()
    begins = offsets - offsets[0]
    codes: Any = pc.index_in(leaves["state"], value_set=_states())
    index = leaves["index"].to_numpy()
    follows = np.diff(index) == 1
    heads = _heads(len(index), begins)
    times_s = [leaves[name].to_numpy() for name in _TIMES]
    sound = [(heads[1:] | follows).all(), *(_are_times(each) for each in times_s)]
    if codes.null_count or not all(sound):
        return None
    states = codes.to_numpy().astype(np.uint8).tobytes()
    starts, ends, frames = (tuple(each.tolist()) for each in times_s)
    losses, scales = (leaves[name].to_pylist() for name in _OPTIONAL)
    asked = _Sparse([leaves[name] for name in ("question", "qids")])
    said = _Sparse([leaves[name] for name in ("text", "rids", "answers")])
    flags = _Sparse([leaves["flags"]])
    return [
        Turns(
            first=int(index[begin]) if end > begin else 0,
            starts=starts[begin:end],
            ends=ends[begin:end],
            frames=frames[begin:end],
            states=states[begin:end],
            asked={at: Asked(*values) for at, values in asked.between(begin, end)},
            said={at: Said(*values) for at, values in said.between(begin, end)},
            flags={at: values for at, (values,) in flags.between(begin, end)},
            losses=given(losses[begin:end]),
            loss_scales=given(scales[begin:end]),
        )
        for begin, end in pairwise(begins.tolist())
    ]


def turns_from_dicts(
    dialogues: Sequence[Sequence[Mapping[str, Any]]], turn: pa.StructType
) -> list[Turns] | None:
    """The turns of each dialogue of what ``Turns.as_dicts`` gives, also out of JSON.

    None where some value is not what a turn of the type ``turn`` has; the validation of rows will
    name it.
    """
    names = {each.name for each in turn}
    lists = [each.name for each in turn if pa.types.is_list(each.type)]
    try:
        for fields in chain.from_iterable(dialogues):
            # Arrow leaves out what it does not know, and takes a text for a list of letters.
            if fields.keys() != names or not all(type(fields[name]) is list for name in lists):
                return None
        return turns_from_arrow(pa.array(dialogues, pa.list_(turn)))
    except (AttributeError, TypeError, OverflowError, pa.ArrowException):
        return None


class _Sparse:
    """The values of some columns, a text or a list each, where not all of them are empty."""

    def __init__(self, columns: Sequence[Any]) -> None:
        full = [
            (pc.list_value_length if pa.types.is_list(each.type) else pc.binary_length)(each)
            for each in columns
        ]
        places = np.flatnonzero(np.any([lengths.to_numpy() for lengths in full], axis=0))
        picked = (each.take(pa.array(places, pa.int64())).to_pylist() for each in columns)
        self._places: list[int] = places.tolist()
        self._values = [
            tuple(tuple(value) if isinstance(value, list) else value for value in values)
            for values in zip(*picked, strict=True)
        ]

    def between(self, begin: int, end: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Place, counted from ``begin``, and values of the turns ``[begin, end)``."""
        first, last = (bisect_left(self._places, place) for place in (begin, end))
        for place, values in zip(self._places[first:last], self._values[first:last], strict=True):
            yield place - begin, values


def _are_times(times_s: npt.NDArray[np.float64]) -> bool:
    return bool((times_s >= 0).all() and np.isfinite(times_s).all())


def _heads(total: int, begins: _Ints) -> _Bools:
    """Which of so many turns are the first of a dialogue."""
    heads = np.zeros(total, np.bool_)
    heads[begins[:-1][np.diff(begins) > 0]] = True
    return heads
