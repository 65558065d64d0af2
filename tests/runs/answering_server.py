"""A model server without a model: any prompt gets an answer that obeys its schema.

    python answering_server.py PORT_FILE [KEY]

The answer depends on the schema and on the frames alone. With a key, requests without it are
refused. It ends when its standard input does. A test may also hold a ``Server`` itself, to see what
was asked, and to let asks fail.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pipeline.engines.embedded.generic import Facts, answer_to  # noqa: E402

LATENCY_S = 0.02


def answer(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    frames = [] if isinstance(content, str) else [p for p in content if p["type"] == "image_url"]
    digest = hashlib.sha256(json.dumps(frames).encode()).digest()
    facts = Facts(digest[0] % 2 == 0, digest[1] % 5, f"Thing {digest[2]} moves to {digest[3]}.")
    return json.dumps(spanned(answer_to(body["response_format"]["json_schema"]["schema"], facts)))


def spanned(value: Any) -> Any:
    """The answer with ends that come after their starts."""
    if isinstance(value, list):
        return [spanned(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: spanned(item) for name, item in value.items()}
    return {**found, "end_s": found["start_s"] + 2} if "start_s" in found else found


def name_of(body: dict[str, Any]) -> str:
    """The same for what is the same ask."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._send(404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.server.key
        if key is not None and self.headers["Authorization"] != f"Bearer {key}":
            self._send(401, {"error": {"message": "who are you?"}})
            return
        name = name_of(body)
        with self.server.lock:
            self.server.asked[name] += 1
        time.sleep(self.server.latency_s)
        while self.server.answered.total() >= self.server.most_answers:
            time.sleep(0.01)
        if self.server.fails(name):
            self._send(500, {"error": {"message": "out of memory"}})
            return
        message = {"role": "assistant", "content": self.server.answer(body)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 64},
        }
        self._send(200, {"choices": [choice] * body["n"], "usage": usage})
        with self.server.lock:
            self.server.answered[name] += 1

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def _send(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    request_queue_size = 512
    """A connection beyond the queue is tried again after seconds, or minutes."""
    daemon_threads = True

    def __init__(self, key: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.key = key
        self.latency_s = LATENCY_S
        self.most_answers = sys.maxsize  # further asks wait until a test raises it
        self.fails: Callable[[str], bool] = lambda name: False
        self.answer: Callable[[dict[str, Any]], str] = answer
        self.lock = threading.Lock()
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


@contextmanager
def serving(key: str | None = None) -> Iterator[Server]:
    with Server(key) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def main() -> None:
    with serving(sys.argv[2] if len(sys.argv) > 2 else None) as server:
        port_file = Path(sys.argv[1])
        beside = port_file.with_suffix(".new")
        beside.write_text(str(server.server_port))
        beside.rename(port_file)
        sys.stdin.read()


if __name__ == "__main__":
    main()
