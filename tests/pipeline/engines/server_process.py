"""The misbehaving server as a process, and questions to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

SERVER = Path(__file__).with_name("misbehaving_server.py")


class ServerProcess:
    """A server of its own on a free port; it ends with the ``with`` block."""

    def __init__(self, port_file: Path, program: Path = SERVER) -> None:
        """Starts it, and waits until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, str(program), str(port_file)], stdin=subprocess.PIPE
        )
        until_s = time.monotonic() + 120
        while not port_file.exists():
            assert time.monotonic() < until_s and self._process.poll() is None
            time.sleep(0.02)
        self.root = f"http://127.0.0.1:{port_file.read_text()}"
        self.base_url = f"{self.root}/v1"

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(120)

    def seen(self, key: str) -> list[dict[str, Any]]:
        """What each try of a marker brought: ``parts``, ``headers`` and ``body``."""
        found: list[dict[str, Any]] = self._get(f"/seen?key={quote(key)}")
        return found

    def most(self) -> dict[str, int]:
        """The most requests and bytes that were under way at once, and requests under way now."""
        found: dict[str, int] = self._get("/most")
        return found

    def _get(self, path: str) -> Any:
        with build_opener(ProxyHandler({})).open(self.root + path, timeout=120) as response:
            return json.load(response)
