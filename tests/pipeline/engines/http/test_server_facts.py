"""What servers say of themselves, each in its own place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.http.server_facts import ServerFacts, listed_models, server_facts

LLAMA = {
    "id": "/models/smol.Q4_1.gguf",
    "aliases": ["/models/smol.Q4_1.gguf", "smol"],
    "owned_by": "llamacpp",
    "architecture": {"input_modalities": ["text"]},
    "meta": {"n_ctx": 2048, "n_ctx_train": 8192},
}
PROPS = {
    "total_slots": 4,
    "default_generation_settings": {"n_ctx": 1024},
    "modalities": {"vision": True, "audio": False},
}


def listed(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(entries)}


def test_what_llama_cpp_says() -> None:
    facts = server_facts("smol", listed(LLAMA), PROPS)
    assert facts == ServerFacts(
        "llamacpp", "", frozenset({"smol", "/models/smol.Q4_1.gguf"}), 2048, 4, False
    )


def test_what_llama_cpp_said_before_it_listed_it() -> None:
    old = {"id": "smol", "meta": {"n_ctx_train": 8192}}
    facts = server_facts("smol", listed(old), PROPS)
    assert (facts.context, facts.slots, facts.sees_pictures) == (1024, 4, True)


def test_what_vllm_and_hosted_servers_say() -> None:
    vllm = {"id": "m", "owned_by": "vllm", "max_model_len": 4096}
    facts = server_facts("m", listed({"id": "other"}, vllm), {}, {"version": "0.32.0"})
    assert facts == ServerFacts("vllm", "0.32.0", frozenset({"m"}), 4096, None, None)
    hosted = {"id": "m", "context_length": 9, "architecture": {"input_modalities": ["image"]}}
    assert server_facts("m", listed(hosted)) == ServerFacts(
        names=frozenset({"m"}), context=9, sees_pictures=True
    )


def test_of_a_model_that_is_not_listed_nothing_is_known_but_the_server() -> None:
    assert server_facts("n", listed(LLAMA), {"total_slots": 2}) == ServerFacts(slots=2)
    assert server_facts("n", None, None, None) == ServerFacts()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_anything_may_come_back(value: Any, other: Any) -> None:
    keys = ("architecture", "meta", "max_model_len", "owned_by", "aliases")
    for models in (value, {"data": value}, listed({"id": "m", **dict.fromkeys(keys, value)})):
        for props in (value, {"total_slots": value, "modalities": other}):
            facts = server_facts("m", models, props, other)
            assert facts.slots is None or facts.slots > 0


@pytest.mark.parametrize("value", [None, [], {"data": {}}, {"data": [{}]}, {"data": ["m"]}])
def test_what_is_no_list_of_models(value: Any) -> None:
    with pytest.raises(ValueError, match="no list of models"):
        listed_models(value)


@pytest.mark.parametrize(
    ("asked", "answered", "same"),
    [
        ("m", "", True),
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("openai/gpt-4o", "gpt-4o", True),
        ("smol.Q4_1", "/models/Smol.Q4_1.gguf", True),
        ("alias", "named", True),
        ("Qwen/Qwen2.5-7B", "SmolLM2-135M", False),
    ],
)
def test_an_answer_by_another_model_is_known(asked: str, answered: str, *, same: bool) -> None:
    facts = ServerFacts(names=frozenset({"alias", "named"}))
    assert facts.is_model(asked, answered) == same
