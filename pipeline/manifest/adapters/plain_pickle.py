"""Pickles that hold nothing but plain data, without Python's unpickler, which runs what they say.

Of the opcodes of a pickle those are followed that build dicts, lists, tuples, texts, numbers and
None. Any other, such as those that name a class or call it, ends the reading.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, Final

_VALUES: Final = frozenset(
    (
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "FLOAT", "BINFLOAT"),
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
    )
)
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: Final[dict[str, Callable[[], Any]]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_TUPLES: Final = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_FROM_MARK: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "LIST": list,
    "TUPLE": tuple,
    "DICT": lambda items: dict(zip(items[::2], items[1::2], strict=True)),
}
_MARK: Final = object()


def plain_pickle(data: bytes) -> Any:
    """The value of a pickle. Holds no more than the pickle and the value.

    Raises:
        ValueError: it is damaged, or holds more than plain data.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                (value,) = stack
                return value
            _follow(opcode.name, argument, stack, memo)
    except (LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"damaged: {type(error).__name__} {error}") from error
    raise ValueError("it does not end")


def _follow(name: str, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    if name in _VALUES:
        stack.append(argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name in _EMPTY:
        stack.append(_EMPTY[name]())
    elif name == "MARK":
        stack.append(_MARK)
    elif name in _TUPLES:
        items = [stack.pop() for _ in range(_TUPLES[name])]
        stack.append(tuple(reversed(items)))
    elif name in _FROM_MARK:
        stack.append(_FROM_MARK[name](_since_mark(stack)))
    elif name in ("APPEND", "APPENDS"):
        items = [stack.pop()] if name == "APPEND" else _since_mark(stack)
        _last(stack, list).extend(items)
    elif name in ("SETITEM", "SETITEMS"):
        items = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else _since_mark(stack)
        _last(stack, dict).update(zip(items[::2], items[1::2], strict=True))
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
        memo[argument] = stack[-1]
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif name not in ("PROTO", "FRAME"):
        raise ValueError(f"it holds more than plain data: {name}")


def _since_mark(stack: list[Any]) -> list[Any]:
    """What was put on the stack since the last mark, which is taken off with it."""
    items: list[Any] = []
    while (item := stack.pop()) is not _MARK:
        items.append(item)
    return items[::-1]


def _last(stack: list[Any], kind: type) -> Any:
    if type(stack[-1]) is not kind:
        raise TypeError(f"{type(stack[-1]).__name__} stands where a {kind.__name__} should")
    return stack[-1]
