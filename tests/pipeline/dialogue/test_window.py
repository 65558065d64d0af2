"""Small cases, one by one: where a dialogue is cut, and what its windows say."""

from __future__ import annotations

import time

import pytest

from pipeline.dialogue.budget import Budget
from pipeline.dialogue.cut import Windowed
from pipeline.dialogue.tiling import DialogueError, even_tiling
from pipeline.dialogue.weights import weigh
from pipeline.dialogue.window import windows
from pipeline.records import Check, Dialogue, Question, Response
from tests.pipeline.dialogue.annotations import made_of
from tests.pipeline.dialogue.samples import dialogue_of

LETTERS = {"silence": "S", "standby": "B", "response": "R"}


def event(rid: str, start_s: float, end_s: float, qid: str = "q", text: str = "it") -> Response:
    return Response(
        rid=rid, qid=qid, kind="event", text=text, start_s=start_s, end_s=end_s, respond_s=end_s
    )


def dialogue_with(count: int, responses: list[Response], *asked_s: float) -> Dialogue:
    """One turn a second; the first question is ``q``, the next ones ``q1``, ``q2`` and so on."""
    questions = [
        Question(qid=f"q{i or ''}", text="What?", asked_s=time_s)
        for i, time_s in enumerate(asked_s or (0.0,))
    ]
    return dialogue_of(made_of(questions, responses), even_tiling("v", count, 1))


def room_for(count: int, overlap_turns: int = 0) -> Budget:
    """A budget of so many turns, up to eight, with a question and a few short texts."""
    return Budget(
        max_tokens=18 + 24 * count, overlap_turns=overlap_turns, frame_tokens=1, system_tokens=10
    )


def shapes(windowed: Windowed) -> list[str]:
    """The states of each window, its context before a bar."""
    found = []
    for window in windowed.dialogues:
        letters = "".join(LETTERS[turn.state] for turn in window.turns)
        found.append(f"{letters[: window.context_turns]}|{letters[window.context_turns :]}")
    return found


def test_a_cut_stands_between_events_where_it_can() -> None:
    dialogue = dialogue_with(16, [event("a", 0, 3), event("b", 6, 9), event("c", 10, 12)])
    assert shapes(windows(dialogue, room_for(8))) == ["|BBBRSS", "|BBBRBBRS", "|SS"]


def test_a_window_reaches_back_to_the_evidence_of_what_it_says() -> None:
    events = [event("a", 1, 4, text="a long text " * 4), event("b", 3, 9)]
    windowed = windows(dialogue_with(14, events), room_for(7))
    # What was said at turn 4 is not said again, nor paid for: its beginning is not shown any more.
    assert shapes(windowed) == ["|SBBBR", "BB|BBBBR", "|SSSS"]
    _, second, _ = windowed.dialogues
    assert (second.turns[0].index, second.turns[0].flags) == (3, ["carried"])
    assert [response.rid for response in second.responses] == ["b"]


@pytest.mark.parametrize(
    ("overlap_turns", "expected"),
    [
        (0, ["|SSBBRBRS", "|SSSSSSSS"]),
        (1, ["|SSBBRBRS", "S|SSSSSSS", "S|S"]),
        (3, ["|SSBBRBRS", "BRS|SSSSS", "SSS|SSS"]),
        (4, ["|SSBBRBRS", "SBRS|SSSS", "SSSS|SSSS"]),
        (99, ["|SSBBRBRS", "SBRS|SSSS", "SSSS|SSSS"]),
    ],
)
def test_an_overlap_shows_again_what_can_be_shown(overlap_turns: int, expected: list[str]) -> None:
    dialogue = dialogue_with(16, [event("a", 2, 4), event("b", 5, 6)])
    assert shapes(windows(dialogue, room_for(8, overlap_turns))) == expected


def test_evidence_that_fits_into_no_window() -> None:
    dialogue = dialogue_with(14, [event("a", 1, 11), event("b", 10, 11), event("c", 5, 7)])
    windowed = windows(dialogue, room_for(6))
    # Nobody waits for what is never said.
    assert shapes(windowed) == ["|SSSSS", "|BBRSS", "|BRSS"]
    (refusal,) = windowed.refused
    assert (refusal.rid, refusal.reason) == ("a", "evidence_over_budget")
    assert refusal.detail == "turns 1 to 11 do not fit into 162 tokens; turn 11 is response now"
    assert windowed.dialogues[-1].responses[0].flags == [], "said alone, so not merged"

    windowed = windows(dialogue_with(12, [event("a", 1, 9), event("b", 6, 10)]), room_for(8))
    assert shapes(windowed) == ["|SSSSSS", "|BBBBRS"]
    assert windowed.refused[0].detail.endswith("turn 9 is standby now"), "for the other one"


def test_a_question_is_carried_until_its_only_response() -> None:
    events = [event("a", 1, 3), event("b", 6, 9, qid="q1"), event("c", 12, 13, qid="q2")]
    dialogue = dialogue_with(16, [*events, event("d", 13, 14, qid="q2")], 0, 2, 10, 1)
    windowed = windows(dialogue, room_for(6))
    assert [window.turns[0].index for window in windowed.dialogues] == [0, 6, 12]
    carried = [window.turns[0].qids for window in windowed.dialogues]
    assert carried == [["q"], ["q3", "q1"], ["q3", "q2"]]


def test_a_standby_at_the_end_waits_for_the_next_window() -> None:
    assert shapes(windows(dialogue_with(12, [event("a", 2, 9)]), room_for(8))) == [
        "|SSBB",
        "BB|BBBBBR",
        "|SS",
    ]


def test_checks_go_where_their_response_is_said() -> None:
    checks = [
        Check(name="answerable", passed=True, score=1, model="m", rid=rid) for rid in ("a", "b", "")
    ]
    dialogue = dialogue_with(16, [event("a", 0, 3), event("b", 9, 11)])
    windowed = windows(dialogue.model_copy(update={"checks": checks}), room_for(8))
    found = [[check.rid for check in window.checks] for window in windowed.dialogues]
    assert found == [["a", ""], ["b", ""]]


def test_what_cannot_be_cut() -> None:
    dialogue = dialogue_with(16, [event("a", 0, 3), event("b", 9, 11)])
    budget = room_for(8)
    for wrong, reason, detail in [
        (dialogue, "budget_too_small", "turn 0 with its open questions"),
        (windows(dialogue, budget).dialogues[0], "not_whole", "'sample-w0' is a window"),
        (weigh(dialogue, "streamo_fixed"), "weighted", "before weights are given"),
    ]:
        with pytest.raises(DialogueError) as caught:
            windows(wrong, room_for(0) if reason == "budget_too_small" else room_for(2))
        assert caught.value.reason == reason and detail in caught.value.detail


def test_a_long_dialogue_is_cut_in_little_time() -> None:
    count = 10_000
    events = [event(f"r{i}", 20 * i + i % 7, 20 * i + 11 + i % 15) for i in range(count // 20)]
    dialogue = dialogue_with(count, events)
    before = time.process_time()
    windowed = windows(dialogue, room_for(200, overlap_turns=10))
    assert time.process_time() - before < 2
    assert len(windowed.dialogues) > 40 and not windowed.refused
