from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.manifest.adapters.entry import RawAnnotation
from pipeline.manifest.rules import NULL_WORDS, Rules, judge
from pipeline.records import SourceAnnotation

KEEP, SWAP, NEXT = Rules(), Rules(reversed="swap"), Rules(no_end="next")


def event(start_s: float | None = 1, end_s: float | None = 2, **fields: Any) -> RawAnnotation:
    return RawAnnotation("event", "It goes.")._replace(start_s=start_s, end_s=end_s, **fields)


def qa(**fields: Any) -> RawAnnotation:
    return RawAnnotation("qa", "red", question="Which?")._replace(**fields)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (event(5, 3), "reversed_span"),
        (event(5, 5), "empty_span"),
        (event(-3, -1), "before_start"),
        (event(-3, 0), "before_start"),
        (event(3, None), "no_end"),
        (event(None, 3), "no_start"),
        (event(float("nan"), 3), "bad_time"),
        (event(1, float("inf")), "bad_time"),
        (event(1, 10**400), "bad_time"),
        (event(text=None), "no_text"),
        (event(text=" \n\t\u00a0"), "no_text"),
        (event(text="None"), "no_text"),
        (event(text=" nan "), "no_text"),
        (event(text="half \ud83d"), "not_utf8"),
        (qa(text="None"), "no_text"),
        (qa(question=None), "no_question"),
        (qa(question=" "), "no_question"),
        (qa(options=("red", " ")), "blank_option"),
        (qa(asked_s=float("nan")), "bad_time"),
        (qa(start_s=4, end_s=4), "empty_span"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(one: RawAnnotation, reason: str) -> None:
    judged = judge([one._replace(pointer="here")], KEEP)
    assert judged.accepted == () and judged.mended == {}
    assert [(each.pointer, each.reason) for each in judged.refused] == [("here", reason)]


def test_none_is_an_answer_where_it_is_an_option() -> None:
    (accepted,) = judge([qa(text="None", options=("one", "None"))], KEEP).accepted
    assert accepted.text == "None"


def test_whitespace_is_collapsed_and_the_raw_text_stored() -> None:
    judged = judge([event(text="  A\n dog\t runs. "), event(3, 4)], KEEP)
    first, second = judged.accepted
    assert (first.text, json.loads(first.raw)) == ("A dog runs.", {"text": "  A\n dog\t runs. "})
    assert second.raw == "" and judged.mended == {"whitespace": 1}
    (asked,) = judge([qa(question=" Which ? ", options=("red ", "blue"))], KEEP).accepted
    assert (asked.question, asked.options) == ("Which ?", ["red", "blue"])
    assert json.loads(asked.raw) == {"question": " Which ? ", "options": ["red ", "blue"]}


def test_a_reversed_span_is_swapped_where_the_rule_asks_for_it() -> None:
    judged = judge([event(5, 3), event(6, 6)], SWAP)
    (accepted,) = judged.accepted
    assert (accepted.start_s, accepted.end_s, json.loads(accepted.raw)) == (
        3,
        5,
        {"start_s": 5, "end_s": 3},
    )
    assert judged.mended == {"swapped": 1}
    assert [each.reason for each in judged.refused] == ["empty_span"]


def test_a_start_before_the_video_becomes_its_start() -> None:
    judged = judge([event(-0.5, 2)], KEEP)
    assert (judged.accepted[0].start_s, json.loads(judged.accepted[0].raw)) == (
        0,
        {"start_s": -0.5},
    )
    assert judged.mended == {"start_clamped": 1}
    judged = judge([qa(asked_s=-1)], KEEP)
    assert (judged.accepted[0].asked_s, judged.accepted[0].raw) == (0, '{"asked_s": -1}')
    assert judged.mended == {"asked_clamped": 1}


def test_a_start_alone_lasts_until_the_next_of_its_kind_where_the_rule_asks_for_it() -> None:
    annotations = [
        event(9, None, text="third"),
        event(0, None, text="first"),
        event(4, None, text="second"),
        event(4, None, text="second too"),
        event(5, None, text="another's", annotator="b"),
        event(4.5, None, kind="step", text="a step"),
        event(1, 2, text="whole"),
    ]
    judged = judge(annotations, NEXT)
    spans = {each.text: (each.start_s, each.end_s) for each in judged.accepted}
    assert spans == {"first": (0, 4), "second": (4, 9), "second too": (4, 9), "whole": (1, 2)}
    assert [each.reason for each in judged.refused] == ["no_end"] * 3
    assert judged.mended == {"end_from_next": 3}
    assert json.loads(judged.accepted[0].raw) == {"end_s": None}


def test_a_repeated_annotation_is_accepted_once_and_one_text_of_two_spans_twice() -> None:
    annotations = [
        event(1, 2),
        event(1, 2, text=" It  goes.", pointer="b"),
        event(3, 4),
        qa(),
        qa(asked_s=3),
    ]
    judged = judge(annotations, KEEP)
    assert [(each.pointer, each.reason) for each in judged.refused] == [("b", "duplicate")]
    assert len(judged.accepted) == 4


WHOSE = {"pointer": "", "raw": "", "annotator": "", "origin": "", "resolution_s": 0.0}
times = st.none() | st.floats() | st.integers(-5, 20) | st.just(10**400)
texts = st.none() | st.sampled_from(["A.", " A. ", "b", "", "nan", "\ud800", "A\0B"]) | st.text()
raw_annotations = st.builds(
    RawAnnotation,
    kind=st.sampled_from(["event", "step", "qa"]),
    text=texts,
    start_s=times,
    end_s=times,
    question=texts,
    options=st.lists(st.text(max_size=3), max_size=3).map(tuple),
    asked_s=times,
    origin=st.sampled_from(["human", "model", "asr"]),
    annotator=st.text(max_size=3),
    resolution_s=st.sampled_from([0, 0.5, 5]),
    pointer=st.text(max_size=5),
)


@given(
    annotations=st.lists(raw_annotations, max_size=8),
    way=st.sampled_from(["reject", "swap"]),
    end=st.sampled_from(["reject", "next"]),
)
def test_every_annotation_is_accepted_or_refused(
    annotations: list[RawAnnotation], way: Literal["reject", "swap"], end: Literal["reject", "next"]
) -> None:
    judged = judge(annotations, Rules(reversed=way, no_end=end))
    assert len(annotations) == len(judged.accepted) + len(judged.refused)
    contents = set()
    for one in judged.accepted:
        assert one.text == " ".join(one.text.split()) and one.text
        assert one.text.casefold() not in NULL_WORDS or one.text in one.options
        assert (one.start_s is None) == (one.end_s is None)
        if one.start_s is not None and one.end_s is not None:
            assert 0 <= one.start_s < one.end_s
        assert one.kind != "qa" or one.question
        # What was accepted can be stored, and is what it was when it is read again.
        line = one.model_dump_json().encode()
        assert SourceAnnotation.model_validate_json(line) == one
        # It was made without validation, which would have changed nothing: no 5 into a 5.0.
        assert repr(SourceAnnotation(**vars(one))) == repr(one)
        assert isinstance(json.loads(one.raw or "{}"), dict)
        contents.add(one.model_copy(update=WHOSE).model_dump_json())
    assert len(contents) == len(judged.accepted)


@given(st.lists(raw_annotations, max_size=8))
def test_what_was_accepted_is_accepted_again_as_it_is(annotations: list[RawAnnotation]) -> None:
    accepted = judge(annotations, KEEP).accepted
    again = judge(
        [
            RawAnnotation(
                o.kind, o.text, o.start_s, o.end_s, o.question, tuple(o.options), o.asked_s
            )
            for o in accepted
        ],
        KEEP,
    )
    assert [each.text for each in again.accepted] == [each.text for each in accepted]
    assert not again.refused and not again.mended
