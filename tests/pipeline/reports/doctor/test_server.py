"""Servers that are dead, closed, mistaken, disobedient, or all right; and the key, never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.engines import close_engines
from pipeline.engines.http.config import HttpConfig
from pipeline.reports.doctor.context_fit import LongestAsk
from pipeline.reports.doctor.findings import Finding
from pipeline.reports.doctor.server import check_server
from tests.pipeline.engines.server_process import ServerProcess
from tests.pipeline.reports.doctor.model_server import ModelServer

KEY = "sk-nobody-may-see-this"
COMMIT = "cc594898137f460bfe9f0759e9844b3ce807cfb5"
JPEG = cv2.imencode(".jpg", np.zeros((36, 64, 3), np.uint8))[1].tobytes()
ASK = LongestAsk("caption", 256, 30_000, 1_700, 4_096, "qwen2_5_vl")


@pytest.fixture(autouse=True)
def engines() -> Iterator[None]:
    yield
    close_engines()


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("server") / "port") as server:
        yield server


@pytest.fixture
def with_key(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("DOCTOR_KEY", KEY)
    return {"api_key_env": "DOCTOR_KEY"}


def config(base_url: str, **settings: str) -> HttpConfig:
    given = {"model": "m", "revision": COMMIT, "base_url": base_url, **settings}
    return HttpConfig.model_validate(given)


def findings(
    host: HttpConfig,
    text: str | None = "do:ok",
    longest: LongestAsk = ASK,
    jpeg: bytes | None = JPEG,
) -> list[Finding]:
    found = list(check_server("engines.captioner", host, longest, jpeg, text))
    assert KEY not in str([asdict(finding) for finding in found])
    assert all(finding.fix for finding in found if finding.level != "ok")
    return found


def levels(found: list[Finding]) -> list[str]:
    return [finding.level for finding in found]


def test_a_wrong_model_name_is_named_with_the_right_one(misbehaving: ServerProcess) -> None:
    (found,) = findings(config(misbehaving.base_url, model="others"))
    assert found.level == "failure"
    assert "serves m, other, not others" in found.text and "did you mean 'other'?" in found.fix


def test_what_a_server_does_not_report_is_a_warning(misbehaving: ServerProcess) -> None:
    serves, context, revision, _ = findings(config(misbehaving.base_url))
    assert (serves.level, context.level, revision.level) == ("ok", "warning", "warning")
    assert "is not known" in context.text and "35796 tokens (caption: 256 frames" in context.text
    assert "is not known" in revision.text and COMMIT in revision.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("do:ok", "unparsable"),
        ("do:wrong_always", "quotes_key"),
        ("do:truncated", "truncated"),
        ("do:500_always", "server_error"),
        ("do:400", "bad_request"),
        ("do:401", "lets no one in (status 401)"),
        ("do:hang_up", "connection"),
    ],
)
def test_the_test_ask_fails_with_its_cause(
    misbehaving: ServerProcess, with_key: dict[str, str], text: str, expected: str
) -> None:
    last = findings(config(misbehaving.base_url, **with_key), text)[-1]
    assert last.level == "failure" and expected in last.text


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        ("do:ok", "ok", "answered a test ask about a picture with a vector"),
        ("do:400", "failure", "no vector in answer to a test ask about a picture: bad_request"),
    ],
)
def test_an_embedding_model_is_asked_for_a_vector(
    misbehaving: ServerProcess, with_key: dict[str, str], text: str, level: str, expected: str
) -> None:
    last = findings(config(misbehaving.base_url, answers="vectors", **with_key), text)[-1]
    assert last.level == level and expected in last.text


def test_a_dead_endpoint_is_named(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "port") as server:
        dead = server.base_url
    (found,) = findings(config(dead))
    assert found.level == "failure" and f"{dead} does not answer" in found.text


def test_no_key_no_request(
    serve: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCTOR_KEY", raising=False)
    server = serve(entry={})
    (found,) = findings(config(server.base_url, api_key_env="DOCTOR_KEY"))
    assert found.level == "failure" and "DOCTOR_KEY holds no key" in found.text
    assert not server.asked


def test_a_wrong_key_is_refused_without_being_shown(
    serve: Callable[..., ModelServer], with_key: dict[str, str]
) -> None:
    (found,) = findings(config(serve(entry={}, key="right").base_url, **with_key))
    assert found.level == "failure"
    assert "status 401" in found.text and "DOCTOR_KEY" in found.text


@pytest.mark.parametrize("with_list", [True, False])
def test_a_disobedient_server_with_the_key_in_its_mouth(
    serve: Callable[..., ModelServer], with_key: dict[str, str], *, with_list: bool
) -> None:
    server = serve(entry={} if with_list else None, key=KEY, obedient=False)
    *before, last = findings(config(server.base_url, **with_key))
    assert last.level == "failure" and "No, (key)" in last.text
    assert levels(before) == (["ok", "warning", "warning"] if with_list else ["warning"])
    assert len(server.asked) == 1, "no second try"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"max_model_len": 35_796, "root": f"/c/models--m/snapshots/{COMMIT}"}, ["ok", "ok"]),
        ({"max_model_len": 40_960, "root": "Qwen/Qwen2.5-VL"}, ["ok", "warning"]),
        ({"max_model_len": 35_795, "revision": COMMIT[:8]}, ["failure", "ok"]),
        ({"revision": COMMIT[:3]}, ["warning", "failure"]),
        ({"root": f"/c/models--m/snapshots/{COMMIT[::-1]}/"}, ["warning", "failure"]),
    ],
)
def test_context_and_revision(
    serve: Callable[..., ModelServer], entry: dict[str, object], expected: list[str]
) -> None:
    server = serve(entry=entry)
    found = findings(config(server.base_url), "Look.")
    assert levels(found) == ["ok", *expected, "ok"]
    (body,) = server.asked
    assert "image_url" in str(body["messages"]) and "Ready" in str(body["response_format"])


SMALL = LongestAsk("polish", 0, 0, 300, 200, "qwen2_5_vl")
LLAMA = {
    "architecture": {"input_modalities": ["text"]},
    "meta": {"n_ctx": 512, "n_ctx_train": 8192},
}
SLOTS = {"total_slots": 4, "modalities": {"vision": False}}


def test_a_text_model_is_a_good_editor_and_no_captioner(serve: Callable[..., ModelServer]) -> None:
    server = serve(entry=LLAMA, props=SLOTS)
    found = findings(config(server.base_url), None, SMALL, None)
    assert levels(found) == ["ok", "ok", "ok", "warning", "ok"]
    assert found[1].text.startswith("takes 512 tokens; the longest ask is about 500 tokens")
    assert found[2].text == "requests at once: 4 are answered, 4 are asked"
    assert found[-1].text == "answered a test ask by its schema"
    (body,) = server.asked
    assert "image_url" not in str(body["messages"]) and "picture" not in str(body["messages"])

    *_, last = findings(config(server.base_url), None, SMALL)
    assert last.level == "failure" and "m takes texts alone" in last.text
    assert len(server.asked) == 1, "no picture was sent to it"


def test_a_context_that_is_too_small_is_named(serve: Callable[..., ModelServer]) -> None:
    tiny = LLAMA | {"meta": {"n_ctx": 256, "n_ctx_train": 8192}}
    found = findings(config(serve(entry=tiny, props=SLOTS).base_url), None, SMALL, None)
    assert found[1].level == "failure" and found[1].text.startswith("takes 256 tokens; ")


def test_more_asks_than_slots_are_a_warning(serve: Callable[..., ModelServer]) -> None:
    server = serve(entry=LLAMA, props=SLOTS)
    host = config(server.base_url).model_copy(update={"concurrency": 64})
    slots = findings(host, None, SMALL, None)[2]
    assert slots.level == "warning"
    at_once, others = slots.text.split("; ")
    assert at_once == "requests at once: 4 are answered, 64 are asked"
    assert others == "the others wait, 300 s at most"


def test_a_server_that_loads_its_model_is_not_waited_for(
    serve: Callable[..., ModelServer],
) -> None:
    (found,) = findings(config(serve(entry=LLAMA, loading=True).base_url))
    assert found.level == "failure" and "most likely it loads its model" in found.text
