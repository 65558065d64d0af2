"""The HF Hub as publishing needs it: the only file that knows its client.

A release goes to a pull request of its own, found again by its title: ``refs/pr/N`` is a branch
that no reader of ``main`` sees, and the Hub merges it in one step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from httpx2 import HTTPError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.tqdm import disable_progress_bars

from pipeline.corpus.hub.release import SentFile
from pipeline.corpus.layout import CorpusError
from pipeline.errors import ConfigError
from pipeline.store.location import Location

MAIN: Final = "main"
KEPT: Final = frozenset({".gitattributes"})
"""Files that the Hub makes for itself."""
_KIND: Final = "dataset"
_ADVICE: Final[Mapping[int, str]] = {
    401: "set HF_TOKEN to a token that may write there, or call `hf auth login`",
    402: "the account has no space or credit left: make some, then call the same command again",
    403: "the token may not do that, or the space is used up: see the account, then call again",
    404: "see the name of the repository, and whether the token may read it",
    409: "something else changed there: call the same command again",
    412: "something else changed there: call the same command again",
    413: "a file is too large for the Hub: lower corpus.parquet_bytes or corpus.tar_bytes",
    429: "too many requests: wait, then call the same command again",
}
_AGAIN = "call the same command again, it goes on where it stopped"


@dataclass(frozen=True)
class HubFile:
    """A file as the Hub has it."""

    size_bytes: int
    sha256: str
    """Of a file in large storage; empty for one in git."""
    blob: str
    """Of a file in git, its name as a blob."""

    def is_same(self, file: SentFile) -> bool:
        """Whether it has the content of a file to be sent, by the digest that the Hub states."""
        own = file.sha256 if self.sha256 else file.blob
        return (self.sha256 or self.blob, self.size_bytes) == (own, file.size_bytes)


@dataclass(frozen=True)
class PullRequest:
    """A pull request that is not merged."""

    number: int
    title: str
    is_draft: bool

    @property
    def revision(self) -> str:
        """The branch of it."""
        return f"refs/pr/{self.number}"


class HubClient:
    """One dataset repository. Methods raise CorpusError with one line that says what to do.

    ``endpoint`` and ``token``: as the client finds them, where they are not given.
    """

    def __init__(self, repo: str, endpoint: str | None = None, token: str | None = None) -> None:
        """``repo`` is ``ORG/NAME``. Raises ConfigError if it is no such name."""
        if repo.count("/") != 1:
            raise ConfigError(f"--repo: {repo!r} is not ORG/NAME")
        self._repo = repo
        self._api = HfApi(endpoint=endpoint, token=token)
        disable_progress_bars()

    @property
    def address(self) -> str:
        """Where people read it."""
        return f"{self._api.endpoint}/datasets/{self._repo}"

    def make(self, private: bool) -> None:
        """Creates the repository if there is none.

        Raises:
            CorpusError: ``public``: it is to be private, and is there and public.
        """
        with _explained(f"create {self._repo}"):
            self._api.create_repo(
                self._repo, repo_type=_KIND, private=True if private else None, exist_ok=True
            )
            info = self._api.repo_info(self._repo, repo_type=_KIND)
        if private and info.private is False:
            advice = f"make it private on the Hub, or leave --private out: {self.address}/settings"
            raise CorpusError("public", f"{self._repo} is there and public: {advice}")

    def head(self, revision: str = MAIN) -> str:
        """The commit that a revision stands for."""
        with _explained(f"read {self._repo}"):
            return str(self._api.repo_info(self._repo, repo_type=_KIND, revision=revision).sha)

    def tags(self) -> Mapping[str, str]:
        """The commit of each tag."""
        with _explained(f"read the tags of {self._repo}"):
            refs = self._api.list_repo_refs(self._repo, repo_type=_KIND)
        return {tag.name: tag.target_commit for tag in refs.tags}

    def tag(self, name: str, commit: str) -> None:
        """Gives a commit a name."""
        with _explained(f"tag {name}"):
            self._api.create_tag(self._repo, tag=name, revision=commit, repo_type=_KIND)

    def files(self, revision: str) -> Mapping[str, HubFile]:
        """The files at a revision by path, but for those that the Hub makes for itself."""
        with _explained(f"list {revision}"):
            listed = self._api.list_repo_tree(
                self._repo, recursive=True, revision=revision, repo_type=_KIND
            )
            return {
                each.path: HubFile(each.size, each.lfs.sha256 if each.lfs else "", each.blob_id)
                for each in listed
                if isinstance(each, RepoFile) and each.path not in KEPT
            }

    def pull_request(self, title: str) -> PullRequest | None:
        """The one of that title that is open or a draft; the last where there are several.

        Only one's own: whoever opened it may push to it until it is merged.
        """
        with _explained("look for the pull request"):
            own = self._api.whoami()["name"]
            found = [
                PullRequest(each.num, each.title, each.status == "draft")
                for each in self._api.get_repo_discussions(
                    self._repo, discussion_type="pull_request", repo_type=_KIND
                )
                if (each.title, each.author) == (title, own) and each.status in ("open", "draft")
            ]
        return max(found, key=lambda each: each.number, default=None)

    def conflicts(self, request: PullRequest) -> bool:
        """Whether it cannot be merged, since ``main`` changed after it was opened."""
        with _explained(f"read pull request {request.number}"):
            details = self._api.get_discussion_details(self._repo, request.number, repo_type=_KIND)
        return bool(details.conflicting_files)

    def open_pull_request(self, title: str, description: str) -> PullRequest:
        """A new one, from ``main`` as it is now."""
        with _explained("open a pull request"):
            made = self._api.create_pull_request(
                self._repo, title, description=description, repo_type=_KIND
            )
        return PullRequest(made.num, made.title, made.status == "draft")

    def commit(
        self, revision: str, title: str, files: Sequence[SentFile], removed: Sequence[str]
    ) -> None:
        """One commit. What the Hub has by its digest is not uploaded again."""
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(file.path, file.local) for file in files),
            *(CommitOperationDelete(path) for path in removed),
        ]
        with _explained(f"upload {files[0].path if files else removed[0]}"):
            self._api.create_commit(
                self._repo, operations, commit_message=title, revision=revision, repo_type=_KIND
            )

    def sha256(self, path: str, revision: str) -> str:
        """The digest of a file's content, which is downloaded for it."""
        with (
            tempfile.TemporaryDirectory(prefix="turnwise-") as folder,
            _explained(f"read back {path}"),
        ):
            found = self._api.hf_hub_download(
                self._repo, path, repo_type=_KIND, revision=revision, local_dir=folder
            )
            return Location.of(found).sha256()

    def download(self, revision: str, forms: Sequence[str]) -> Path:
        """The folder, in the client's cache, with the files of these forms at a revision."""
        with _explained(f"download {self._repo} at {revision}"):
            return Path(
                self._api.snapshot_download(
                    self._repo, repo_type=_KIND, revision=revision, allow_patterns=list(forms)
                )
            )

    def merge(self, request: PullRequest) -> None:
        """Puts the pull request into ``main`` in one step."""
        with _explained(f"merge pull request {request.number}"):
            if request.is_draft:
                self._set_status(request, "open")
            self._api.merge_pull_request(self._repo, request.number, repo_type=_KIND)

    def close(self, request: PullRequest) -> None:
        """Closes one that will not be merged."""
        with _explained(f"close pull request {request.number}"):
            self._set_status(request, "closed")

    def _set_status(self, request: PullRequest, status: Literal["open", "closed"]) -> None:
        self._api.change_discussion_status(self._repo, request.number, status, repo_type=_KIND)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Errors of the Hub's client as a CorpusError of one line, which says what to do.

    Raises:
        CorpusError: ``hub``.
    """
    try:
        yield
    except (HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled) as error:
        raise CorpusError("hub", f"{what}: {_line(error)}") from error
    except RepositoryNotFoundError as error:
        raise CorpusError("hub", f"{what}: {_ADVICE[404]}") from error
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        raise CorpusError("hub", f"{what}: {_said(error)}") from error


def _said(error: BaseException) -> str:
    """What the Hub answered and what to do; below errors of its client lies the cause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HfHubHTTPError):
            status = cause.response.status_code
            said = (cause.server_message or "").split("\n")[0].strip(" .")
            return f"{status}{f' {said}' if said else ''}: {_ADVICE.get(status, _AGAIN)}"
        cause = cause.__cause__
    return f"{_line(error.__cause__ or error)}: {_AGAIN}"


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
