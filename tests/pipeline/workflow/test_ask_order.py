from __future__ import annotations

from pipeline.engines.base import Ask, Frame
from pipeline.workflow.ask_order import in_order_of_frames


def ask(name: str, video: str, *times_s: float) -> Ask:
    frames = tuple(Frame(time_s, b"jpeg") for time_s in times_s)
    return Ask(name, "What is it?", {}, frames, video_id=video)


def test_asks_that_begin_alike_stand_next_to_each_other_and_shorter_ones_first() -> None:
    asks = [
        ask("b4", "b", 0, 1, 2, 3),
        ask("a3", "a", 0, 1, 2),
        ask("b2", "b", 0, 1),
        ask("a1", "a", 0),
        ask("a1 again", "a", 0),
        ask("b of others", "b", 0, 2),
        ask("b3", "b", 0, 1, 2),
    ]
    found = [asks[i].request_id for i in in_order_of_frames(asks)]
    assert found == ["b2", "b3", "b4", "b of others", "a1", "a1 again", "a3"]


def test_asks_about_texts_stay_as_they_are() -> None:
    asks = [ask(name, video) for name, video in (("1", "a"), ("2", "a"), ("3", "b"))]
    assert in_order_of_frames(asks) == [0, 1, 2]
