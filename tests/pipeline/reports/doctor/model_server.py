"""A server that lists a model as vLLM does, and answers any ask by its schema, or by no schema."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from pipeline.engines.embedded.generic import Facts, answer_to


class ModelServer:
    """Serves one model on a free port, in threads of this process."""

    def __init__(
        self, entry: dict[str, Any] | None = None, key: str = "", *, obedient: bool = True
    ) -> None:
        """``entry`` is that of the model ``m`` in the list; None for no list at all. With a key,
        requests without it are refused, with an answer that quotes the key."""
        listed = None if entry is None else {"data": [{"id": "m", **entry}]}
        self.asked: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(handler) -> None:
                if handler.path == "/v1/models" and listed is not None:
                    self._send(handler, 200, listed)
                else:
                    self._send(handler, 404, {})

            def do_POST(handler) -> None:
                length = int(handler.headers["Content-Length"])
                body = json.loads(handler.rfile.read(length))
                self.asked.append(body)
                schema = body["response_format"]["json_schema"]["schema"]
                answer = json.dumps(answer_to(schema, Facts(False, 1, "A thing.")))
                message = {"role": "assistant", "content": answer if obedient else f"No, {key}"}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                self._send(handler, 200, {"choices": [choice] * body["n"]})

            def log_message(handler, format: str, *args: Any) -> None:
                """Nothing."""

        self._key = key
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: Any) -> None:
        given = handler.headers["Authorization"]
        if self._key and given != f"Bearer {self._key}":
            status, body = 401, {"error": {"message": f"{given} is wrong, {self._key} is right"}}
        content = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
