"""What Ctrl-C and SIGTERM do: the work ends, one line says so, the exit status names the signal.

Imports next to nothing, so that it is in force before the rest is loaded.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_SIGNAL_STATUS = 128
"""Added to the number of the signal it is the exit status, as of a shell."""

_WHAT_NOW = {
    "run": ": the same command goes on from here",
    "retry": ": `run` goes on from here",
}
"""By verb. Of those that make parts nothing is lost; others begin anew."""


def stop_while_loading() -> None:
    """From now on a signal ends this process at once: nothing has begun."""

    def stop(number: int, _: FrameType | None) -> None:
        _say_it()
        os._exit(_SIGNAL_STATUS + number)

    _handle(stop)


def run_until_stopped(main: Callable[[], int]) -> int:
    """The exit status of ``main``, which a signal ends with SystemExit; then 128 + its number."""
    received: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        if not received:
            _say_it()
        received.append(number)
        sys.exit(_SIGNAL_STATUS + number)

    _handle(stop)
    try:
        status = main()
    except SystemExit as ended:  # outside of what main itself catches
        status = int(ended.code or 0)
    # All is done that is to be done before the end. Python takes handlers away as it ends, and
    # another Ctrl-C would then change the status; what is ignored stays so.
    _handle(signal.SIG_IGN if received else lambda number, _: os._exit(_SIGNAL_STATUS + number))
    # Not the status: Ray makes errors of its own of whatever a handler raises.
    return _SIGNAL_STATUS + received[0] if received and status else status


def _say_it() -> None:
    # At once, for it may take a while to end; and not by print, which may be interrupted itself.
    with suppress(OSError):
        os.write(2, f"{stopped_text(sys.argv[1:])}\n".encode())


def _handle(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Handle the signals, but for one that this process was started to ignore (as by ``&``)."""
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def stopped_text(arguments: list[str]) -> str:
    """What is said of a command that was stopped."""
    verb = next((word for word in arguments if not word.startswith("-")), "")
    return f"stopped{_WHAT_NOW.get(verb, '')}"
