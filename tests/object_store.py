"""A real S3 server on this machine, for tests: moto's, with faults on demand."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import fsspec
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

Start = Callable[..., Any]


@dataclass
class ObjectStore:
    """A server, what it was asked, and how often it is to fail."""

    bucket: str = ""
    """Of its own: what one server of a process holds, the next one has, too."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """With which every client of S3 in a process finds it."""
    fail_every: int = 0
    """Of so many requests, one is answered with 503; 0 fails none."""
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by method."""
    failed: int = 0
    refusal: tuple[str, str] | None = None
    """A status and the name of an error, with which every request is answered."""

    def url(self, below: str = "") -> str:
        """An address in its bucket, which is empty at first."""
        return f"s3://{self.bucket}/{below}".rstrip("/")


@contextmanager
def serving() -> Iterator[ObjectStore]:
    """A server with an empty bucket; meanwhile this process and its children use it for S3."""
    store = ObjectStore()
    app = DomainDispatcherApplication(create_backend_app)
    counting = threading.Lock()

    def answer(request: dict[str, Any], start: Start) -> Iterable[bytes]:
        with counting:
            store.asked[request["REQUEST_METHOD"]] += 1
            fails = store.fail_every > 0 and store.asked.total() % store.fail_every == 0
            store.failed += fails
        if store.refusal is not None:
            request["wsgi.input"].read(int(request.get("CONTENT_LENGTH") or 0))
            start(store.refusal[0], [("Content-Type", "application/xml")])
            return [f"<Error><Code>{store.refusal[1]}</Code></Error>".encode()]
        if fails:
            request["wsgi.input"].read(int(request.get("CONTENT_LENGTH") or 0))
            start("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>Slower, please.</Message></Error>"]
        answered: Iterable[bytes] = app(request, start)
        return answered

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store.bucket = f"corpus-{server.server_port}"
    store.environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        with patch.dict(os.environ, store.environment):
            clear_clients()
            fsspec.filesystem("s3").mkdir(store.bucket)
            store.asked.clear()
            yield store
    finally:
        clear_clients()
        server.shutdown()
        thread.join()


def clear_clients() -> None:
    """Lets go the clients of this process, which know a server that may be another's."""
    from pipeline.store import object_store

    object_store._filesystem.cache_clear()
    fsspec.filesystem("s3").clear_instance_cache()
