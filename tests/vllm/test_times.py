"""When the frames of a video were, as the processor and the model understand it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.engines.base import Ask, Frame
from pipeline.engines.errors import RequestError
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.prompt import shown
from tests.pipeline.engines.contract import SCHEMA, picture
from tests.vllm.conftest import tiny

TEXT = "When did it stop?"


@pytest.fixture(scope="module")
def renderer(checkpoint: Path) -> Any:
    """What turns prompts into what the model is given, as vLLM has it."""
    from vllm.renderers import renderer_from_config

    from pipeline.engines.vllm.model import engine_args

    config = engine_args(tiny(checkpoint, frame_input="video")).create_engine_config()
    return renderer_from_config(config)


def rendered(renderer: Any, times: tuple[float, ...], frame_input: str) -> Any:
    """The ask, rendered as the engine does it."""
    from pipeline.engines.vllm.model import prompt_of

    frames = tuple(Frame(time_s, picture(i).jpeg) for i, time_s in enumerate(times))
    config = VllmConfig(model="m", revision="r").model_copy(update={"frame_input": frame_input})
    seen = shown(Ask("id", TEXT, SCHEMA, frames), config, even_only=True)
    prompt = prompt_of(renderer.get_tokenizer(), seen, {})
    (given,) = renderer.render_cmpl([prompt], renderer.default_chat_tok_params)
    return given


def positions(renderer: Any, given: Any) -> list[list[int]]:
    """For each token of the prompt, where it is in time, height and width, by the model's code."""
    from vllm.model_executor.models.qwen2_5_vl import Qwen2_5_VLForConditionalGeneration as Model

    features = [
        SimpleNamespace(modality=modality, data=item, mm_position=place)
        for modality in given["mm_kwargs"]
        for item, place in zip(
            given["mm_kwargs"][modality], given["mm_placeholders"][modality], strict=True
        )
    ]
    bare = SimpleNamespace(config=renderer.model_config.hf_config)
    bare.iter_mm_grid_thw = lambda features: Model.iter_mm_grid_thw(bare, features)
    found, _ = Model.get_mrope_input_positions(bare, given["prompt_token_ids"], features)
    rows: list[list[int]] = found.tolist()
    return rows


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        # Two frames make a pair; Qwen2.5-VL has two positions a second.
        ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0), (0.0, 2.0, 4.0)),
        ((7.0, 7.5, 8.0, 8.5), (0.0, 1.0)),
        ((3.0, 5.0, 7.0, 9.0, 11.0), (0.0, 4.0, 8.0)),
        ((0.0, 0.968, 2.002, 2.97, 4.004, 4.972), (0.0, 2.0, 4.0)),
    ],
)
def test_positions_in_time_are_those_of_the_frames(
    renderer: Any, times: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    given = rendered(renderer, times, "video")
    (video,) = given["mm_kwargs"]["video"]
    step_s = (times[-1] - times[0]) / (len(times) - 1)
    assert video["second_per_grid_ts"].data.item() == pytest.approx(2 * step_s, abs=1e-3)
    (place,) = given["mm_placeholders"]["video"]
    in_time = positions(renderer, given)[0][place.offset : place.offset + place.length]
    pairs = sorted({(position - in_time[0]) / 2 for position in in_time})
    # Rounded down to the half second.
    assert len(pairs) == len(expected)
    for found, wanted in zip(pairs, expected, strict=True):
        assert wanted - 0.5 <= found <= wanted + 0.05


def test_uneven_times_are_shown_as_images_by_their_labels(renderer: Any) -> None:
    given = rendered(renderer, (0.0, 1.0, 4.0), "video")
    assert list(given["mm_kwargs"]) == ["image"]
    text = renderer.get_tokenizer().decode(given["prompt_token_ids"])
    places = [text.index(label) for label in ("[0.0 s]", "[1.0 s]", "[4.0 s]", TEXT)]
    assert places == sorted(places)


def test_the_frames_stand_before_the_text_through_the_template(renderer: Any) -> None:
    for frame_input, mark in (("images", "<|image_pad|>"), ("video", "<|video_pad|>")):
        given = rendered(renderer, (0.0, 1.0), frame_input)
        text = renderer.get_tokenizer().decode(given["prompt_token_ids"])
        assert text.startswith("<|im_start|>user")
        assert text.rindex(mark) < text.index(TEXT) < text.index("<|im_start|>assistant")


def test_frames_have_the_names_they_were_given(renderer: Any) -> None:
    """So that a frame that another ask encoded is found."""
    first = rendered(renderer, (0.0, 1.0), "images")
    later = rendered(renderer, (5.0, 6.0), "images")
    assert first["mm_hashes"] == later["mm_hashes"]
    assert first["prompt_token_ids"] != later["prompt_token_ids"]


def test_frames_of_a_video_that_differ_in_size_are_refused() -> None:
    from pipeline.engines.vllm.images import video_of

    raw = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    with pytest.raises(RequestError, match="differ in size"):
        video_of([picture(0), replace(picture(1), jpeg=raw)])
