"""``convert`` with the videos at hand: the frames that rows name, and the paths of the files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import ReadSample
from pipeline.corpus.streamo.official_converter import official_frame_count
from pipeline.media.base import Clip, StillsRequest
from pipeline.media.decode import DecodeProcess
from pipeline.media.reader.container import container_count
from tests.pipeline.media.barcode_clips import ffmpeg
from tests.runs.raw_files import (
    Row,
    call,
    event,
    instant,
    lines_of,
    reconciled,
    rejects_of,
    row,
    states_of,
    write,
)

Capture = pytest.CaptureFixture[str]
RATE = "30000/1001"
LENGTH_S = 8


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``a/1.mp4`` and ``b/1.mp4``, which differ, and a damaged file."""
    folder = tmp_path_factory.mktemp("vid eos ü")
    for name, source in (("a", "testsrc"), ("b", "smptebars")):
        (folder / name).mkdir()
        pattern = f"{source}=size=96x64:rate={RATE}"
        given = ("-f", "lavfi", "-i", pattern, "-t", str(LENGTH_S), "-pix_fmt", "yuv420p")
        ffmpeg(*given, str(folder / name / "1.mp4"))
    (folder / "damaged.mp4").write_bytes((folder / "a" / "1.mp4").read_bytes()[:999])
    return folder


def stills(videos: Path, name: str, fps: float) -> list[bytes]:
    with DecodeProcess(videos) as media:
        return [still.jpeg for still in media.stills(Clip(name), StillsRequest(fps))]


def of(name: str, *responses: Row, **more: Any) -> Row:
    return row(name.rpartition("/")[2], list(responses), video_path=name, **more)


def samples_of(form: str, out: Path) -> Iterator[ReadSample]:
    return (FORMATS[form].read(each) for each in lines_of(out))


def images_of(sample: ReadSample, out: Path) -> list[bytes]:
    return [(out.parent / image).read_bytes() for image in sample.images]


@pytest.mark.parametrize("form", ["messages", "qwen_vl"])
def test_rows_name_the_frames_of_their_turns(
    form: str, videos: Path, tmp_path: Path, capsys: Capture
) -> None:
    rows = [
        of("a/1.mp4", event("It counts.", 2, 4)),
        of("a/1.mp4", instant("It goes on.", 5)),
        of("damaged.mp4", instant("x", 1)),
        of("b/1.mp4", event("Bars.", 1, 6)),
    ]
    raw = write(tmp_path / "raw.json", rows)
    out = tmp_path / "new folder" / "train.jsonl"
    given = ("convert", raw, "-o", out, "--to", form, "--videos", videos, "--json")
    status, text, _ = call(capsys, *given)
    said = json.loads(text)
    assert (status, said["rejected"]) == (3, {"not_a_video": 1})
    made = list(samples_of(form, out))
    assert reconciled(said, made, rejects_of(out))
    names = ["a/1.mp4", "a/1.mp4", "b/1.mp4"]
    assert [Path(sample.video) for sample in made] == [videos / name for name in names]
    frames = {name: stills(videos, name, 1) for name in set(names)}
    for name, sample in zip(names, made, strict=True):
        assert images_of(sample, out) == frames[name]
        assert len(sample.turns) == len(frames[name]) == LENGTH_S + 1, "the last one is short"
        assert sample.turns_per_s == 1.0
    # At 29.97 frames a second the frame of a turn is from just before its start: standby waits
    # for the first one that shows the event.
    assert [event.text for sample in made for event in sample.events] == [
        "It counts.",
        "It goes on.",
        "Bars.",
    ]
    assert [e.end_s for sample in made for e in sample.events] == [4.0, 5.0, 6.0]
    files = [path for path in out.parent.rglob("*.jpg") if path.is_file()]
    assert said["images"] == len(files) == 2 * (LENGTH_S + 1)


def test_conversions_side_by_side_share_no_frames(
    videos: Path, tmp_path: Path, capsys: Capture
) -> None:
    raw = write(tmp_path / "raw.json", [of("a/1.mp4", instant("x", 3))])
    for fps in (1, 2):
        out = tmp_path / f"{fps}.jsonl"
        given = ("convert", raw, "-o", out, "--to", "messages", "--videos", videos, "--fps", fps)
        assert call(capsys, *given)[0] == 0
    for fps in (1, 2):
        (sample,) = samples_of("messages", tmp_path / f"{fps}.jsonl")
        assert images_of(sample, tmp_path / "1.jsonl") == stills(videos, "a/1.mp4", fps)


def test_windows_say_every_response_once(videos: Path, tmp_path: Path, capsys: Capture) -> None:
    responses = [event(f"It is {n}.", n, n + 1) for n in range(1, LENGTH_S)]
    responses += [instant(f"Now {n}.", n) for n in range(2, LENGTH_S)]
    raw, out = write(tmp_path / "raw.json", [of("b/1.mp4", *responses)]), tmp_path / "out.jsonl"
    given = ("convert", raw, "-o", out, "--to", "messages", "--videos", videos, "--json")
    cut = ("--max-tokens", 900, "--overlap-turns", 1, "--weights", "streamo_fixed")
    status, text, _ = call(capsys, *given, *cut)
    said = json.loads(text)
    made = list(samples_of("messages", out))
    assert said["written"] == len(made) > 2
    assert all(sample.whole_id == "raw-0" for sample in made)
    own = [turn for sample in made for turn in sample.turns[sample.context_turns :]]
    assert [turn.index for turn in own] == list(range(LENGTH_S + 1))
    texts = sorted(text for turn in own if turn.text for text in turn.text.split("\n"))
    assert texts == sorted(response["content"] for response in responses)
    assert (status, said["refused"]) == (0, {})
    assert said["said"] == said["responses"] == len(responses)
    for sample in made:
        assert (
            images_of(sample, out)
            == stills(videos, "b/1.mp4", 1)[sample.turns[0].index : sample.turns[-1].index + 1]
        )
    weights = [m for each in lines_of(out) for m in each["messages"] if m["role"] == "assistant"]
    assert {type(message["loss_scale"]) for message in weights} == {float}
    assert any(message["loss"] is False for message in weights), "what a window repeats"


def test_a_video_is_found_by_its_name(videos: Path, tmp_path: Path, capsys: Capture) -> None:
    shutil.copy(videos / "a" / "1.mp4", tmp_path / "v.mp4")
    rows = [
        row("v.mp4", [instant("x", 3)], video_path=path)
        for path in ("/data/far/v.mp4", "elsewhere/v.mp4", "")
    ]
    raw, out = write(tmp_path / "raw.json", rows), tmp_path / "out.jsonl"
    assert call(capsys, "convert", raw, "-o", out, "--videos", tmp_path)[0] == 0
    assert [sample["videos"] for sample in lines_of(out)] == [[str(tmp_path / "v.mp4")]] * 3
    assert [states_of(sample) for sample in lines_of(out)] == ["SSxSSSSSS"] * 3


def test_the_official_count_of_frames(videos: Path, tmp_path: Path, capsys: Capture) -> None:
    raw = write(tmp_path / "raw.json", [of("a/1.mp4", instant("x", 3))])
    out = tmp_path / "out.json"
    for fps in (1, 2):
        given = ("convert", raw, "-o", out, "--videos", videos, "--compat", "--fps", fps)
        assert call(capsys, *given)[0] == 0
        (made,) = json.loads(out.read_text(encoding="utf-8"))
        header = container_count(Clip(str(videos / "a" / "1.mp4")))
        count = official_frame_count(header.frames, header.rate, fps)
        assert len(states_of(made)) == count >= LENGTH_S * fps
        assert made["videos"] == [f"{videos}/a/1.mp4"]
