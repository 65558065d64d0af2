"""When questions are asked, by policy."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.dialogue.asking import Asking, Moments, asked, from_turn, opening
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import even_tiling
from pipeline.records import Annotation, Question, Response
from tests.pipeline.dialogue.annotations import made_of
from tests.pipeline.dialogue.samples import video_of

TILING = even_tiling("v", 40.0, 1.0)
MOMENTS = Moments(before_s=2.0, after_s=5.0, still_s=8.0, seed=0)
EVENT = Response.event("e", "A ball rolls.", 20.5, 24.0)


def named(name: str, *responses: Response, **question: object) -> Annotation:
    fields = {"qid": "q0", "text": "When?", "asked_s": 0.0} | question
    made = made_of([Question.model_validate(fields)], list(responses))
    return made.model_copy(update={"annotation_id": name})


def moments(by: str, *responses: Response, first: int = 0) -> tuple[set[str], set[float]]:
    """The policies that were used, and the times at which many such questions are asked."""
    asking = Asking.model_validate({by: 1})
    made = [asked(named(str(i), *responses), TILING, asking, MOMENTS, first) for i in range(200)]
    questions = [each.questions[0] for each in made]
    return {q.asked_by for q in questions}, {q.asked_s for q in questions}


def test_each_policy_has_its_moments() -> None:
    assert moments("start", EVENT) == ({"start"}, {0.0})
    assert moments("before_first", EVENT) == ({"before_first"}, {float(t) for t in range(19)})
    assert moments("before_first", EVENT, first=15) == ({"before_first"}, {15.0, 16.0, 17.0, 18.0})
    assert moments("after_event", EVENT) == ({"after_event"}, {float(t) for t in range(24, 30)})


@pytest.mark.parametrize(
    ("by", "responses"),
    [
        ("before_first", [Response.instant("a", "red", 1.5)]),
        # The first of them would be told when it is true no more.
        (
            "after_event",
            [Response.instant("a", "red", 3, valid_until_s=9), Response.instant("b", "blue", 9)],
        ),
    ],
)
def test_where_there_is_no_room_it_is_asked_at_the_start(
    by: str, responses: list[Response]
) -> None:
    assert moments(by, *responses) == ({"start"}, {0.0})


def test_the_time_of_a_question_does_not_tell_that_nothing_answers_it() -> None:
    """A negative may be asked wherever the others are."""
    assert moments("start") == ({"start"}, {0.0})
    assert moments("before_first")[1] >= moments("before_first", EVENT)[1]
    assert moments("after_event")[1] >= moments("after_event", EVENT)[1]


RED = Response.instant("a", "red", 3, valid_until_s=9)


def test_what_holds_to_the_end_is_asked_behind_its_last_change_with_silence_to_come() -> None:
    blue = Response.instant("b", "blue", 9, still_until_s=39)
    for by in ("start", "before_first", "after_event"):
        assert moments(by, RED, blue) == ({"still"}, {float(t) for t in range(10, 32)})
    assert moments("start", RED, blue, first=30) == ({"still"}, {30.0, 31.0})
    made = asked(named("a", RED, blue), TILING, Asking(start=1), MOMENTS)
    assert made.responses == [blue], "what held before is over when it is asked"
    (dialogue,), _ = build_dialogues(video_of(TILING), TILING, [made], "a")
    (place,) = dialogue.turns.asked
    assert dialogue.is_still and dialogue.turns.said.keys() == {place}
    assert dialogue.n_standby == 0 and dialogue.n_tail == 39 - place >= 8


@pytest.mark.parametrize(
    ("time_s", "until_s"),
    [(9, 38), (33, 39), (9, None)],
    ids=["not looked at the last frame", "too near the end", "not looked at"],
)
def test_without_a_still_stretch_it_is_asked_as_before(time_s: float, until_s: float) -> None:
    blue = Response.instant("b", "blue", time_s, still_until_s=until_s)
    assert moments("start", RED, blue) == ({"start"}, {0.0})
    made = asked(named("a", RED, blue), TILING, Asking(start=1), MOMENTS)
    assert made.responses == [RED, blue]


def test_a_late_question_is_answered_at_once_in_its_turn() -> None:
    for name in map(str, range(40)):
        made = asked(named(name, EVENT), TILING, Asking(after_event=1), MOMENTS)
        (dialogue,), _ = build_dialogues(video_of(TILING), TILING, [made], name)
        (turn,) = (turn for turn in dialogue.turns if turn.question)
        assert turn.text == "A ball rolls." and turn.state == "response"
        assert dialogue.n_standby == 0 and dialogue.n_response == 1


def test_policies_are_drawn_by_their_parts() -> None:
    asking = Asking(start=2, before_first=1, after_event=1)
    made = [asked(named(str(i), EVENT), TILING, asking, MOMENTS) for i in range(400)]
    used = [each.questions[0].asked_by for each in made]
    shares = {by: used.count(by) / 400 for by in ("start", "before_first", "after_event")}
    assert shares == pytest.approx(
        {"start": 0.5, "before_first": 0.25, "after_event": 0.25}, abs=0.06
    )
    assert made == [asked(each, TILING, asking, MOMENTS) for each in made]
    with pytest.raises(ValidationError):
        Asking()


def test_what_a_dataset_says_stays() -> None:
    given = named("a", EVENT, asked_s=3.25, asked_by="given")
    assert asked(given, TILING, Asking(after_event=1), MOMENTS) == given
    assert opening(given, TILING, 5.0) == 3


def test_a_lead_cuts_off_what_lies_before_and_nothing_else() -> None:
    first = opening(named("a", EVENT), TILING, 5.0)
    assert first == 15
    made = asked(named("a", EVENT), TILING, Asking(start=1), MOMENTS, first)
    (whole,), _ = build_dialogues(video_of(TILING), TILING, [made], "s")
    cut = from_turn(whole, first)
    assert [turn.index for turn in cut.turns] == list(range(15, 40))
    assert cut.turns[0].question and cut.turns[9].text == "A ball rolls."
    assert (cut.whole_id, cut.n_silence, cut.n_standby, cut.n_response) == ("s", 21, 3, 1)
    assert cut.n_tail == whole.n_tail and cut.responses == whole.responses
    assert from_turn(whole, 0) == whole
