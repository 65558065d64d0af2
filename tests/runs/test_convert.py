"""``convert``: what the official converter makes of raw rows, and what ours makes of the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.streamo.origin import origin_of_rows
from pipeline.run import main
from tests.conftest import LONG
from tests.pipeline.corpus.streamo.test_official_converter import GOLDEN
from tests.runs.raw_files import (
    EXAMPLE,
    MANY_ROWS,
    Row,
    asked,
    call,
    event,
    instant,
    lines_of,
    peak_mib,
    questions_of,
    reconciled,
    rejects_of,
    row,
    states_of,
    write,
)

Capture = pytest.CaptureFixture[str]

OURS = {
    "an event": "SSSSBBBaSS",
    "until the end: lost": "SSSSSSBBBa",
    "until just before it": "SSSSSSSBBa",
    "events that touch": "BBBBBaBBBbSS",
    "a second between": "BBBBBaBBBbSS",
    "two seconds between": "BBBBBaSBBbSS",
    "listed backwards": "BBBBBaBBBbSS",
    "nested": "SBBBBBaBBbSS",
    "nested, backwards": "SBBBBBaBBbSS",
    "fractions": "SSSSSSBBaSSS",
    "reversed": "",
    "an instant at 0": "aSSSSS",
    "an instant at 1": "aSSSSS",
    "an instant at the end": "SSSSSa",
    "an instant past it": "SSSSSa",
    "two in a second": "SSSSa+bS",
    "no text": "",
    "an instant without text": "",
    "a span and a time": "SSSSBBBaSS",
    "half a span and a time": "SaSSSS",
    "half a span": "",
    "past the end": "",
    "negative": "",
    "unreadable": "",
    "strings": "SSSSBBBaSS",
    "clocks": "SSSSSBBBaS",
    "numbers count turns": "SSBBBBBBaS",
    "strings of whole ones too": "SSBBBBBBaS",
    "strings of fractions do not": "SSBBBBBBaS",
    "nor do clocks": "SSSSBBBBaS",
    "half a turn a second": "SbSSaS",
}
"""What our own conversion makes of the golden cases; nothing where no response is valid."""


def golden_file(folder: Path, fps: float) -> tuple[Path, Path]:
    """The golden cases of a rate as rows, and the durations of their videos."""
    cases = [case for case in GOLDEN if case[2] == fps]
    rows = [row(name, responses, []) for name, _, _, responses, _ in cases]
    for each in rows:  # as if it were a file of its own
        each["origin"] = origin_of_rows([each]).responses
    known = {name: n_frames / fps for name, n_frames, *_ in cases}
    return write(folder / "raw.json", rows), write(folder / "durations.json", known)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], str]:
    """The states by case, official (true) and ours."""
    found = {}
    for fps in (1, 2, 0.5):
        raw, durations = golden_file(tmp_path_factory.mktemp("golden"), fps)
        for compat in (True, False):
            out = raw.with_name(f"{compat}.json")
            given = ["convert", str(raw), "-o", str(out), "--durations", str(durations)]
            assert main([*given, "--fps", str(fps), *["--compat"] * compat]) == (
                3 if fps == 1 and not compat else 0
            )
            for sample in json.loads(out.read_text(encoding="utf-8")):
                found[sample["video_name"], compat] = states_of(sample)
    return found


@pytest.mark.parametrize(("name", "official"), [(case[0], case[4]) for case in GOLDEN])
def test_golden_cases(name: str, official: str, made: dict[tuple[str, bool], str]) -> None:
    assert made[name, True] == official
    assert made.get((name, False), "") == OURS[name]


def converted(
    capsys: Capture, folder: Path, rows: Sequence[Row], *options: object, seconds: float = 10
) -> Any:
    """The samples; videos are 10 s long."""
    raw, out = write(folder / "raw.json", rows), folder / "out.json"
    known = {name: seconds for each in rows if (name := each.get("video_name"))}
    durations = write(folder / "durations.json", known)
    status, _, _ = call(capsys, "convert", raw, "-o", out, "--durations", durations, *options)
    assert status == 0
    return json.loads(out.read_text(encoding="utf-8"))


def test_two_questions_at_once(tmp_path: Path, capsys: Capture) -> None:
    rows = [row("v", [], [asked("a?", 3), asked("b?", 3)])]
    (official,) = converted(capsys, tmp_path, rows, "--compat")
    assert questions_of(official) == {0: "a?", 2: "b?"}
    (ours,) = converted(capsys, tmp_path, rows)
    assert questions_of(ours) == {2: "a?\nb?"}


def test_questions_stand_in_their_own_turns_alone(tmp_path: Path, capsys: Capture) -> None:
    questions = [asked("a?", "5"), asked("b?", 8.0), asked("c?", 2)]
    responses = [instant("x", 6), event("y", 7, 8), instant("z", 3)]
    (sample,) = converted(capsys, tmp_path, [row("v", responses, questions)])
    assert questions_of(sample) == {1: "c?", 4: "a?", 7: "b?"}
    assert states_of(sample) == "SSzSSxSByS", "nothing waits for what is not asked yet"


@pytest.mark.parametrize(
    ("response", "options", "states"),
    [
        (event("a", "00:03", "00:05"), (), "SSSBBaSSSS"),
        (event("a", "0:00:03", "00:05.5"), (), "SSSBBBaSSS"),
        (instant("a", 4), (), "SSSaSSSSSS"),
        (instant("a", 4), ("--origin", "0"), "SSSSaSSSSS"),
        (event("a", 3, 5), ("--origin", "0"), "SSSBBaSSSS"),
        (event("a", 3.5, 5.5), ("--origin", "1"), "SSSBBBaSSS"),
        (event("a", 3, 5), ("--fps", "2"), "SSSSBBBBBBaSSSSSSSSS"),
        (event("a", 3.2, 5.2), ("--fps", "2"), "SSSSSSSBBBBaSSSSSSSS"),
        (event("a", 3, 5), ("--fps", "0.5"), "SBBaS"),
    ],
)
def test_times(
    response: Row, options: Sequence[str], states: str, tmp_path: Path, capsys: Capture
) -> None:
    for rows in ([row("v", [response])], [[[row("v", [[response]])]]]):
        raw, out = write(tmp_path / "raw.json", rows), tmp_path / "out.json"
        known = write(tmp_path / "durations.json", {"v": 10})
        status, _, _ = call(capsys, "convert", raw, "-o", out, "--durations", known, *options)
        assert status == 0
        (sample,) = json.loads(out.read_text(encoding="utf-8"))
        assert states_of(sample) == states


def test_layout_of_files(tmp_path: Path, capsys: Capture) -> None:
    rows = [row("v", [event("a", 2, 3)], duration=9), row("w", [instant("b", 4)], duration=8)]
    raw = write(tmp_path / "raw.jsonl", rows)
    array, lines = tmp_path / "out.json", tmp_path / "out.jsonl"
    for out in (array, lines):
        assert call(capsys, "convert", raw, "-o", out)[0] == 0
    assert json.loads(array.read_text(encoding="utf-8")) == lines_of(lines)
    assert [sample["videos"] for sample in lines_of(lines)] == [["videos/v"], ["videos/w"]]

    single = write(tmp_path / "single.json", rows[0])
    known = write(tmp_path / "durations.json", {"v": 9})
    given = ("convert", single, "-o", array, "--durations", known)
    assert call(capsys, *given, "--compat")[0] == 0
    made = json.loads(array.read_text(encoding="utf-8"))
    assert states_of(made) == "SBBaSSSSS"
    assert array.read_text(encoding="utf-8") == json.dumps(made, ensure_ascii=False, indent=2)


@pytest.mark.skipif(not EXAMPLE.is_dir(), reason="there is no ../shared/annotations")
def test_the_official_example_to_the_byte(tmp_path: Path, capsys: Capture) -> None:
    official = EXAMPLE / "stream_format.json"
    expected = json.loads(official.read_text(encoding="utf-8"))
    turns = {s["video_name"]: (len(s["messages"]) - 1) / 2 for s in expected}
    known, out = write(tmp_path / "durations.json", turns), tmp_path / "out.json"
    given = ("convert", EXAMPLE / "raw_data.json", "-o", out, "--compat", "--system", official)
    assert call(capsys, *given, "--durations", known)[0] == 0
    assert out.read_text(encoding="utf-8") == json.dumps(expected, ensure_ascii=False, indent=2)
    # The folder of the videos is put before their paths, as the official converter does it.
    assert call(capsys, *given, "--durations", known, "--videos", "/data/x")[0] == 0
    made = json.loads(out.read_text(encoding="utf-8"))
    assert [s["videos"] for s in made] == [[f"/data/x/{s['videos'][0]}"] for s in expected]


MANY = [
    row(
        f"{number}.mp4",
        [
            event("The train — 列車 — stops.", 5, 9),
            instant("Gleis 3.", 12),
            event("It goes.", 9, 14),
        ],
        [asked("What happens?", 3)],
        duration=20.5,
    )
    for number in range(3)
]


def events_of(form: str, row: object) -> list[tuple[str, float]]:
    """Text and end of everything that a row says, by the reader of its format, one a response."""
    events = FORMATS[form].read(row).events
    return sorted((text, e.end_s) for e in events for text in e.text.split("\n"))


@pytest.mark.parametrize("form", ["raw", "stream", "livecc", "activation"])
def test_every_format_says_the_same(form: str, tmp_path: Path, capsys: Capture) -> None:
    raw, out = write(tmp_path / "raw.json", MANY), tmp_path / "out.jsonl"
    status, text, _ = call(capsys, "convert", raw, "-o", out, "--to", form, "--json")
    assert status == 0
    load = FORMATS[form].load
    rows = lines_of(out) if load is None else list(load(out))
    assert reconciled(json.loads(text), rows, rejects_of(out))
    expected = [("Gleis 3.", 11.0), ("It goes.", 14.0), ("The train — 列車 — stops.", 9.0)]
    assert [events_of(form, made) for made in rows] == [expected] * 3


@pytest.mark.long
def test_memory_is_flat(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, MANY_ROWS):
        rows = (row(f"{n}", [event("It goes.", 1, 2)], duration=3) for n in range(count))
        raw = write(tmp_path / f"{count}.jsonl", rows)
        peaks.append(peak_mib("convert", str(raw), "-o", str(tmp_path / f"{count}-out.jsonl")))
    assert peaks[1] - peaks[0] <= (15 if LONG else 4)
