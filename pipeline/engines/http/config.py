"""How a server that speaks the OpenAI protocol is reached, and how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, field_validator, model_validator

from pipeline.engines.base import SamplingConfig

DEFAULT_CONCURRENCY = 64
"""For a server that does not say how many requests it answers at once."""
OWN_FIELDS = frozenset(
    {"model", "messages", "n", "temperature", "max_tokens", "seed", "stream", "input"}
    | {"encoding_format"}
)
"""Fields that ``extra_body`` must not set: other settings or the engine itself set them."""


class HttpConfig(SamplingConfig):
    """A model behind an OpenAI-compatible server: vLLM, SGLang, llama.cpp, or a hosted one.

    Vectors are asked for at its address for embeddings. Those of pictures take the messages that
    vLLM has there; other servers refuse them.
    """

    IDENTITY = (*SamplingConfig.IDENTITY, "extra_body")

    kind: Literal["http"] = Field("http", description="kind of engine; must be written down")
    model: str = Field(min_length=1, description="name by which the server serves it")
    revision: str = Field(
        "",
        description="of the weights that are served, such as a commit; no server tells it, and it"
        " goes into every row. While it is empty no run starts",
    )
    quantisation: str = Field(
        "",
        description="of the weights that are served, such as fp8; empty for none. It goes into the"
        " identity of rows",
    )
    base_url: str = Field(
        description="address of the server with its path, such as http://localhost:8000/v1"
    )
    further_urls: tuple[str, ...] = Field(
        (), description="further servers of the same model; each has a client of its own"
    )
    api_key_env: str | None = Field(
        None, description="name of the environment variable that holds the key, if one is needed"
    )
    api_key_file: Path | None = Field(
        None,
        description="file that holds the key, in place of api_key_env; on a cluster one that all"
        " nodes see",
    )
    extra_body: dict[str, JsonValue] = Field(
        {},
        description="further fields of every request, as the server knows them; part of the"
        " identity of rows",
    )
    concurrency: int | None = Field(
        None,
        ge=1,
        description="requests under way at once, for each server, which batches those that it has."
        " null: as many as llama.cpp says that it has slots, and 64 where a server says nothing",
    )
    megabytes: int = Field(
        256,
        ge=1,
        description="megabytes that the requests under way at once take in memory; frames are most"
        " of them",
    )
    answer_megabytes: int = Field(
        4,
        ge=1,
        description="megabytes of one answer at most, unpacked where the server packs it; the rest"
        " is not read. A thousand tokens take a hundredth of one",
    )
    timeout_s: float = Field(
        300.0,
        gt=0,
        le=1_000_000,
        description="wall clock of one try, in seconds; long, because a busy server lets requests"
        " wait",
    )
    attempts: int = Field(
        5,
        ge=1,
        le=1000,
        description="tries of a request that fails for a passing cause, such as 429 or a lost"
        " connection",
    )
    patience_s: float = Field(
        600.0,
        ge=0,
        le=1_000_000,
        description="seconds for which a server may be away: it refuses connections, or says (503)"
        " that it loads its model. No try counts meanwhile. After that its asks fail until it is"
        " there again",
    )
    longest_wait_s: float = Field(
        60.0,
        ge=0,
        le=1_000_000,
        description="the longest wait between two tries, in seconds; waits double up to it",
    )

    @field_validator("base_url")
    @classmethod
    def _base(cls, url: str) -> str:
        return _plain(url)

    @field_validator("further_urls")
    @classmethod
    def _further(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_plain, urls))

    @field_validator("extra_body")
    @classmethod
    def _extra(cls, fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if own := sorted(OWN_FIELDS & fields.keys()):
            raise ValueError(f"must not set {', '.join(own)}: the engine does")
        return fields

    @model_validator(mode="after")
    def _one_each(self) -> HttpConfig:
        if self.api_key_env is not None and self.api_key_file is not None:
            raise ValueError("api_key_env and api_key_file: give one of them")
        if len({self.base_url, *self.further_urls}) <= len(self.further_urls):
            raise ValueError("base_url and further_urls: name each server once")
        return self

    def replica_configs(self) -> Sequence[HttpConfig]:
        """One for each server."""
        urls = (self.base_url, *self.further_urls)
        return [self.model_copy(update={"base_url": url, "further_urls": ()}) for url in urls]


def _plain(url: str) -> str:
    """The address without slashes at its end.

    Raises:
        ValueError: it is none that a path can be added to.
    """
    parts = urlsplit(url)
    blank = any(character.isspace() for character in url)
    if parts.scheme not in ("http", "https") or not parts.hostname or blank or parts.port == 0:
        raise ValueError("must be http://… or https://…")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name or key: use api_key_env")
    if "?" in url or "#" in url:
        raise ValueError("must end with its path, such as /v1")
    return url.rstrip("/")
