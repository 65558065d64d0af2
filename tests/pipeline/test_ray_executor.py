from __future__ import annotations

import socket
import time

import pytest

from pipeline.ray_executor import RayExecutor


@pytest.mark.parametrize("form", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "127.0.0.1:port"])
def test_an_address_where_nobody_listens_is_named_at_once(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = form.format(port=free.getsockname()[1])
        monkeypatch.setenv("RAY_ADDRESS", address)
        started = time.monotonic()
        with pytest.raises(ConnectionError, match=f"RAY_ADDRESS={address}: no answer from there"):
            list(RayExecutor().run([]))
    assert time.monotonic() - started < 5
