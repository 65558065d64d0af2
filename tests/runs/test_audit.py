"""``audit``: faults that were put into small files, each found and counted, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LONG
from tests.pipeline.media.barcode_clips import ffmpeg
from tests.runs.raw_files import (
    MANY_ROWS,
    Row,
    asked,
    audited,
    call,
    event,
    instant,
    peak_mib,
    row,
    write,
)

Capture = pytest.CaptureFixture[str]


def raw(
    capsys: Capture, folder: Path, rows: list[Any], *options: object, seconds: float = 10
) -> Any:
    """What is found in raw rows of videos of 10 s."""
    named = [each.get("video_name", "") for each in rows if isinstance(each, dict)]
    known = write(folder / "durations.json", dict.fromkeys(named, seconds))
    return audited(capsys, write(folder / "raw.json", rows), "--durations", known, *options)


def test_what_the_official_converter_loses(tmp_path: Path, capsys: Capture) -> None:
    rows = [
        row("a", [event("x", 5, 10)]),
        row("b", [event("x", 1, 5), event("y", 6, 8)]),
        row("c", [instant("x", 3), instant("y", 3)]),
        row("e", [event("x", 3, 5)]),
        row("f", [{"content": "x", "start_s": 2.0, "end_s": 3.0}]),
    ]
    found = raw(capsys, tmp_path, rows)["raw"]
    official = found["official"]
    assert (found["responses"], found["valid"], found["invalid"]) == (7, 7, {})
    assert official["lost_at_the_end"] == 1
    assert official["overwritten"] == 2
    assert official["not_read"] == 1
    assert (official["kept"], official["early"]) == (3, 0)
    assert official["rows_without_response"] == 2
    assert official["standby_without_response"] == 1, "b runs on into the next event"
    ours = found["ours"]
    assert (ours["kept"], ours["early"], ours["merged"], ours["clamped"]) == (7, 0, 2, 1)
    assert (ours["early_by_clock"], ours["clamped_s"]) == (1, 1.0), "a ends with the video"
    assert found["counted_from_1"] == 5
    assert sum(ours["states"].values()) == sum(official["states"].values()) == 50


def test_what_is_said_before_its_evidence_is_over(tmp_path: Path, capsys: Capture) -> None:
    rows = [row("d", [event("x", 3.5, 6.75), instant("y", 8.25), event("z", 9, 9.5)])]
    found = raw(capsys, tmp_path, rows)["raw"]
    official, ours = found["official"], found["ours"]
    # The answer to [3.5, 6.75) stands on frame 6, that of 8.25 s on frame 7, z on the last one.
    assert (official["early"], official["clamped"]) == (3, 1)
    assert official["early_s"] == pytest.approx((0.75 + 1.25 + 0.5) / 3)
    assert (ours["kept"], ours["early"], ours["early_by_clock"]) == (3, 0, 1)
    assert (ours["clamped"], ours["merged"]) == (1, 2)
    assert ours["clamped_s"] == ours["early_s"] == 0.5


@pytest.mark.parametrize(
    ("questions", "early"),
    [
        ([], 0),
        ([asked("a?", 1)], 0),
        ([asked("a?", "5")], 1),
        ([asked("a?")], 0),
        ([asked("a?", 0.5)], 0),
        ([asked("a?", 5), asked("b?", 1)], 0),
        ([asked("a?", 5), asked("b?", 4)], 1),
        ([asked("", 5)], 0),
        ([asked("a?", 50)], 1),
    ],
)
def test_questions_before_their_time(
    questions: list[Row], early: int, tmp_path: Path, capsys: Capture
) -> None:
    found = raw(capsys, tmp_path, [row("v", [instant("x", 6)], questions)])
    assert found["raw"]["official"]["questions_early"] == early


@pytest.mark.parametrize(
    "fault",
    [
        {"response": {"content": "x", "time": 3}},
        {"response": [[instant("x", 3)]]},
        {"question": [[asked("a?", 1)]], "response": [instant("x", 3)]},
        {"question": asked("a?", 1), "response": [instant("x", 3)]},
        {"response": [instant("x", 3, st_time=float("inf"))]},
    ],
)
def test_rows_at_which_the_official_converter_stops(
    fault: Row, tmp_path: Path, capsys: Capture
) -> None:
    found = raw(capsys, tmp_path, [row("v", []) | fault])["raw"]
    assert (found["responses"], found["valid"]) == (1, 1)
    assert (found["official"]["kept"], found["official"]["not_read"]) == (0, 1)
    assert found["official"]["rows_without_response"] == 1
    assert found["ours"]["kept"] == 1


def test_a_video_that_the_official_converter_sees_no_frame_of(
    tmp_path: Path, capsys: Capture
) -> None:
    found = raw(capsys, tmp_path, [row("v", [instant("x", 1)])], seconds=0.4)["raw"]
    assert (found["official"]["lost_at_the_end"], found["ours"]["kept"]) == (1, 1)


def test_an_instant_is_not_early_while_it_lasts(tmp_path: Path, capsys: Capture) -> None:
    lasting = event("x", 2.5, 7, kind="instant")
    found = raw(capsys, tmp_path, [row("v", [lasting])])["raw"]
    assert (found["ours"]["kept"], found["ours"]["early"]) == (1, 0)


def test_duplicates(tmp_path: Path, capsys: Capture) -> None:
    twice = [instant("x", 2), instant("x ", 2), instant("y", 6), instant("x", 8)]
    rows = [
        row("v", twice),
        row("v", twice),
        row("v", twice[:2]),
        row("v", twice, video_path="other folder/v"),
        row("w", twice),
        row("u", [event("x", 1, 4), event("x", 3, 5), event("x", 6, 7), event("x", 8, 9)]),
    ]
    found = raw(capsys, tmp_path, rows)
    assert found["duplicate_rows"] == 1
    assert found["raw"]["duplicate_responses"] == 5 + 1
    assert found["raw"]["recurring_responses"] == 4 + 2, "a step that comes again is no duplicate"


def test_ends_durations_and_bad_rows(tmp_path: Path, capsys: Capture) -> None:
    rows: list[Any] = [
        row("v", [event("x", 3, 30), instant("y", 40), instant("z", 2)]),
        row("v", [event("x", 5, 3), event("y", 3.5, 3.5), instant("", 3), instant("z", "5s")]),
        row("v", [instant("x", 2)], [{"content": 5, "time": 1, "qid": "own"}]),
        {"question": []},
        5,
    ]
    found = raw(capsys, tmp_path, rows)
    assert found["rows"] == 5 and found["raw_rows"] == 3
    assert found["bad_rows"] == {"bad_row": 1, "no_video_name": 1}
    assert found["raw"]["responses"] == 8 == found["raw"]["valid"] + 6
    assert found["raw"]["invalid"] == {
        "bad_time": 1,
        "empty_text": 1,
        "past_the_end": 1,
        "reversed_span": 1,
        "unknown_qid": 1,
        "zero_length_span": 1,
    }
    assert found["raw"]["past_the_end"] == 1
    assert found["raw"]["durations_assumed"] == 0
    path = write(tmp_path / "unknown.jsonl", [row("v", [event("x", 3, 7)]), row("w", [])])
    found = audited(capsys, path)
    assert found["raw"]["durations_assumed"] == 1
    assert found["bad_rows"] == {"unknown_duration": 1}


@pytest.mark.parametrize(
    ("text", "status", "where"),
    [
        ('[{"video_name": "v"', 1, "row 0: bad_row: line 1, byte 1: "),
        ("not JSON at all", 1, "row 0: bad_row: line 1, byte 0: "),
        ("", 0, "rows: 0 = "),
        ("{}", 1, "row 0: bad_row: it has neither question nor response"),
        ('[GOOD, {"a": }, GOOD]', 3, "row 1: bad_row: line 1, byte "),
        ("GOOD\n{oops\nGOOD", 3, "row 1: bad_row: line 2, byte "),
        ("GOOD\n5", 3, "row 1: bad_row: line 2, byte "),
        ("GOOD\n{}", 3, "row 1: bad_row: it has neither question nor response"),
        ("[GOOD, GOOD", 3, "row 2: bad_row: line 1, byte "),
        ("[GOOD]", 0, ""),
    ],
)
def test_a_broken_file_is_no_success(
    text: str, status: int, where: str, tmp_path: Path, capsys: Capture
) -> None:
    good = json.dumps(row("v", [instant("x", 3)], duration=9))
    path = tmp_path / "raw.json"
    path.write_text(text.replace("GOOD", good))
    found, said, error = call(capsys, "audit", path)
    assert found == status
    assert where in said
    said_at_the_end = {0: "", 1: f"error: no row of {path} can be read\n"}
    assert error == said_at_the_end.get(status, f"not read: 1 of {text.count('GOOD') + 1} rows\n")


def test_only_the_first_ten_bad_rows_are_listed(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path / "raw.jsonl", [{}] * 12 + [row("v", [instant("x", 3)], duration=9)])
    assert (
        "  row 9: bad_row: it has neither question nor response\n  and 2 more\n"
        in (call(capsys, "audit", path)[1])
    )


def test_grounding_that_covers_the_video(tmp_path: Path, capsys: Capture) -> None:
    def grounded(name: str, *spans: tuple[float, float], **more: Any) -> Row:
        asked_at = [asked("A ball rolls.", 0.0)]
        responses = [event("It was there.", *span) for span in spans]
        return row(name, responses, asked_at, task_type="Event Grounding", **more)

    rows = [
        grounded("a", (0.0, 10.0)),
        grounded("b", (0.0, 9.0)),
        grounded("c", (0.5, 9.75)),
        grounded("d", (0.0, 4.5), (4.5, 9.5)),
        grounded("e", (0.0, 30.5)),
        row("f", [event("x", 0.0, 10.0)], task_type="Event Caption"),
    ]
    found = raw(capsys, tmp_path, rows, "--origin", "0")
    assert (found["covers_video"], found["grounding_rows"]) == (4, 5)
    unknown = write(tmp_path / "unknown.json", [grounded("g", (0.0, 7.5))])
    assert audited(capsys, unknown, "--origin", "0")["grounding_rows"] == 0


@pytest.mark.parametrize("time", [1_700_000_000, 1e14])
def test_a_date_is_no_time_of_a_video(time: float, tmp_path: Path, capsys: Capture) -> None:
    rows = [row("v", [instant("x", 3), instant("y", time)]), row("v", [instant("x", 3)])]
    found = audited(capsys, write(tmp_path / "raw.json", rows))
    assert (found["raw_rows"], found["bad_rows"]) == (1, {"bad_duration": 1})


def test_questions_of_one_answer_and_repeated_options(tmp_path: Path, capsys: Capture) -> None:
    listed = "Which?\nA. red\n(B) Green\nC) red"
    rows = [
        row("a", [instant("x", 3)]),
        row("b", [instant("x", 3), instant("y", 5)]),
        row("c", [event("x", 3, 4)]),
        row("d", [instant("x", 3)], task_type="Narration"),
        row("e", [event("x", 3, 4)], [asked(listed, 1)]),
        row("f", [event("x", 3, 4)], [asked("Which?", 1, options=["no", "yes", "No "])]),
        row("g", [event("x", 3, 4)], [asked("Which?", 1, options=["no", "yes"])]),
    ]
    found = raw(capsys, tmp_path, rows)["raw"]
    assert (found["single_answers"], found["timed_questions"]) == (1, 2)
    assert found["repeated_options"] == 2


def test_states_by_task_source_and_duration(tmp_path: Path, capsys: Capture) -> None:
    rows = [
        row("a", [event("x", 2, 3)]),
        row("b", [instant("x", 2)], source=""),
        row("b", [instant("y", 3)], source=""),
    ]
    found = raw(capsys, tmp_path, rows, seconds=45)["states"]
    assert [(s["task"], s["source"], s["duration"], s["dialogues"]) for s in found] == [
        ("QA", "", "30-60 s", 2),
        ("QA", "made", "30-60 s", 1),
    ]
    assert found[0]["states"] == {"silence": 88, "standby": 0, "response": 2}
    assert found[1]["states"] == {"silence": 42, "standby": 2, "response": 1}


def test_drift_of_a_video(tmp_path: Path, capsys: Capture) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for name, rate, seconds in (("a", "30000/1001", 40), ("b", "25", 40), ("c", "15", 4)):
        pattern = f"color=size=32x32:rate={rate}"
        given = ("-f", "lavfi", "-i", pattern, "-t", str(seconds), "-pix_fmt", "yuv420p")
        ffmpeg(*given, str(videos / f"{name}.mp4"))
    names = ["a.mp4", "a.mp4", "b.mp4", "c.mp4", "gone.mp4"]
    rows = [row(name, [instant("x", k + 1)], duration=9) for k, name in enumerate(names)]
    path = write(tmp_path / "raw.json", rows)
    found = audited(capsys, path, "--videos", videos)
    assert found["drifting_videos"] == 1, "one video, of which there are two rows"
    assert found["drift_s_per_100_s"]["29.97"] == pytest.approx(3.237, abs=2e-3)
    assert found["drift_s_per_100_s"]["25"] == found["drift_s_per_100_s"]["15"] == 0
    assert found["raw"]["durations_assumed"] == 0


@pytest.mark.long
def test_memory_is_flat(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, MANY_ROWS):
        rows = (row(f"{n}", [event("It goes.", 1, 2)], duration=3) for n in range(count))
        peaks.append(peak_mib("audit", str(write(tmp_path / f"{count}.jsonl", rows))))
    assert peaks[1] - peaks[0] <= (15 if LONG else 4)
