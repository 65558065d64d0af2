"""Configs of the HTTP engine, and the proxy that the environment names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.engines.http.config import OWN_FIELDS
from pipeline.engines.http.get import proxy_of
from tests.pipeline.engines.http.conftest import config_of

URL = "http://models.example:8000/v1"
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"base_url": "models.example/v1"}, "must be http://"),
        ({"base_url": "ftp://models.example/v1"}, "must be http://"),
        ({"base_url": "http://"}, "must be http://"),
        ({"base_url": "http://:8000/v1"}, "must be http://"),
        ({"base_url": "http://two words/v1"}, "must be http://"),
        ({"base_url": "http://models.example:99999/v1"}, "Port out of range"),
        ({"base_url": "http://[::1/v1"}, "Invalid IPv6 URL"),
        ({"base_url": "http://user:secret@models.example/v1"}, "api_key_env"),
        ({"base_url": "http://models.example/v1?key=secret"}, "must end with its path"),
        ({"further_urls": ["models.example/v1"]}, "must be http://"),
        ({"further_urls": [f"{URL}/"]}, "name each server once"),
        ({"api_key_env": "A", "api_key_file": "b"}, "give one of them"),
        ({"temperatures": [0.3, 2.5]}, "less than or equal to 2"),
        ({"temperatures": [float("nan")]}, "temperatures"),
        ({"extra_body": {"since": {1, 2}}}, "extra_body"),
        ({"attempts": 0}, "attempts"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": float("inf")}, "timeout_s"),
        ({"concurrency": 0}, "concurrency"),
        ({"model": ""}, "model"),
        ({"api_key": "sk-1"}, "api_key"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config_of(URL, **settings)


@pytest.mark.parametrize("name", sorted(OWN_FIELDS))
def test_extra_fields_leave_the_engines_own_alone(name: str) -> None:
    with pytest.raises(ValidationError, match=f"must not set {name}: the engine does"):
        config_of(URL, extra_body={name: 1})


def test_a_slash_at_the_end_is_no_other_address() -> None:
    assert config_of(f"{URL}/").base_url == URL


def test_each_server_has_a_host_of_its_own() -> None:
    others = ("http://b:1/v1", "http://c:1/v1")
    replica_configs = config_of(URL, further_urls=others).replica_configs()
    assert [host.base_url for host in replica_configs] == [URL, *others]
    assert not any(host.further_urls for host in replica_configs)
    assert len({host.model_dump_json() for host in replica_configs}) == 3


def test_the_identity_is_the_model_and_not_the_way_there() -> None:
    def identity(**settings: Any) -> dict[str, Any]:
        return config_of(URL, **settings).identity()

    transport = {
        "base_url": "http://elsewhere/v1",
        "further_urls": ["http://b/v1"],
        "api_key_env": "A",
        "concurrency": 1,
        "megabytes": 1,
        "shards": 1,
        "timeout_s": 1,
        "attempts": 1,
        "longest_wait_s": 1,
    }
    assert identity(**transport) == identity()
    meaning: list[dict[str, Any]] = [
        {"model": "other"},
        {"revision": "2"},
        {"quantisation": "fp8"},
        {"frame_label": "none"},
        {"temperatures": []},
        {"repair": False},
        {"extra_body": {"top_p": 0.5}},
    ]
    for settings in meaning:
        assert identity(**settings) != identity(), settings


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, PROXY)
    monkeypatch.setenv("no_proxy", "inside.example")


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        (URL, PROXY),
        ("https://models.example/v1", PROXY),
        ("http://inside.example/v1", None),
        ("http://127.0.0.1:8000/v1", None),
        ("http://127.8.9.1/v1", None),
        ("http://[::1]:8000/v1", None),
        ("http://localhost:8000/v1", None),
        ("http://model.localhost/v1", None),
    ],
)
def test_a_proxy_is_for_other_machines(url: str, proxy: str | None) -> None:
    assert proxy_of(url) == proxy
