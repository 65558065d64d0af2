"""``convert`` under wrong rows, files and options: each is named, and nothing else falls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.runs.raw_files import (
    Row,
    asked,
    call,
    event,
    instant,
    lines_of,
    questions_of,
    reconciled,
    rejects_of,
    row,
    states_of,
    write,
)

Capture = pytest.CaptureFixture[str]

GOOD = row("good", [event("a", 2, 3)], duration=6)


def converted(capsys: Capture, folder: Path, rows: Any, *options: object) -> tuple[int, Any, Path]:
    """Exit status, what was counted, and the file that was made."""
    raw, out = write(folder / "raw.json", rows), folder / "out.jsonl"
    status, text, _ = call(capsys, "convert", raw, "-o", out, "--json", *options)
    return status, json.loads(text), out


def test_everything_is_written_or_rejected(tmp_path: Path, capsys: Capture) -> None:
    rows: list[Any] = [
        GOOD,
        row("unknown length", [event("a", 2, 3)]),
        row("partly", [event("a", 2, 3), event("b", 5, 3), instant("c", "5s")], duration=6),
        row("all wrong", [event("a", 5, 3), event("", 1, 2)], duration=6),
        row("too late", [event("a", 20, 30)], duration=6),
        row("some too late", [event("a", 20, 30), instant("b", 3)], duration=6),
        row("placeholder", [instant("an <image> here", 3)], duration=6),
        row(
            "odd question", [instant("b", 3)], [asked("a", "x", qid="z"), asked("b", 1)], duration=6
        ),
        row("no response", [], duration=6),
        {"question": [], "response": [event("a", 2, 3), instant("b", 3)]},
        row("last", [event("a", 2, 3)], duration=6),
    ]
    status, said, out = converted(capsys, tmp_path, rows)
    made, rejects = lines_of(out), rejects_of(out)
    assert status == 3
    assert said["rows"] == len(rows) == len(made) + sum(said["rejected"].values())
    assert reconciled(said, made, rejects)
    assert said["responses"] == sum(len(each["response"]) for each in rows)
    assert said["rejected"] == {
        "unknown_duration": 1,
        "no_valid_response": 2,
        "placeholder_in_text": 1,
        "no_video_name": 1,
    }
    assert said["said"] == 5
    names = ["good", "partly", "some too late", "odd question", "no response", "last"]
    assert [sample["video_name"] for sample in made] == names
    causes = {(reject.get("rid"), reject["reason"]) for reject in rejects}
    assert {reject["sample_id"] for reject in rejects} == {
        f"raw-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 9)
    }
    assert {("r1", "reversed_span"), ("r2", "bad_time"), ("r0", "past_the_end")} <= causes
    assert (None, "question_bad_time") in causes


def test_a_file_of_another_format_is_no_silence(tmp_path: Path, capsys: Capture) -> None:
    rows = [{"messages": [], "videos": ["v"], "duration": 6}, {"video": "v", "duration": 6}, GOOD]
    status, said, _ = converted(capsys, tmp_path, rows)
    assert (status, said["written"], said["rejected"]) == (3, 1, {"bad_row": 2})
    _, text, _ = call(capsys, "audit", tmp_path / "raw.json", "--json")
    assert json.loads(text)["bad_rows"] == {"bad_row": 2}


def test_questions_are_no_responses(tmp_path: Path, capsys: Capture) -> None:
    rows = [row("v", [instant("b", 3)], [asked("a", "x"), asked("b", 1)], duration=6)]
    status, said, out = converted(capsys, tmp_path, rows)
    assert status == 3
    assert (said["responses"], said["said"], said["refused"]) == (1, 1, {})
    assert said["noted"] == {"question_bad_time": 1}
    (reject,) = rejects_of(out)
    assert (reject["reason"], reject["detail"]) == (
        "question_bad_time",
        "q0 time is 'x': asked at 0 s",
    )
    assert questions_of(lines_of(out)[0]) == {0: "a\nb"}


def test_broken_lines_keep_their_neighbours(tmp_path: Path, capsys: Capture) -> None:
    raw, out = tmp_path / "raw file ü.jsonl", tmp_path / "out.jsonl"
    good = json.dumps(GOOD, ensure_ascii=False)
    broken = ["{", "5", '"text"', "null", '{"a": }', good[:50], "\udcff"]
    lines = [good, *broken, good]
    raw.write_bytes("\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n")
    status, text, error = call(capsys, "convert", raw, "-o", out, "--json")
    assert status == 3 and str(out) in error
    assert json.loads(text)["rejected"] == {"bad_row": len(broken)}
    assert [states_of(sample) for sample in lines_of(out)] == ["SBBaSS"] * 2
    assert [reject["sample_id"] for reject in rejects_of(out)] == [f"raw-{n}" for n in range(1, 8)]


@pytest.mark.parametrize("compat", [(), ("--compat",)])
@pytest.mark.parametrize(
    "name", ["a\0b", "x" * 300, "/elsewhere/v.mp4", "../v.mp4", "gone.mp4", ""]
)
def test_a_strange_path_costs_its_row_alone(
    name: str, compat: tuple[str, ...], tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "videos").mkdir()
    known = write(tmp_path / "durations.json", {"good": 6})
    rows = [GOOD, row(name, [instant("a", 3)], video_path=name), GOOD]
    options = ("--videos", tmp_path / "videos", "--durations", known, *compat)
    status, said, out = converted(capsys, tmp_path, rows, *options)
    assert status == 3
    assert (said["rows"], said["written"], sum(said["rejected"].values())) == (3, 2, 1)
    (reject,) = rejects_of(out)
    assert reject["sample_id"] == "raw-1"
    assert reject["detail"].count(reject["reason"]) == 0


def test_a_file_that_is_gone_is_as_long_as_its_row_says(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "videos").mkdir()
    status, said, out = converted(capsys, tmp_path, [GOOD], "--videos", tmp_path / "videos")
    assert (status, said["said"]) == (0, 1)
    assert states_of(lines_of(out)[0]) == "SBBaSS"


@pytest.mark.parametrize("duration_s", [1e6, 1e14, 5e5, 1e-4, 1e-320])
def test_no_video_is_so_long_or_so_short(
    duration_s: float, tmp_path: Path, capsys: Capture
) -> None:
    rows = [GOOD, row("long", [instant("a", 3)], duration=duration_s)]
    status, said, _ = converted(capsys, tmp_path, rows, "--to", "raw")
    assert (status, said["written"], said["rejected"]) == (3, 1, {"bad_duration": 1})
    known = write(tmp_path / "durations.json", {"good": 6, "long": duration_s})
    status, said, _ = converted(capsys, tmp_path, rows, "--compat", "--durations", known)
    assert (status, said["written"], said["rejected"]) == (3, 1, {"bad_duration": 1})


def test_more_turns_than_fit_are_refused_with_a_way_out(tmp_path: Path, capsys: Capture) -> None:
    rows = [GOOD, row("long", [instant("a", 3)], duration=70_000)]
    known = write(tmp_path / "durations.json", {"good": 6, "long": 70_000})
    for options in (("--to", "raw"), ("--compat", "--durations", known)):
        status, said, out = converted(capsys, tmp_path, rows, *options)
        assert (status, said["written"], said["rejected"]) == (3, 1, {"too_many_turns": 1})
        assert "lower --fps" in rejects_of(out)[0]["detail"]
    status, said, _ = converted(capsys, tmp_path, rows, "--to", "raw", "--fps", "0.5")
    assert (status, said["written"]) == (0, 2)


def test_windows_that_a_format_cannot_hold_are_named(tmp_path: Path, capsys: Capture) -> None:
    responses = [event(f"It is {n}.", 10 * n + 3, 10 * n + 6) for n in range(12)]
    rows = [row("long", responses, duration=140), row("short", responses[:1], duration=8)]
    given = ("--max-tokens", 3000, "--overlap-turns", 4)
    status, said, out = converted(capsys, tmp_path, rows, *given)
    assert said["rejected"] == {"not_carried": said["rejected"]["not_carried"]} and status == 3
    assert [sample["video_name"] for sample in lines_of(out)] == ["short"]
    assert all(reject["reason"] == "not_carried" for reject in rejects_of(out))
    assert said["responses"] == said["said"] + said["unsaid"] == 13


def usage(capsys: Capture, folder: Path, *options: object, out: str = "out.json") -> str:
    """What standard error says of a call that is refused before anything is written."""
    raw = write(folder / "raw.json", [GOOD])
    before = sorted(folder.iterdir())
    status, printed, error = call(capsys, "convert", raw, "-o", folder / out, *options)
    assert (status, printed) == (2, "")
    assert sorted(folder.iterdir()) == before
    assert "Traceback" not in error
    return error


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--too", "stream"), "--too"),
        (("--to", "Stream"), "--to"),
        (("--to", "messages"), "--videos"),
        (("--to", "qwen_vl"), "--videos"),
        (("--fps", "0"), "--fps"),
        (("--fps", "nan"), "--fps"),
        (("--fps", "inf"), "--fps"),
        (("--fps", "1000"), "--fps"),
        (("--origin", "2"), "--origin"),
        (("--collision", "drop"), "--collision"),
        (("--videos", "no such folder"), "--videos"),
        (("--videos", __file__), "--videos"),
        (("--durations", "gone.json"), "--durations"),
        (("--durations", __file__), "--durations"),
        (("--system", "gone.txt"), "--system"),
        (("--weights", "heavy"), "--weights"),
        (("--weights", "class_balanced"), "--weights class_balanced"),
        (("--max-tokens", "0"), "--max-tokens"),
        (("--max-tokens", "100"), "--max-tokens"),
        (("--overlap-turns", "5"), "--overlap-turns"),
        (("--tokenizer", __file__), "--tokenizer"),
        (("--tokenizer", "gone.json", "--max-tokens", "1000"), "--tokenizer"),
        (("--tokenizer", __file__, "--max-tokens", "1000"), "--tokenizer"),
        (("--compat",), "--compat"),
        (("--compat", "--durations", "{known}", "--to", "raw"), "--compat"),
        (("--compat", "--durations", "{known}", "--spelling", "paper"), "--compat"),
        (("--compat", "--durations", "{known}", "--origin", "0"), "--compat"),
        (("--compat", "--durations", "{known}", "--collision", "shift"), "--compat"),
        (("--compat", "--durations", "{known}", "--max-tokens", "9000"), "--compat"),
        (("--compat", "--durations", "{known}", "--weights", "transitions"), "--compat"),
    ],
)
def test_wrong_options_name_themselves(
    options: tuple[str, ...], named: str, tmp_path: Path, capsys: Capture
) -> None:
    known = write(tmp_path / "known.json", {"good": 6})
    error = usage(capsys, tmp_path, *(option.format(known=known) for option in options))
    assert named in error
    assert error.startswith("Usage:") or error.count("\n") == 1


@pytest.mark.parametrize("name", ["out.json.gz", "out", "out.txt", ".", "raw.json", "folder.json"])
def test_a_strange_output_is_refused(name: str, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "folder.json").mkdir()
    raw = write(tmp_path / "raw.json", [GOOD]).read_bytes()
    assert "-o" in usage(capsys, tmp_path, out=name)
    assert (tmp_path / "raw.json").read_bytes() == raw


def test_livecc_is_lines(tmp_path: Path, capsys: Capture) -> None:
    assert "-o" in usage(capsys, tmp_path, "--to", "livecc")


def test_what_is_not_there_is_said_in_a_line(tmp_path: Path, capsys: Capture) -> None:
    raw, out = write(tmp_path / "raw.json", [GOOD]), tmp_path / "out" / "there" / "out.json"
    for source, target in ((tmp_path / "gone.json", out), (tmp_path, out)):
        status, printed, error = call(capsys, "convert", source, "-o", target)
        assert (status, printed, error.count("\n")) == (2, "", 1)
        assert str(source) in error
    blocked = raw / "out.json"
    status, printed, error = call(capsys, "convert", raw, "-o", blocked)
    assert (status, printed, error.count("\n")) == (1, "", 1)
    assert call(capsys, "convert", raw, "-o", out)[0] == 0, "its folder is made"
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "out.json",
        "out.json.rejects.jsonl",
    ]


@pytest.mark.parametrize(
    "text", ['{"v": "1:30"}', '{"v": 0}', '{"v": NaN}', "[]", "{", '{"v": true}']
)
def test_durations_that_are_none(text: str, tmp_path: Path, capsys: Capture) -> None:
    known = tmp_path / "known.json"
    known.write_text(text, encoding="utf-8")
    assert "--durations" in usage(capsys, tmp_path, "--durations", known)
    known.write_text(json.dumps({"v": 10**400}), encoding="utf-8")
    assert "--durations: v" in usage(capsys, tmp_path, "--durations", known)


def test_durations_as_windows_writes_them(tmp_path: Path, capsys: Capture) -> None:
    known = tmp_path / "known.json"
    known.write_text(json.dumps({"good": 4}), encoding="utf-8-sig")
    status, _, out = converted(capsys, tmp_path, [GOOD], "--durations", known)
    assert status == 0
    assert states_of(lines_of(out)[0]) == "SBBa"


@pytest.mark.parametrize("content", [None, ["text"], 5])
def test_a_system_message_is_text(content: Any, tmp_path: Path, capsys: Capture) -> None:
    rows: list[Row] = [{"messages": [{"role": "system", "content": content}]}]
    file = write(tmp_path / "dialogues.json", rows)
    assert "--system" in usage(capsys, tmp_path, "--system", file)
