"""A negative that asks for what is true of its video is found, and counted against the run."""

from __future__ import annotations

import pytest

from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.truth_of import truth_of
from pipeline.records import Annotation, Question
from pipeline.scoring.truth.negatives import occurs
from pipeline.scoring.truth.scripted import score_truth

TRUTHS = {scene.name: truth_of(scene) for scene in SCENES}


def negative(video_id: str, text: str) -> Annotation:
    return Annotation(
        video_id=video_id,
        annotation_id=f"{video_id} {text}",
        task="event_grounding",
        questions=[Question(qid="q0", text=text, asked_s=0)],
        responses=[],
        is_negative=True,
    )


@pytest.mark.parametrize(
    ("scene", "text", "found"),
    [
        ("scene-01", "a red circle in view", True),  # all the time, which is no event
        ("scene-01", "a blue circle in view", True),  # from 7.3 s on
        ("scene-01", "a yellow square in view", True),
        ("scene-01", "a yellow circle in view", False),
        ("scene-01", "the background is grey", True),
        ("scene-01", "the background is gray", True),
        ("scene-01", "the background is red", False),
        ("scene-09", "a white square moves down", True),
        ("scene-09", "a white square moves right", True),
        ("scene-09", "a white square moves left", False),
        ("scene-09", "a square moves", True),
        ("scene-11", "a cyan circle moving up and left", False),
        ("scene-08", "a red circle", True),
        ("scene-08", "a blue circle", False),
        ("scene-08", "somebody opens a door", None),
        ("scene-08", "", None),
    ],
)
def test_a_subject_is_looked_for_in_all_that_is_true(
    scene: str, text: str, found: bool | None
) -> None:
    assert occurs(TRUTHS[scene], negative(scene, text)) is found


def test_what_occurs_lowers_the_score() -> None:
    asked = [
        negative("scene-01", "a yellow circle in view"),
        negative("scene-01", "a red circle in view"),
        negative("scene-09", "a dog runs"),
    ]
    score = score_truth(TRUTHS.values(), asked, []).negatives
    assert (score.absent.part, score.absent.whole, score.unscored) == (1, 2, 1)
    text = score_truth(TRUTHS.values(), asked, []).to_text()
    assert "\nabsent    50.0 % (1 of 2)\nunscored  1\n" in text
