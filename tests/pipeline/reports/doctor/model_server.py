"""A server that lists a model as vLLM or llama.cpp do, and answers any ask by its schema, or by no
schema."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from pipeline.engines.embedded.generic import Facts, answer_to


class ModelServer:
    """Serves one model on a free port, in threads of this process."""

    def __init__(
        self,
        entry: dict[str, Any] | None = None,
        key: str = "",
        *,
        obedient: bool = True,
        props: dict[str, Any] | None = None,
        loading: bool = False,
        usage: dict[str, int] | None = None,
        answer_s: float = 0.0,
        port: int = 0,
    ) -> None:
        """``entry`` is that of the model ``m`` in the list; None for no list at all. With a key,
        requests without it are refused, with an answer that quotes the key. ``props`` are those of
        llama.cpp. With ``usage`` each answer is cut off after so many tokens. While it is
        ``loading`` it says so to whatever is asked. An answer takes ``answer_s``."""
        listed = None if entry is None else {"data": [{"id": "m", **entry}]}
        self.asked: list[dict[str, Any]] = []
        self.loading = loading
        self.looked_at = 0
        self.most_at_once = self._now = 0
        self._counting = Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(handler) -> None:
                self.looked_at += 1
                if handler.path == "/v1/models" and listed is not None:
                    self._send(handler, 200, listed)
                elif handler.path == "/props" and props is not None:
                    self._send(handler, 200, props)
                else:
                    self._send(handler, 404, {})

            def do_POST(handler) -> None:
                length = int(handler.headers["Content-Length"])
                body = json.loads(handler.rfile.read(length))
                self.asked.append(body)
                schema = body["response_format"]["json_schema"]["schema"]
                answer = json.dumps(answer_to(schema, Facts(False, 1, "A thing.")))
                message = {"role": "assistant", "content": answer if obedient else f"No, {key}"}
                finish = "stop" if usage is None else "length"
                choice = {"index": 0, "finish_reason": finish, "message": message}
                with self._counting:
                    self._now += 1
                    self.most_at_once = max(self.most_at_once, self._now)
                time.sleep(answer_s)
                with self._counting:
                    self._now -= 1
                self._send(handler, 200, {"choices": [choice] * body["n"], "usage": usage})

            def log_message(handler, format: str, *args: Any) -> None:
                """Nothing."""

        self._key = key
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
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
        if self.loading:
            status, body = 503, {"error": {"message": "Loading model", "code": 503}}
        content = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
