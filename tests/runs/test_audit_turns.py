"""``audit`` of files of turns, which are dialogues already, and of a corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from tests.runs.raw_files import EXAMPLE, audited, call, event, lines_of, row, write
from tests.runs.small_corpus import asked as questions_at
from tests.runs.small_corpus import dialogue_of, frames_of, small_corpus
from tests.runs.small_corpus import event as spoken

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("spelling", ["official", "paper"])
def test_turn_files_of_both_spellings(spelling: str, tmp_path: Path, capsys: Capture) -> None:
    raw_rows = [row("a", [event("x", 2, 3)], duration=8), row("b", [], duration=6)]
    path, out = write(tmp_path / "raw.json", raw_rows), tmp_path / "out.json"
    assert call(capsys, "convert", path, "-o", out, "--spelling", spelling)[0] == 0
    rows = json.loads(out.read_text(encoding="utf-8"))
    faulty = json.loads(json.dumps(rows[0]))
    faulty["messages"][8]["content"] = faulty["messages"][6]["content"]  # standby, not a response
    faulty["messages"][9]["content"] = "What?\n" + faulty["messages"][9]["content"]
    broken = {"messages": rows[0]["messages"][:-1], "videos": ["v"]}
    path = write(tmp_path / "turns.jsonl", [*rows, rows[0], faulty, broken, {"messages": 5}])
    found = audited(capsys, path)
    assert (found["turn_rows"], found["bad_rows"]) == (4, {"bad_row": 2})
    assert found["duplicate_rows"] == 1
    assert found["standby_without_response"] == 1
    assert found["repeated_questions"] == 1
    states = [(part["source"], part["dialogues"], part["states"]) for part in found["states"]]
    assert states == [
        ("made", 3, {"silence": 15, "standby": 7, "response": 2}),
        # A row that is asked and answers nothing is a negative, which is counted apart.
        ("made", 1, {"silence": 6, "standby": 0, "response": 0}),
    ]


@pytest.mark.skipif(not EXAMPLE.is_dir(), reason="there is no ../shared/annotations")
def test_the_official_example(capsys: Capture) -> None:
    found = audited(capsys, EXAMPLE / "stream_format.json")
    assert (found["turn_rows"], found["repeated_questions"]) == (2, 2)
    found = audited(capsys, EXAMPLE / "raw_data.json")
    assert found["raw"]["official"]["questions_early"] == 2


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, small_corpus(), CorpusSettings())
    return folder


def test_a_corpus_of_ours_is_clean(corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    count = sum(len(sample.dialogues) for sample in small_corpus())
    whole = audited(capsys, corpus)
    assert (whole["rows"], whole["turn_rows"], whole["bad_rows"]) == (count, count, {})
    for form in ("messages", "qwen_vl", "stream"):
        out = tmp_path / form
        assert call(capsys, "export", corpus, "--format", form, "-o", out)[0] == 0
        rows = [line for path in sorted(out.glob("[tv]*.jsonl")) for line in lines_of(path)]
        found = audited(capsys, write(tmp_path / f"{form}.jsonl", rows))
        assert found["states"] == whole["states"] and found["turn_rows"] == count
        assert found["duplicate_rows"] == found["standby_without_response"] == 0
    for name in ("early", "duplicate_rows", "standby_without_response", "repeated_questions"):
        assert whole[name] == 0, name
    narrations = corpus / "data" / "narration" / "train-00000-000.parquet"
    assert audited(capsys, narrations)["rows"] == 2


def test_windows_are_whole_in_themselves(tmp_path: Path, capsys: Capture) -> None:
    frames = frames_of("v.mp4", 40)
    responses = [spoken("r0", 1, 3), spoken("r1", 4, 12)]
    sample = VideoSample([dialogue_of(frames, "narration", questions_at(0.0), responses)], frames)
    write_corpus(tmp_path / "corpus", [sample], CorpusSettings())
    cut = ("--max-tokens", 500, "--overlap-turns", 2)
    given = ("export", tmp_path / "corpus", "-o", tmp_path / "out")
    assert call(capsys, *given, *cut)[0] == 0
    rows = lines_of(tmp_path / "out" / "train.jsonl")
    silent = [
        each
        for each in rows
        if each["context_turns"] and "Response" not in str(each["messages"][1:])
    ]
    assert len(silent) > 1
    found = audited(capsys, tmp_path / "out" / "train.jsonl")
    assert (found["turn_rows"], found["duplicate_rows"]) == (len(rows), 0)
    assert found["standby_without_response"] == 0, "it goes on in the next window"
    assert {part["duration"] for part in found["states"]} == {"30-60 s"}


def test_grounding_that_covers_the_video(tmp_path: Path, capsys: Capture) -> None:
    samples = []
    for name, span in (("a", (0.0, 20.0)), ("b", (2.0, 12.0)), ("c", (0.0, 19.5))):
        frames = frames_of(name, 20)
        made = [
            dialogue_of(frames, task, questions_at(0.0), [spoken("r0", *span)])
            for task in ("event_grounding", "event_caption")
        ]
        samples.append(VideoSample(made, frames))
    write_corpus(tmp_path / "corpus", samples, CorpusSettings())
    found = audited(capsys, tmp_path / "corpus")
    assert (found["rows"], found["grounding_rows"], found["covers_video"]) == (6, 3, 2)
    assert call(capsys, "export", tmp_path / "corpus", "-o", tmp_path / "out")[0] == 0
    turns = audited(capsys, tmp_path / "out" / "train.jsonl")
    assert (turns["grounding_rows"], turns["covers_video"]) == (3, 2)
    text = call(capsys, "audit", tmp_path / "corpus")[1]
    assert "event grounding that covers more than 90% of its video: 2 of 3\n" in text


def test_what_a_file_of_turns_does_not_tell_is_not_0(tmp_path: Path, capsys: Capture) -> None:
    """The official converter says the answer to 3.5-6.75 s at 6 s; only the raw row shows it."""
    raw_rows = [
        row("v", [event("x", 3.5, 6.75), event("z", 9, 9.75)]),
        row("w", [event("x", 2.0, 4.0)]),
    ]
    path, out = write(tmp_path / "raw.json", raw_rows), tmp_path / "out.jsonl"
    known = write(tmp_path / "durations.json", {"v": 10.0, "w": 10.0})
    given = ("convert", path, "-o", out, "--durations", known)
    assert call(capsys, *given, "--compat")[0] == 0
    found = audited(capsys, out)
    assert found["early"] is found["clamped"] is found["timed"] is None
    assert (found["untimed_rows"], found["flagged_clamped"]) == (2, 0)
    text = call(capsys, "audit", out)[1]
    assert "evidence is complete:\n    cannot be told from this file: it has no times" in text
    both = [
        made | {"response": each["response"], "question": each["question"], "duration": 10.0}
        for made, each in zip(lines_of(out), raw_rows, strict=True)
    ]
    found = audited(capsys, write(tmp_path / "both.jsonl", [*both, lines_of(out)[0]]))
    assert (found["timed"], found["early"], found["clamped"]) == (3, 1, 1)
    assert found["untimed_rows"] == 1
    assert call(capsys, *given)[0] == 0
    found = audited(capsys, out)
    assert (found["early"], found["flagged_clamped"]) == (None, 1)


def test_a_corpus_tells_how_early_its_responses_are(tmp_path: Path, capsys: Capture) -> None:
    frames = frames_of("v.mp4", 10)
    responses = [spoken("r0", 1, 3.5), spoken("r1", 4, 9.75)]
    made = dialogue_of(frames, "narration", questions_at(0.0), responses)
    hasty = [each.model_copy(deep=True) for each in made.responses]
    hasty[0] = hasty[0].model_copy(update={"end_s": 6.0})
    faulty = made.model_copy(update={"responses": hasty, "sample_id": "faulty"})
    write_corpus(tmp_path / "corpus", [VideoSample([made, faulty], frames)], CorpusSettings())
    found = audited(capsys, tmp_path / "corpus")
    assert (found["timed"], found["early"], found["clamped"]) == (4, 1, 2)
    text = call(capsys, "audit", tmp_path / "corpus")[1]
    assert "  responses before their evidence is complete: 1 of 4\n" in text
