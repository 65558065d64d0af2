"""A video that was trained on is found by whatever it shares with one that is tested with."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.records import Dialogue, Question, Response, StreamClip
from pipeline.scoring.leaks import leaks
from tests.pipeline.corpus.formats.samples import dialogue_of

MADE = dialogue_of(
    5, 1, [Question(qid="q0", text="?", asked_s=0)], [Response.instant("r0", "a", 1)]
)


def of(name: str, uri: str, **fields: Any) -> Dialogue:
    known = {"video_id": name, "uri": uri, "sha256": f"of {name}", "frames_sha256": ""}
    return MADE.model_copy(update={**known, **fields})


TESTED = of("bench-1", "coin/dQw4w9WgXcQ.mp4", frames_sha256="shown")


@pytest.mark.parametrize(
    ("trained", "shared"),
    [
        (of("a", "x/other.mp4", sha256="of bench-1"), "sha256:of bench-1"),
        (of("a", "x/other.mp4", frames_sha256="shown"), "sha256:shown"),
        (of("a", "youcook/v_dQw4w9WgXcQ.webm"), "youtube:dQw4w9WgXcQ"),
        (of("bench-1", "x/other.mp4"), "bench-1"),
        (
            of("stream", "").model_copy(
                update={
                    "clips": (
                        StreamClip(
                            video_id="c", uri="y/dQw4w9WgXcQ_3.0_9.0.mp4", duration_s=5, sha256="c"
                        ),
                    )
                }
            ),
            "youtube:dQw4w9WgXcQ",
        ),
    ],
)
def test_a_planted_one_is_found(trained: Dialogue, shared: str) -> None:
    clean = [of(f"t{number}", f"x/film-{number}-of-it.mp4") for number in range(3)]
    assert not list(leaks([TESTED], clean))
    found = list(leaks([TESTED], [*clean, trained, trained]))
    assert found == [f"bench-1 is {trained.video_id} ({shared})"]
