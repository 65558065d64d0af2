"""Repositories on this machine that speak with the Hub's own client, for tests.

Branches, pull requests, tags and large files are kept as values in memory; a test may cut the
connection from any request on, and count what was uploaded. Of models, only what reads them is
there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.hub_repository import (
    DATE,
    LARGE_SUFFIXES,
    MADE_BY_THE_HUB,
    Answer,
    Files,
    Repository,
    Request,
    blob_of,
)


@dataclass
class HubServer:
    """The server: its repositories, and what was asked of it."""

    url: str = ""
    user: str = "me"
    """Whose token all have."""
    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    uploads: Counter[str] = field(default_factory=Counter)
    """How often the content of a large file came in whole, by its digest."""
    upload_bytes: int = 0
    asked: int = 0
    cut_from: int | None = None
    """The number of the request from which on each connection is cut."""
    is_answer_lost: bool = False
    """Whether the first of these is still obeyed, and only its answer is lost."""
    refuse: Callable[[str, str], Answer | None] = lambda method, path: None
    spoil: str = ""
    """The name of a file whose stored content is another than what was sent."""
    seen: Callable[[], None] = lambda: None
    """Called after each request, when nothing is half done."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, method: str, url: str, body: bytes) -> Answer:
        parts = urlsplit(url)
        with self.lock:
            try:
                if refused := self.refuse(method, unquote(parts.path)):
                    raise refused
                self._route(method, parts.path, body)
            except Answer as answer:
                self.seen()
                return answer
        return Answer(404, {"error": f"no such thing: {url}"})

    def _route(self, method: str, path: str, body: bytes) -> None:
        if path == "/api/validate-yaml":
            raise Answer(200, {"errors": [], "warnings": []})
        if path == "/api/whoami-v2":
            raise Answer(200, {"type": "user", "name": self.user})
        if path == "/api/repos/create":
            raise self._create(json.loads(body))
        if found := re.fullmatch(r"/large/(\w+)", path):
            raise self._upload(found[1], body)
        if path.endswith(".git/info/lfs/objects/batch"):
            raise self._batch(json.loads(body))
        if found := re.fullmatch(r"(?:/datasets)?/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            raise self._read(self._repository(found[1]), *map(unquote, found.groups()[1:]))
        if found := re.fullmatch(r"/api/(?:datasets|models)/([^/]+/[^/]+)(?:/(.*))?", path):
            rest = [unquote(each) for each in (found[2] or "").split("/") if each]
            self._of_repository(method, found[1], rest, body)

    def _repository(self, name: str) -> Repository:
        if name not in self.repositories:
            raise Answer(404, {"error": "no repository"}, {"X-Error-Code": "RepoNotFound"})
        return self.repositories[name]

    def _create(self, asked: Mapping[str, Any]) -> Answer:
        name = f"{asked['organization']}/{asked['name']}"
        about = {"url": f"{self.url}/datasets/{name}", "name": name, "id": name}
        if name in self.repositories:
            return Answer(409, {"error": "it is there", **about})
        made = self.repositories[name] = Repository(asked.get("visibility") == "private")
        made.add("main", dict(MADE_BY_THE_HUB))
        return Answer(200, about)

    def _upload(self, digest: str, body: bytes) -> Answer:
        if hashlib.sha256(body).hexdigest() != digest:
            return Answer(400, {"error": "another digest"})
        self.large[digest] = body
        self.uploads[digest] += 1
        self.upload_bytes += len(body)
        return Answer(200, {})

    def _batch(self, asked: Mapping[str, Any]) -> Answer:
        objects = []
        for each in asked["objects"]:
            upload = {"upload": {"href": f"{self.url}/large/{each['oid']}", "header": {}}}
            objects.append(each if each["oid"] in self.large else {**each, "actions": upload})
        return Answer(200, {"transfer": "basic", "objects": objects})

    def _read(self, repository: Repository, revision: str, path: str) -> Answer:
        commit = repository.commit_of(revision)
        content = repository.commits[commit].get(path)
        if content is None:
            return Answer(404, {"error": "no file"}, {"X-Error-Code": "EntryNotFound"})
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        return Answer(200, content, {"ETag": etag, "X-Repo-Commit": commit})

    def _of_repository(self, method: str, name: str, rest: list[str], body: bytes) -> None:
        repository = self._repository(name)
        verb, *more = rest or [""]
        asked = json.loads(body) if body and verb != "commit" else {}
        if verb in ("", "revision"):
            raise self._info(name, repository, more[0] if more else "main")
        if verb == "refs":
            listed = [
                {"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": commit}
                for tag, commit in repository.tags.items()
            ]
            raise Answer(200, {"branches": [], "converts": [], "tags": listed})
        if verb == "tree":
            raise Answer(200, self._tree(repository.at(more[0]), "/".join(more[1:])))
        if verb == "paths-info":
            files = repository.at(more[0])
            found = [path for path in asked["paths"] if path in files]
            raise Answer(200, [self._entry(path, files[path]) for path in found])
        if verb == "preupload":
            files = repository.at(more[0])
            raise Answer(200, {"files": [_mode(each, files) for each in asked["files"]]})
        if verb == "commit":
            raise self._commit(repository, more[0], body)
        if verb == "tag":
            if asked["tag"] in repository.tags:
                raise Answer(409, {"error": "it is there"})
            repository.tags[asked["tag"]] = repository.commit_of(more[0])
            raise Answer(200, {})
        if verb == "discussions":
            raise self._discussion(method, name, repository, more, asked)

    def _info(self, name: str, repository: Repository, revision: str) -> Answer:
        commit = repository.commit_of(revision)
        files = sorted(repository.commits[commit].items())
        siblings = [{"rfilename": path, "size": len(content)} for path, content in files]
        about = {"id": name, "sha": commit, "private": repository.is_private, "tags": []}
        return Answer(200, {**about, "siblings": siblings, "gated": False, "lastModified": DATE})

    def _tree(self, files: Files, folder: str) -> list[dict[str, Any]]:
        """All files below a folder, and the folders between."""
        inside = [path for path in sorted(files) if path.startswith(folder and f"{folder}/")]
        above = {str(each) for path in inside for each in PurePosixPath(path).parents}
        folders = [
            {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}
            for path in sorted(above - {"."})
            if path.startswith(folder) and path != folder
        ]
        return [*folders, *(self._entry(path, files[path]) for path in inside)]

    def _entry(self, path: str, content: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
        entry["oid"] = blob_of(content)
        if path.endswith(LARGE_SUFFIXES):
            sha256 = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 130}
        return entry

    def _commit(self, repository: Repository, revision: str, body: bytes) -> Answer:
        files = dict(repository.at(revision))
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        if self.spoil in files:
            files[self.spoil] += b"spoilt"
        commit = repository.add(revision, files)
        about = {"commitOid": commit, "commitUrl": f"{self.url}/datasets/a/b/commit/{commit}"}
        return Answer(200, {"success": True, **about})

    def _discussion(
        self, method: str, name: str, repository: Repository, more: list[str], asked: Any
    ) -> Answer:
        if not more and method == "POST":
            number = len(repository.requests) + 1
            main = repository.refs["main"]
            repository.requests.append(Request(number, asked["title"], main, self.user))
            repository.refs[f"refs/pr/{number}"] = main
            return Answer(200, {"num": number})
        shown = [_shown(name, repository, each) for each in repository.requests]
        if not more:
            return Answer(200, {"count": len(shown), "start": 0, "discussions": shown})
        request = repository.requests[int(more[0]) - 1]
        if len(more) == 1:
            return Answer(200, shown[request.number - 1])
        if more[1] == "status":
            request.status = asked["status"]
            event = {"id": "e", "type": "status-change", "createdAt": DATE, "data": asked}
            return Answer(200, {"newStatus": event})
        repository.merge(request)
        return Answer(200, {})


def _mode(asked: Mapping[str, Any], files: Files) -> dict[str, Any]:
    path = asked["path"]
    mode = "lfs" if path.endswith(LARGE_SUFFIXES) else "regular"
    oid = blob_of(files[path]) if path in files else None
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}


def _shown(name: str, repository: Repository, request: Request) -> dict[str, Any]:
    return {
        "num": request.number, "title": request.title, "status": request.status,
        "createdAt": DATE, "author": {"name": request.author}, "isPullRequest": True,
        "repo": {"name": name, "type": "dataset"}, "events": [],
        "changes": {"base": "refs/heads/main"},
        "filesWithConflicts": repository.conflicts(request) if request.status != "merged" else [],
    }  # fmt: skip


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """A server of its own, as long as the block lasts."""
    hub = HubServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def handle_any(self) -> None:
            with hub.lock:
                hub.asked += 1
                number, cut_from = hub.asked, hub.cut_from
            is_cut = cut_from is not None and number >= cut_from
            if is_cut and not (hub.is_answer_lost and number == cut_from):
                return self.cut()
            answer = hub.answer(self.command, self.path, self.body())
            if is_cut:
                return self.cut()
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
            return None

        def cut(self) -> None:
            self.close_connection = True
            self.connection.close()

        def body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that was killed is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
