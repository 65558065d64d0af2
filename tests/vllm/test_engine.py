"""What the engine asks of vLLM, and what it makes of what comes back."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.engines.base import Ask, EngineError, Frame, Sampling
from tests.pipeline.engines.contract import SCHEMA, picture, replies_to
from tests.vllm.conftest import frames_counted, tiny

if TYPE_CHECKING:
    from pipeline.engines.vllm.engine import VllmEngine

NUMBERS: dict[str, Any] = {
    "title": "Span",
    "type": "object",
    "properties": {
        "start_s": {"type": "number"},
        "end_s": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "count": {"type": "integer"},
    },
    "required": ["start_s", "end_s", "count"],
}


def frames(first: int, count: int) -> tuple[Frame, ...]:
    return tuple(replace(picture(i), time_s=float(i)) for i in range(first, first + count))


def ask(name: str, shown: tuple[Frame, ...] = (), text: str = "What changed?") -> Ask:
    return Ask(name, text, SCHEMA, shown)


def test_frames_of_sliding_windows_are_encoded_once(engine: VllmEngine, frame_counts: Path) -> None:
    asks = [ask(f"slide-{i}", frames(1000 + i, 3)) for i in range(20)]
    before = frames_counted(frame_counts)
    replies = replies_to(engine, asks)
    assert all(reply.error is None for (reply,) in replies)
    assert frames_counted(frame_counts) - before == 22


def test_what_asks_begin_with_is_kept(engine: VllmEngine) -> None:
    """Frames stand before the text, so another question about them shares most of its prompt."""
    shown = frames(2000, 6)
    ((first,),) = replies_to(engine, [ask("first", shown, "What is there?")])
    ((second,),) = replies_to(engine, [ask("second", shown, "Why is it there?")])
    assert first.tokens_cached == 0
    assert second.tokens_cached > 0.5 * second.tokens_in


def test_frames_count_where_they_stand(engine: VllmEngine) -> None:
    shown = frames(30, 4)
    turned = tuple(replace(a, jpeg=b.jpeg) for a, b in zip(shown, shown[::-1], strict=True))
    later = tuple(replace(frame, time_s=frame.time_s + 100) for frame in shown)
    asks = [ask("forwards", shown), ask("backwards", turned), ask("later", later), ask("none")]
    texts = [reply.text for (reply,) in replies_to(engine, asks)]
    assert len(set(texts)) == 4


def test_tokens_are_counted_once(engine: VllmEngine) -> None:
    asked = ask("count", frames(40, 1))
    (warm,) = replies_to(engine, [asked], Sampling(samples=3, temperature=1.5, seed=3))
    assert [reply.tokens_in > 0 for reply in warm] == [True, False, False]
    assert all(reply.tokens_out > 0 and reply.latency_s > 0 for reply in warm)
    assert len({reply.text for reply in warm}) > 1
    (greedy,) = replies_to(engine, [asked], Sampling(samples=3))
    assert len({reply.text for reply in greedy}) == 1
    assert [reply.tokens_out > 0 for reply in greedy] == [True, False, False]


def test_a_seed_says_which_samples(engine: VllmEngine) -> None:
    asked = [ask("seeded", frames(50, 1))]
    rows = [
        [reply.text for reply in replies_to(engine, asked, Sampling(4, 1.5, seed=seed))[0]]
        for seed in (1, 1, 2)
    ]
    assert rows[0] == rows[1] != rows[2]
    # Sample i has the seed plus i.
    assert rows[0][1:] == rows[2][:-1]


def test_every_number_comes_to_an_end(engine: VllmEngine) -> None:
    asks = [Ask(f"number-{i}", f"When? {i}", NUMBERS, frames(i, 1)) for i in range(20)]
    for (reply,) in replies_to(engine, asks, Sampling(temperature=2.0)):
        assert reply.text is not None, reply
        answer = json.loads(reply.text)
        assert answer.keys() == NUMBERS["properties"].keys()
        assert abs(answer["start_s"]) <= 1e9
        assert type(answer["count"]) is int


def test_an_answer_that_ran_out_of_tokens_is_truncated(engine: VllmEngine) -> None:
    ((reply,),) = replies_to(engine, [ask("short")], Sampling(max_tokens=3))
    assert (reply.text, reply.error, reply.tokens_out) == (None, "truncated", 3 * 3)


def strip_of_pixels() -> Frame:
    from PIL import Image

    raw = BytesIO()
    Image.new("RGB", (2000, 2)).save(raw, "JPEG")
    return Frame(0.0, raw.getvalue())


def test_an_ask_that_cannot_be_answered_says_why(engine: VllmEngine) -> None:
    whole = picture(1)
    asks = [
        ask("words", text="word " * 9000),
        ask("many", frames(0, 33)),
        ask("torn", (replace(whole, jpeg=whole.jpeg[:-300]),)),
        ask("strip", (strip_of_pixels(),)),
        ask("good", (whole,)),
    ]
    replies = [reply for (reply,) in replies_to(engine, asks)]
    assert [reply.error for reply in replies] == [
        "too_long",
        "bad_request",
        "bad_request",
        "bad_request",
        None,
    ]
    assert "4096" in replies[0].detail
    assert "32" in replies[1].detail
    assert "no image" in replies[2].detail
    assert "aspect ratio" in replies[3].detail


def test_larger_frames_take_more_tokens_up_to_a_limit(checkpoint: Path) -> None:
    from pipeline.engines.vllm.engine import VllmEngine

    tokens = []
    for max_pixels in (None, 6 * 28 * 28):
        small = VllmEngine(tiny(checkpoint, max_pixels=max_pixels))
        ((reply,),) = replies_to(small, [ask("pixels", frames(1, 1))])
        small.close()
        tokens.append(reply.tokens_in)
    # 128 by 72 pixels are 5 by 3 squares of 28; within six of them the shape is kept as 3 by 1.
    assert tokens[0] - tokens[1] == 5 * 3 - 3 * 1


def test_a_model_that_is_not_there_is_named() -> None:
    from pipeline.engines.vllm.engine import VllmEngine

    with pytest.raises(EngineError, match="vLLM cannot run /no/such/model"):
        VllmEngine(tiny(Path("/no/such/model")))
    with pytest.raises(EngineError, match=r"engine_args: vllm .* has no no_such_thing"):
        VllmEngine(tiny(Path("/no/such/model"), {"no_such_thing": 1}))
