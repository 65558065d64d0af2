"""What a model is shown: frames before the text, by their labels, or a video with its times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.engines.base import Ask, Frame
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.prompt import shown

FRAMES = tuple(Frame(float(i), bytes([i])) for i in range(4))


def config(**given: Any) -> VllmConfig:
    return VllmConfig(**{"model": "m", "revision": "r", **given})


def ask(*frames: Frame) -> Ask:
    return Ask("id", "What changed?", {}, frames)


def parts(frames: tuple[Frame, ...], **given: Any) -> list[str]:
    (message,) = shown(ask(*frames), config(**given), even_only=True).messages
    assert message["role"] == "user"
    return [part.get("text", f"<{part['type']}>") for part in message["content"]]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("seconds", ["[2.0 s]", "<image>", "[3.0 s]", "<image>"]),
        ("qwen3_vl", ["<2.0 seconds>", "<image>", "<3.0 seconds>", "<image>"]),
        ("none", ["<image>", "<image>"]),
    ],
)
def test_each_frame_stands_behind_its_label_before_the_text(
    label: str, expected: list[str]
) -> None:
    assert parts(FRAMES[2:], frame_label=label) == [*expected, "What changed?"]


def test_a_video_is_one_thing_before_the_text() -> None:
    assert parts(FRAMES, frame_input="video") == ["<video>", "What changed?"]


def test_an_ask_without_frames_is_a_plain_text() -> None:
    (message,) = shown(ask(), config(), even_only=True).messages
    assert message == {"role": "user", "content": "What changed?"}


@pytest.mark.parametrize("frame_input", ["images", "video"])
@pytest.mark.parametrize("frames", [(), FRAMES])
def test_a_system_text_is_a_message_before_the_others(
    frames: tuple[Frame, ...], frame_input: str
) -> None:
    plain = ask(*frames)
    seen, without = (
        shown(each, config(frame_input=frame_input), even_only=True).messages
        for each in (replace(plain, system="You see."), plain)
    )
    assert seen == [{"role": "system", "content": "You see."}, *without]


def test_frames_go_by_their_bytes_and_the_size_they_are_brought_to() -> None:
    first = shown(ask(*FRAMES), config(), even_only=True).names
    again = shown(
        ask(*(replace(f, time_s=f.time_s + 9) for f in FRAMES[::-1])), config(), even_only=True
    )
    assert len(set(first)) == 4
    assert again.names == first[::-1]
    small = shown(ask(*FRAMES), config(max_pixels=9), even_only=True).names
    assert not set(small) & set(first)


def test_videos_go_by_their_times_too() -> None:
    seen = config(frame_input="video")
    later = tuple(replace(frame, time_s=frame.time_s + 1) for frame in FRAMES)
    names = [shown(ask(*frames), seen, even_only=True).names for frames in (FRAMES, later)]
    assert [len(each) for each in names] == [1, 1]
    assert names[0] != names[1]


@pytest.mark.parametrize("times", [(5.0,), (0.0, 1.0, 3.0), (2.0, 2.0)])
def test_frames_that_no_constant_step_is_true_to_are_images(times: tuple[float, ...]) -> None:
    frames = tuple(Frame(time_s, b"x") for time_s in times)
    assert parts(frames, frame_input="video").count("<image>") == len(times)


def test_times_off_by_a_frame_of_the_source_make_a_video() -> None:
    frames = tuple(Frame(time_s, b"x") for time_s in (0.0, 0.968, 2.002, 2.97))
    assert parts(frames, frame_input="video") == ["<video>", "What changed?"]


def test_a_model_that_writes_times_out_is_shown_uneven_ones_as_they_are() -> None:
    frames = tuple(Frame(time_s, b"x") for time_s in (4.0, 5.0, 9.5))
    seen = shown(ask(*frames), config(frame_input="video"), even_only=False)
    assert seen.video is not None
    times = [i / seen.video["fps"] for i in seen.video["frames_indices"]]
    assert times == [4.0, 5.0, 9.5]


@pytest.mark.parametrize(("first_s", "step_s"), [(0.0, 1.0), (7.0, 0.5), (0.25, 2.0), (3.0, 0.04)])
def test_the_rate_that_processors_compute_is_the_step_of_the_frames(
    first_s: float, step_s: float
) -> None:
    frames = tuple(Frame(first_s + i * step_s, b"x") for i in range(6))
    video = shown(ask(*frames), config(frame_input="video"), even_only=True).video
    assert video is not None
    sampled_fps = len(frames) / video["total_num_frames"] * video["fps"]
    assert 1 / sampled_fps == pytest.approx(step_s, abs=1e-3)
    assert video["duration"] == pytest.approx(6 * step_s)
