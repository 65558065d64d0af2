"""Checks of an OpenAI-compatible server: what it serves, and whether it obeys a schema."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.engines import open_engine
from pipeline.engines.answer import answer_schema
from pipeline.engines.base import Ask, EngineError, Frame, Sampling
from pipeline.engines.embedding import Embedding
from pipeline.engines.errors import RequestError
from pipeline.engines.http.api_key import ApiKey, read_key
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.server_facts import ServerFacts, listed_models, root_of, server_facts
from pipeline.errors import did_you_mean
from pipeline.reports.doctor.context_fit import LongestAsk
from pipeline.reports.doctor.findings import Finding
from pipeline.reports.doctor.probe import fault

LIST_LIMIT_S = 10.0
"""Time limit of a list of models."""
ASK_LIMIT_S = 120.0
"""Time limit of the test ask; a model that has just been started compiles first."""
HTTP_OK = 200
LOADING = 503
COMMIT_DIGITS = 7
"""The fewest digits that identify a commit."""
PICTURE_ASK = (
    "Answer as JSON with two fields. `shows_anything` is true if the picture shows anything, else"
    " false. `colour` is the name of its main colour."
)
TEXT_ASK = (
    'Somebody wrote: "A red ball rolls over the grass." Answer as JSON with two fields.'
    " `shows_anything` is true if that tells of anything, else false. `colour` is the colour of the"
    " ball."
)


class Ready(BaseModel):
    """The answer to the test ask."""

    model_config = ConfigDict(extra="forbid")

    shows_anything: bool
    colour: str = Field(max_length=40)


def check_server(
    name: str,
    host: HttpConfig,
    longest: LongestAsk | None,
    jpeg: bytes | None,
    text: str | None = None,
) -> Iterator[Finding]:
    """Check key, address, model, what it takes, context, slots, revision, and one test ask.

    ``name`` is the check in the findings. ``jpeg`` is the picture of the test ask, None for roles
    whose stages show no frames; ``text`` is its text. Checks that depend on a failed one are left
    out.
    """
    try:
        key = read_key(host)
    except EngineError as error:
        yield Finding(name, "failure", str(error), "set it, or correct api_key_env or api_key_file")
        return
    models = _models(name, host, key)
    if isinstance(models, Finding):
        yield models
        if models.level == "failure":
            return
        models = None
    props = _get(f"{root_of(host.base_url)}/props", host, key)
    facts = server_facts(host.model, models, props if isinstance(props, dict) else None)
    if models is not None:
        served = listed_models(models)
        if host.model not in served:
            names = sorted(served)
            text = f"{host.base_url} serves {', '.join(names) or 'nothing'}, not {host.model}"
            fix = f"correct `model`{did_you_mean(host.model, names)}"
            yield Finding(name, "failure", key.redact(text), key.redact(fix))
            return
        yield Finding(name, "ok", f"{host.base_url} serves {host.model}")
        if jpeg is not None and facts.sees_pictures is False:
            text = f"{host.model} takes texts alone, and stages of these roles show it frames"
            yield Finding(name, "failure", text, "serve a model that sees pictures")
            return
        yield check_context(name, facts.context, longest)
        yield from _slots(name, host, facts)
        yield _revision(name, host, served[host.model], key)
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


def _models(name: str, host: HttpConfig, key: ApiKey) -> Any:
    """The server's list of models, as JSON; or a finding why it is not known."""
    found = _get(f"{host.base_url}/models", host, key)
    if isinstance(found, RequestError):
        text = f"{host.base_url} does not answer: {found.detail}"
        return Finding(name, "failure", text, "start it, or correct `base_url`")
    if not isinstance(found, int):
        with suppress(ValueError):
            listed_models(found)
            return found
        found = HTTP_OK  # some hosted servers answer so
    if found in (401, 403):
        text = f"{host.base_url} refuses (status {found}) the key of {key.place}"
        return Finding(name, "failure", text, "correct the key, api_key_env or api_key_file")
    if found == LOADING:
        text = f"{host.base_url} is not ready (status {found}): most likely it loads its model"
        return Finding(name, "failure", text, "wait for it, then call the doctor again")
    url = f"{host.base_url}/models"
    text = f"{url} has no list of models (status {found}): model, revision, context are not known"
    fix = "see whether base_url ends in /v1; some hosted servers have no such list"
    return Finding(name, "failure" if found >= 500 else "warning", text, fix)


def _get(url: str, host: HttpConfig, key: ApiKey) -> Any:
    """The JSON at an address: None for what is none, the status where it is not 200, or the error
    of a request without an answer."""
    from pipeline.engines.http.get import get_once  # noqa: PLC0415  it needs the extra http

    try:
        status, content = asyncio.run(get_once(url, host, key, LIST_LIMIT_S))
    except RequestError as error:
        return error
    if status != HTTP_OK:
        return status
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _slots(name: str, host: HttpConfig, facts: ServerFacts) -> Iterator[Finding]:
    """Whether no more is asked at once than is answered at once: what waits may time out."""
    if facts.slots is None:
        return
    asked = facts.slots if host.concurrency is None else host.concurrency
    text = f"requests at once: {facts.slots} are answered, {asked} are asked"
    if asked <= facts.slots:
        yield Finding(name, "ok", text)
        return
    text += f"; the others wait, {host.timeout_s:g} s at most"
    yield Finding(name, "warning", text, "leave `concurrency` empty: it follows the server then")


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


def _test_ask(
    name: str, host: HttpConfig, key: ApiKey, jpeg: bytes | None, text: str | None
) -> Finding:
    """Whether the server holds the model to a schema, and takes a picture; without retries."""
    answer = Embedding if host.answers == "vectors" else Ready
    once = {"attempts": 1, "temperatures": (), "repair": False, "patience_s": 0.0}
    limit = {"timeout_s": min(host.timeout_s, ASK_LIMIT_S)}
    frames = () if jpeg is None else (Frame(0.0, jpeg),)
    asked = "a test ask" if jpeg is None else "a test ask about a picture"
    own = TEXT_ASK if jpeg is None else PICTURE_ASK
    ask = Ask("doctor", own if text is None else text, answer_schema(answer), frames)
    try:
        engine = open_engine(host.model_copy(update={**once, **limit}))
        ((_, (reply,)),) = engine.generate([ask], Sampling(max_tokens=128))
    except EngineError as error:
        return Finding(name, "failure", key.redact(str(error)), "see what the server logs")
    if (wrong := fault(answer, reply)) is None:
        what = "with a vector" if answer is Embedding else "by its schema"
        return Finding(name, "ok", f"answered {asked} {what}")
    if answer is Embedding:
        text = key.redact(f"no vector in answer to {asked}: {wrong}: {reply.detail}")
        return Finding(name, "failure", text, "serve an embedding model, of pictures too")
    found = f"no answer by its schema to {asked}: {wrong}"
    sees = "" if jpeg is None else " that sees pictures"
    fix = f"serve a model{sees}, with guided decoding (response_format)"
    if wrong == "too_long":
        fix = "serve it with a longer context"
    detail = reply.detail if reply.text is None else reply.text
    return Finding(name, "failure", key.redact(f"{found}: {detail}"), fix)
