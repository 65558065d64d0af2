"""Bodies of requests: their size beforehand, and what is in them."""

from __future__ import annotations

import json
from base64 import b64decode

from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.base import Ask, Frame, Sampling
from pipeline.engines.http.request_body import Body
from tests.pipeline.engines.contract import SCHEMA
from tests.pipeline.engines.http.conftest import config_of

FRAMES = st.lists(
    st.builds(Frame, st.floats(0, 1e6, allow_nan=False), st.binary(max_size=300)), max_size=4
).map(tuple)
TEXTS = st.text(st.characters(), max_size=50)
INT64 = st.integers(-(2**63), 2**63 - 1)


@given(
    FRAMES,
    TEXTS,
    TEXTS,
    st.sampled_from(["seconds", "qwen3_vl", "none"]),
    st.integers(1, 10_000),
    st.floats(0, 2),
    INT64,
)
def test_the_size_is_known_beforehand(
    frames: tuple[Frame, ...],
    text: str,
    system: str,
    label: str,
    n: int,
    temperature: float,
    seed: int,
) -> None:
    config = config_of("http://h/v1", frame_label=label)
    body = Body(config, Ask("id", text, SCHEMA, frames, system=system), Sampling())
    encoded = body.encode(n=n, temperature=temperature, seed=seed)
    assert 0 <= body.size_bytes - len(encoded) < 1000


@given(FRAMES, TEXTS, TEXTS)
def test_a_body_holds_frames_and_texts_as_they_are(
    frames: tuple[Frame, ...], text: str, system: str
) -> None:
    ask = Ask("id", text, SCHEMA, frames, system=system)
    body = Body(config_of("http://h/v1", frame_label="none"), ask, Sampling(max_tokens=9))
    found = json.loads(body.encode(n=1, temperature=0.0, seed=0))
    assert found["max_tokens"] == 9
    *before, message = found["messages"]
    assert before == ([{"role": "system", "content": system}] if system else [])
    assert message["role"] == "user"
    if not frames:
        assert message["content"] == text
        return
    *pictures, last = message["content"]
    assert last == {"type": "text", "text": text}
    head = "data:image/jpeg;base64,"
    urls = [picture["image_url"]["url"] for picture in pictures]
    assert all(url.startswith(head) for url in urls)
    assert [b64decode(url[len(head) :]) for url in urls] == [frame.jpeg for frame in frames]
