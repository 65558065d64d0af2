"""Serves the folder of a report, with the frames of all videos, and saves decisions.

Nothing is answered to a page of another origin, nor under a name that this machine was not asked
to have, so no website that a person visits can read a run or decide for them.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

from pydantic import ValidationError

from pipeline.errors import CommandError
from pipeline.reports.viewer.decisions import held_decisions, save_decision
from pipeline.reports.viewer.site import Site, script_of
from pipeline.reports.viewer.videos import send_range
from pipeline.workflow.curation import Decision

_PATH = re.compile(r"/([A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)?")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_NAMED_BY_CONTENT = ("data/samples/", "data/frames/", "data/pictures/")
_MOST_BYTES = 1 << 16
"""Of a decision."""
_STATIC: Final = "connect-src 'none'"
_SERVED: Final = "connect-src 'self'"
"""In the policy of the page: only where it is served does it ask for anything."""


class ReportServer(ThreadingHTTPServer):
    """A server of one report."""

    daemon_threads = True

    def __init__(self, site: Site, host: str, port: int, who: str) -> None:
        """``who``: the name that a decision has where the page gives none.

        Raises:
            OSError: the port is taken.
        """
        super().__init__((host, port), _Handler)
        self.site, self.who = site, who
        port = self.server_address[1]
        names = {host, "localhost", "127.0.0.1", "[::1]"}
        # Whoever binds to all addresses is asked by names that nobody knows here.
        self.own_names = None if host in ("0.0.0.0", "::") else {f"{name}:{port}" for name in names}
        self.url = f"http://{'localhost' if self.own_names is None else host}:{port}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "turnwise"
    sys_version = ""

    @property
    def _report(self) -> ReportServer:
        return cast(ReportServer, self.server)

    def do_GET(self) -> None:
        """A file of the report, a script that is made now, a video, or the stamp of the state."""
        if not self._may_ask():
            return
        path = _PATH.fullmatch(urlsplit(self.path).path)
        if path is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        name, site = path[1] or "index.html", self._report.site
        try:
            if name == "state":
                self._send(
                    json.dumps({"stamp": site.stamp, "trouble": site.trouble}).encode(),
                    "application/json",
                    name,
                )
            elif name == "data/decisions.js":
                text = script_of("decisions", held_decisions(site.root))
                self._send(text.encode(), _TYPES[".js"], name)
            elif name.startswith("video/"):
                video = site.video(name.removeprefix("video/"))
                self._refuse(HTTPStatus.NOT_FOUND) if video is None else send_range(self, video)
            else:
                self._send_file(site.folder / name, name)
        except ConnectionError:  # the page no longer wants it
            self.close_connection = True
        except CommandError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    def do_POST(self) -> None:
        """A decision."""
        origin, host = self.headers.get("Origin", ""), self.headers.get("Host", "")
        length = self.headers.get("Content-Length", "")
        if not self._may_ask():
            return
        if origin != f"http://{host}" or self.path != "/decisions":
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        if not length.isdigit() or int(length) > _MOST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        try:
            given = Decision.model_validate_json(self.rfile.read(int(length)))
            decision = given.model_copy(update={"at": now, "who": given.who or self._report.who})
            save_decision(self._report.site.root, decision)
        except ValidationError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error.errors(include_url=False)[0]["msg"]))
        except (CommandError, OSError) as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        else:
            saved = decision.model_dump_json().encode()
            self._send(saved, "application/json", "decisions")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a page asks for a file at each step."""

    def _may_ask(self) -> bool:
        own_names = self._report.own_names
        if own_names is not None and self.headers.get("Host", "") not in own_names:
            self._refuse(HTTPStatus.FORBIDDEN)
            return False
        return True

    def _send_file(self, path: Path, name: str) -> None:
        if path.is_file():
            content = path.read_bytes()
            if name == "index.html":
                content = content.replace(_STATIC.encode(), _SERVED.encode(), 1)
        else:
            key = name.removeprefix("data/").removesuffix(".js")
            script = self._report.site.script(key) if name.startswith("data/") else None
            if script is None:
                self._refuse(HTTPStatus.NOT_FOUND)
                return
            content = script.encode()
        kind = _TYPES.get(Path(name).suffix, "application/octet-stream")
        self._send(content, kind, name)

    def _send(self, content: bytes, kind: str, name: str) -> None:
        lasting = name.startswith(_NAMED_BY_CONTENT)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=31536000, immutable" if lasting else "no-cache")
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: HTTPStatus, detail: str = "") -> None:
        content = (detail or status.phrase).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def end_headers(self) -> None:
        """With those that every answer has."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Frame-Options", "SAMEORIGIN")
        super().end_headers()
