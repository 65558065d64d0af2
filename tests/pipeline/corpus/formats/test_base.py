from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.corpus.audit.checker import Timeline
from pipeline.corpus.audit.checker_entries import check_written
from pipeline.corpus.audit.checker_readers import READERS
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import FormatError
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import even_tiling
from pipeline.records import Annotation, Dialogue, Question
from tests.conftest import examples
from tests.pipeline.corpus.formats.samples import ANY_JSON, as_json, dialogues, video_of, view


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(row=ANY_JSON)
@settings(max_examples=examples(200))
def test_whatever_a_row_is_reading_gives_a_sample_or_says_bad_row(name: str, row: Any) -> None:
    try:
        FORMATS[name].read(row)
    except FormatError as error:
        assert error.reason == "bad_row"


WRONG: list[Any] = [
    *(None, True, -1, 0, 1e308, 10**400, float("nan"), float("inf")),
    *("", "x", "9" * 5000, [], [[]], {}),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    for key, item in inner if isinstance(value, dict | list) else ():
        found += places(item, (*path, key)) if isinstance(item, dict | list) else [(*path, key)]
    return found


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(dialogue=dialogues(most_questions=1, collision="merge"))
@settings(max_examples=examples(15))
def test_a_row_with_one_wrong_value_is_read_or_is_a_bad_row(name: str, dialogue: Any) -> None:
    if not dialogue.responses:
        return
    (row,) = as_json(FORMATS[name].write(dialogue, view()))
    for path in places(row)[:60]:
        for wrong in WRONG:
            try:
                FORMATS[name].read(replaced(row, path, wrong))
            except FormatError as error:
                assert error.reason == "bad_row"


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(dialogue=dialogues(rates=st.just(1.0), most_questions=1, collision="merge"))
@settings(max_examples=examples(25))
def test_a_row_says_where_it_comes_from(name: str, dialogue: Dialogue) -> None:
    assume(dialogue.responses)
    form = FORMATS[name]
    (row,) = as_json(form.write(dialogue, view()))
    found = form.read(row)
    assert (found.source, found.licence) == (dialogue.source, dialogue.licence)
    assert list(found.models) == dialogue.models
    holder = row[0]["content"][1] if name == "livecc" else row
    assert holder["for_training"] is ("embedded@1" not in dialogue.models)
    for key in ("licence", "models", "for_training"):
        del holder[key]
    read = form.read(row)
    assert (read.licence, read.models, read.events) == ("", (), found.events), "files of others"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_negative_stays_one(name: str) -> None:
    asked = Question(qid="q", text="When does a dog run?", asked_s=0)
    negative = Annotation(
        video_id="v", annotation_id="a", task="t", questions=[asked], responses=[], is_negative=True
    )
    tiling = even_tiling("v", 5, 1)
    (dialogue,), _ = build_dialogues(video_of(5), tiling, [negative], "v-a")
    if name == "livecc":  # which holds what is said, and nothing else
        with pytest.raises(FormatError, match="not_carried"):
            FORMATS[name].write(dialogue, view())
        return
    (row,) = as_json(FORMATS[name].write(dialogue, view()))
    read = FORMATS[name].read(row)
    assert read.is_negative and not read.events and len(read.questions) == 1
    written = READERS[name]([row])
    timeline = Timeline(tiling.starts[:-1], tiling.frames, tiling.end_s)
    assert check_written(written, [asked], [], timeline).faults == {}


def test_formats_go_by_their_names() -> None:
    assert list(FORMATS) == [
        "raw",
        "stream",
        "messages",
        "qwen_vl",
        "livecc",
        "activation",
        "stride",
    ]
    assert all(name == found.name for name, found in FORMATS.items())
    assert [name for name, found in FORMATS.items() if found.needs_images] == [
        "messages",
        "qwen_vl",
    ]
    assert {name: found.suffix for name, found in FORMATS.items() if found.suffix != "jsonl"} == {
        "raw": "json"
    }


def test_an_error_crosses_process_borders() -> None:
    error = pickle.loads(pickle.dumps(FormatError("not_carried", "why")))
    assert (error.reason, error.detail, str(error)) == ("not_carried", "why", "not_carried: why")
