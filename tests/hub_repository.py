"""A repository of the Hub as values in memory: commits, branches, pull requests, tags."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LARGE_SUFFIXES = (".parquet", ".tar")
"""Files that go to large storage, as the Hub's own ``.gitattributes`` has it."""
MADE_BY_THE_HUB = {".gitattributes": b"*.parquet filter=lfs\n*.tar filter=lfs\n"}
DATE = "2026-01-01T00:00:00.000Z"
Files = dict[str, bytes]


class Answer(Exception):
    """The answer to a request, from wherever it is known."""

    def __init__(
        self, status: int, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.status, self.headers = status, dict(headers or {})
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


@dataclass
class Request:
    """A pull request."""

    number: int
    title: str
    base: str
    author: str
    status: str = "draft"


@dataclass
class Repository:
    """Commits by name, and what names them."""

    is_private: bool
    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def add(self, ref: str, files: Files) -> str:
        name = hashlib.sha1(f"{len(self.commits)} {ref}".encode()).hexdigest()
        self.commits[name] = files
        self.refs[ref] = name
        return name

    def commit_of(self, revision: str) -> str:
        name = self.refs.get(revision) or self.tags.get(revision) or revision
        if name not in self.commits:
            raise Answer(404, {"error": "no revision"}, {"X-Error-Code": "RevisionNotFound"})
        return name

    def at(self, revision: str) -> Files:
        return self.commits[self.commit_of(revision)]

    def conflicts(self, request: Request) -> list[str]:
        """Files that ``main`` and the request changed since, each in its own way."""
        base, main, own = (
            self.at(each) for each in (request.base, "main", f"refs/pr/{request.number}")
        )
        names = base.keys() | main.keys() | own.keys()
        return sorted(
            n
            for n in names
            if base.get(n) != main.get(n) != own.get(n) and own.get(n) != base.get(n)
        )

    def merge(self, request: Request) -> None:
        """Puts what the request changed into ``main``, in one commit."""
        if request.status != "open" or self.conflicts(request):
            raise Answer(409, {"error": "it cannot be merged"})
        base, own = self.at(request.base), self.at(f"refs/pr/{request.number}")
        merged = {n: c for n, c in self.at("main").items() if n in own or n not in base}
        self.add("main", merged | {n: c for n, c in own.items() if base.get(n) != c})
        request.status = "merged"


def blob_of(content: bytes) -> str:
    """The name of a content in git."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
