"""The client of an object store, whose errors say which object and why."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.store.durable import naming

_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    # botocore's own retries of refused, throttled and aborted requests, with growing waits.
    "s3": {"config_kwargs": {"retries": {"mode": "standard", "max_attempts": 8}}},
}


@dataclass(frozen=True)
class ObjectStore:
    """The file system of a scheme, for calls about one address.

    What its client raises that is no OSError, as when nobody answers or there are no credentials,
    becomes one.
    """

    scheme: str
    address: str

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """A method of the file system."""
        call = getattr(_filesystem(self.scheme), method)

        def named(*values: Any, **options: Any) -> Any:
            try:
                with naming(self.address):
                    return call(*values, **options)
            except (OSError, TypeError):
                raise
            except Exception as error:
                raise OSError(errno.EIO, str(error) or repr(error), self.address) from error

        return named


def object_store(scheme: str, address: str) -> ObjectStore:
    """The store of a scheme.

    Raises:
        ImportError: its client is not installed.
    """
    _filesystem(scheme)
    return ObjectStore(scheme, address)


@cache
def _filesystem(scheme: str) -> Any:
    # Other processes write there too, so no listing is kept.
    import fsspec  # noqa: PLC0415  a process that reads from no store does without

    return fsspec.filesystem(scheme, use_listings_cache=False, **_OPTIONS.get(scheme, {}))
