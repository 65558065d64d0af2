"""What holds of the formats that hold times as annotated: spans and texts come back exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.activation import POSITIVE_TAIL, positive_from_s
from pipeline.corpus.formats.base import ExactEvent, FormatError, ReadQuestion
from pipeline.corpus.formats.livecc import read_livecc, write_livecc
from pipeline.dialogue.silence import trimmed
from pipeline.records import Dialogue, PlacedResponse, Question, Response
from tests.pipeline.corpus.formats.samples import as_json, dialogue_of, dialogues, view


def exact(response: PlacedResponse, rid: str) -> ExactEvent:
    return ExactEvent(rid, response.kind, response.text, response.start_s, response.end_s)


@pytest.mark.parametrize("form", ["activation", "stride"])
@given(dialogue=dialogues())
def test_activation_has_a_row_a_question(form: str, dialogue: Dialogue) -> None:
    rows = as_json(FORMATS[form].write(dialogue, view()))
    for row, question in zip(rows, dialogue.questions, strict=True):
        read = FORMATS[form].read(row)
        assert (row["qid"], row["positive_tail"]) == (question.qid, [0.0, 0.5])
        assert read.questions == (ReadQuestion(question.asked_s, question.text),)
        assert (read.video, read.task, read.source) == ("videos/v.mp4", question.task, "films")
        assert (read.sample_id, read.duration_s) == (dialogue.sample_id, dialogue.duration_s)
        assert read.events == tuple(
            exact(response, response.rid)
            for response in dialogue.responses
            if response.qid == question.qid
        )


@given(dialogues(most_questions=1, clips=True))
def test_livecc_comes_back(dialogue: Dialogue) -> None:
    assume(dialogue.responses)
    (row,) = as_json(FORMATS["livecc"].write(dialogue, view()))
    read = FORMATS["livecc"].read(row)
    question = dialogue.questions[0]
    assert read.events == tuple(exact(response, "") for response in dialogue.responses)
    assert read.questions == (ReadQuestion(question.asked_s, question.text),)
    assert (read.video, read.task, read.source) == ("videos/v.mp4", dialogue.task, "films")
    assert read.sample_id == dialogue.sample_id
    assert read.duration_s == pytest.approx(dialogue.duration_s)

    user, assistant = row
    clip_start_s, clip_end_s = (user["content"][0][key] for key in ("video_start", "video_end"))
    assert clip_start_s == dialogue.clip_start_s
    words = assistant["content"][0]["text_stream"]
    assert words[-1][1] == pytest.approx(clip_end_s, abs=1e-3)
    times = [time_s for start_s, end_s, _ in words for time_s in (start_s, end_s)]
    assert times == sorted(times)
    for response, (first, *_) in zip(
        dialogue.responses, assistant["content"][0]["responses"], strict=True
    ):
        said_s = clip_start_s + dialogue.turns[response.turn].start_s
        assert words[first][0] >= said_s - 1e-3, "no word is said before its turn"


def said(rid: str, start_s: float, end_s: float, text: str) -> Response:
    return Response(
        rid=rid, qid="q", kind="event", text=text, start_s=start_s, end_s=end_s, respond_s=end_s
    )


ASKED = Question(qid="q", text="What happens?", asked_s=0.5)
DIALOGUE = dialogue_of(
    9, 1, [ASKED], [said("a", 0, 2, "A door opens"), said("b", 3, 5, "It shuts")]
)


def test_a_livecc_row_in_full() -> None:
    clip = DIALOGUE.model_copy(update={"clip_start_s": 100.0, "clip_end_s": 109.0})
    assert FORMATS["livecc"].write(clip, view()) == [
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "video",
                        "video": "videos/v.mp4",
                        "video_start": 100.0,
                        "video_end": 109.0,
                    },
                    {
                        "type": "text",
                        "text": "What happens?",
                        "previous": "",
                        "title": "",
                        "category": "tsqa",
                        "asked_s": 0.5,
                        "source": "films",
                        "licence": "CC0",
                        "models": "",
                        "for_training": True,
                        "is_negative": False,
                        "sample_id": "v-a",
                        "flags": [],
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "text_stream",
                        "text_stream": [
                            [102.0, 103.0, "A"],
                            [103.0, 104.0, "door"],
                            [104.0, 105.0, "opens"],
                            [105.0, 107.0, "It"],
                            [107.0, 109.0, "shuts"],
                        ],
                        "responses": [[0, 3, "event", 0.0, 2.0], [3, 2, "event", 3.0, 5.0]],
                        "flags": [[], []],
                    }
                ],
            },
        ]
    ]


def test_silence_cut_off_at_the_end_changes_no_times() -> None:
    for name in ("raw", "livecc", "activation"):
        assert FORMATS[name].write(trimmed(DIALOGUE, 3), view()) == FORMATS[name].write(
            DIALOGUE, view()
        )


def test_what_several_say_of_the_same_is_one_run_of_words_and_comes_back_for_each() -> None:
    twins = [said(rid, 0, 2, "A door opens") for rid in ("a", "b")]
    dialogue = dialogue_of(9, 1, [ASKED], [*twins, said("c", 1, 2, "It shuts")])
    (row,) = as_json(FORMATS["livecc"].write(dialogue, view()))
    words = [word for _, _, word in row[1]["content"][0]["text_stream"]]
    assert words == ["A", "door", "opens", "It", "shuts"]
    for name in ("livecc", "raw", "activation"):
        (row,) = as_json(FORMATS[name].write(dialogue, view()))
        texts = [event.text for event in FORMATS[name].read(row).events]
        assert sorted(texts) == ["A door opens", "A door opens", "It shuts"], name
    (row,) = as_json(FORMATS["stream"].write(dialogue, view()))
    (event,) = FORMATS["stream"].read(row).events
    assert event.text == "A door opens\nIt shuts"


def test_livecc_holds_one_question_that_is_answered() -> None:
    silent = dialogue_of(9, 1, [ASKED], [])
    two = dialogue_of(9, 1, [ASKED, ASKED.model_copy(update={"qid": "p"})], [said("a", 0, 2, "x")])
    for dialogue in (silent, two, two.model_copy(update={"questions": []})):
        with pytest.raises(FormatError, match="not_carried"):
            FORMATS["livecc"].write(dialogue, view())


def test_stride_has_its_own_keys() -> None:
    dialogue = dialogue_of(9, 1, [ASKED], [said("a", 2, 6, "A door opens")])
    (row,) = as_json(FORMATS["stride"].write(dialogue, view()))
    assert row["video"]["metadata"]["video"] == "videos/v.mp4"
    assert (row["query"], row["start_time"], row["end_time"]) == (ASKED.text, ASKED.asked_s, 9)
    (segment,) = row["segment"]
    named = (segment["start_time"], segment["end_time"], segment["description"])
    assert named == (2, 6, "A door opens")


def test_the_positive_tail_is_drawn_evenly_when_a_row_is_read() -> None:
    """Over 10,000 draws, within five standard deviations."""
    drawn = [positive_from_s(10, 20, POSITIVE_TAIL, f"s/r0 {i}", seed=0) for i in range(10_000)]
    assert all(15 < from_s <= 20 for from_s in drawn)
    for low_s in (15, 16, 17, 18, 19):
        count = sum(low_s < from_s <= low_s + 1 for from_s in drawn)
        assert abs(count - 2000) <= 5 * (10_000 * 0.2 * 0.8) ** 0.5
    assert drawn[0] == positive_from_s(10, 20, POSITIVE_TAIL, "s/r0 0", seed=0)


def test_activation_needs_a_question_but_no_answer() -> None:
    silent = dialogue_of(9, 1, [ASKED], [])
    (row,) = FORMATS["activation"].write(silent, view())
    assert isinstance(row, dict)
    assert row["segments"] == []
    with pytest.raises(FormatError, match="not_carried"):
        FORMATS["activation"].write(silent.model_copy(update={"questions": []}), view())


def test_the_last_line_of_a_livecc_file_finds_every_row(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    texts = ["A door opens", "门开了\nÄ", "\u2028"]
    rows = [
        FORMATS["livecc"].write(dialogue_of(4, 1, [ASKED], [said("a", 0, 2, text + "!")]), view())[
            0
        ]
        for text in texts
    ]
    assert write_livecc(path, iter(rows)) == len(rows)
    content = path.read_bytes()
    offsets = json.loads(content.splitlines()[-1])
    assert [json.loads(content[at:].split(b"\n")[0]) for at in offsets] == as_json(rows)
    assert list(read_livecc(path)) == as_json(rows)
    assert list(tmp_path.iterdir()) == [path]


def test_a_livecc_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def rows() -> Iterator[Any]:
        yield FORMATS["livecc"].write(DIALOGUE, view())[0]
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_livecc(tmp_path / "said.jsonl", rows())
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_line_of_a_livecc_file_is_no_row_and_its_neighbours_are(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    write_livecc(path, FORMATS["livecc"].write(DIALOGUE, view()))
    path.write_bytes(b"{torn\n" + b"[" * 100_000 + b"\n\xff\n" + path.read_bytes())
    first, second, third, row = read_livecc(path)
    assert (first, second, third) == (None, None, None)
    assert len(FORMATS["livecc"].read(row).events) == 2
    with pytest.raises(FormatError, match="bad_row"):
        FORMATS["livecc"].read(first)


@pytest.mark.parametrize("name", ["raw", "stream"])
def test_a_clip_is_not_written_as_if_it_were_the_file(name: str) -> None:
    clip = DIALOGUE.model_copy(update={"clip_start_s": 100.0, "clip_end_s": 109.0})
    with pytest.raises(FormatError, match="cut the clip first"):
        FORMATS[name].write(clip, view())
