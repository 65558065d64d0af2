"""Checks of an OpenAI-compatible server: what it serves, and whether it obeys a schema."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipeline.engines import open_engine
from pipeline.engines.answer import answer_schema
from pipeline.engines.base import Ask, EngineError, Frame, Sampling
from pipeline.engines.errors import RequestError
from pipeline.engines.http.api_key import ApiKey, read_key
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.response import token_count
from pipeline.errors import did_you_mean
from pipeline.reports.doctor.context_fit import LongestAsk
from pipeline.reports.doctor.findings import Finding
from pipeline.reports.doctor.probe import fault

LIST_LIMIT_S = 10.0
"""Time limit of a list of models."""
ASK_LIMIT_S = 120.0
"""Time limit of the test ask; a model that has just been started compiles first."""
COMMIT_DIGITS = 7
"""The fewest digits that identify a commit."""
TEST_ASK = (
    "Answer as JSON with two fields. `shows_anything` is true if the picture shows anything, else"
    " false. `colour` is the name of its main colour."
)


class Ready(BaseModel):
    """The answer to the test ask."""

    model_config = ConfigDict(extra="forbid")

    shows_anything: bool
    colour: str


def check_server(
    name: str, host: HttpConfig, longest: LongestAsk | None, jpeg: bytes, text: str = TEST_ASK
) -> Iterator[Finding]:
    """Check key, address, model, context, revision, and a test ask of ``text`` with a picture.

    ``name`` is the check in the findings. Checks that depend on a failed one are left out.
    """
    try:
        key = read_key(host)
    except EngineError as error:
        yield Finding(name, "failure", str(error), "set it, or correct api_key_env or api_key_file")
        return
    found = _models(name, host, key)
    if isinstance(found, Finding):
        yield found
        if found.level == "failure":
            return
    else:
        served = sorted(found)
        if host.model not in found:
            text = f"{host.base_url} serves {', '.join(served) or 'nothing'}, not {host.model}"
            fix = f"correct `model`{did_you_mean(host.model, served)}"
            yield Finding(name, "failure", key.redact(text), key.redact(fix))
            return
        entry = found[host.model]
        yield Finding(name, "ok", f"{host.base_url} serves {host.model}")
        context = token_count(entry.get("max_model_len"))
        yield check_context(name, context or None, longest)
        yield _revision(name, host, entry, key)
    yield _test_ask(name, host, key, jpeg, text)


def check_context(name: str, context: int | None, longest: LongestAsk | None) -> Finding:
    """The context of a model in tokens against the longest ask; None where it is not known."""
    takes = "its context is not known" if context is None else f"takes {context} tokens"
    needs = f"about {longest.to_text()}" if longest else "not known"
    text = f"{takes}; the longest ask is {needs}"
    if context is None or longest is None:
        return Finding(name, "warning", text, "compare it with how the model is served")
    if longest.tokens <= context:
        return Finding(name, "ok", text)
    fix = (
        f"serve a longer context, or lower max_frames or max_tokens of nodes.{longest.node}.config,"
        " or longer_px of the frames"
    )
    return Finding(name, "failure", text, fix)


def _models(name: str, host: HttpConfig, key: ApiKey) -> Mapping[str, Mapping[str, Any]] | Finding:
    """The server's entry of each model, by name; or a finding why they are not known."""
    from pipeline.engines.http.client import get_once  # noqa: PLC0415  it needs the extra http

    url = f"{host.base_url}/models"
    try:
        status, content = asyncio.run(get_once(url, host, key, LIST_LIMIT_S))
    except RequestError as error:
        text = f"{host.base_url} does not answer: {error.detail}"
        return Finding(name, "failure", text, "start it, or correct `base_url`")
    if status == 200:
        try:
            return {str(model["id"]): model for model in json.loads(content)["data"]}
        except (ValueError, TypeError, KeyError, RecursionError):
            pass  # some hosted servers answer so
    if status in (401, 403):
        text = f"{host.base_url} refuses (status {status}) the key of {key.place}"
        return Finding(name, "failure", text, "correct the key, api_key_env or api_key_file")
    text = f"{url} has no list of models (status {status}): model, revision, context are not known"
    fix = "see whether base_url ends in /v1; some hosted servers have no such list"
    return Finding(name, "failure" if status >= 500 else "warning", text, fix)


def _revision(name: str, host: HttpConfig, entry: Mapping[str, Any], key: ApiKey) -> Finding:
    """Compare the served revision with the config. Few servers report it. vLLM reports the folder
    it was started with; a folder of the cache of the Hugging Face Hub is named by the commit."""
    root, revision = entry.get("root"), entry.get("revision")
    commit = root.partition("/snapshots/")[2].partition("/")[0] if isinstance(root, str) else ""
    served = revision if isinstance(revision, str) and revision else commit
    if not served:
        text = f"the served revision is not known; the rows will name {host.revision}"
        return Finding(name, "warning", text, "see how the server was started")
    short, long = sorted((served, host.revision), key=len)
    if served == host.revision or (len(short) >= COMMIT_DIGITS and long.startswith(short)):
        return Finding(name, "ok", key.redact(f"serves revision {served}"))
    text = key.redact(f"serves revision {served}, but the config names {host.revision}")
    return Finding(name, "failure", text, "correct `revision`: it goes into every row")


def _test_ask(name: str, host: HttpConfig, key: ApiKey, jpeg: bytes, text: str) -> Finding:
    """Whether the server holds the model to a schema and takes pictures; without retries."""
    once = {"attempts": 1, "temperatures": (), "repair": False}
    limit = {"timeout_s": min(host.timeout_s, ASK_LIMIT_S)}
    ask = Ask("doctor", text, answer_schema(Ready), (Frame(0.0, jpeg),))
    try:
        engine = open_engine(host.model_copy(update={**once, **limit}))
        ((_, (reply,)),) = engine.generate([ask], Sampling(max_tokens=128))
    except EngineError as error:
        return Finding(name, "failure", key.redact(str(error)), "see what the server logs")
    if (wrong := fault(Ready, reply)) is None:
        return Finding(name, "ok", "answered a test ask about a picture by its schema")
    text = f"no answer by its schema to a test ask about a picture: {wrong}"
    fix = "serve a model that sees pictures, with guided decoding (response_format)"
    detail = reply.detail if reply.text is None else reply.text
    return Finding(name, "failure", key.redact(f"{text}: {detail}"), fix)
