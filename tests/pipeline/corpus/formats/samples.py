"""Dialogues of arbitrary annotations, and how they are shown, for the tests of every format."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from hypothesis import strategies as st

from pipeline.corpus.formats.base import View
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import even_tiling
from pipeline.records import (
    Annotation,
    Dialogue,
    DialogueHead,
    Question,
    Remembered,
    Response,
    Span,
    Video,
)

PLACEHOLDERS = ["<image>", "<stream>", "<video>", "<audio>"]
TOKENS = [
    *("</Silence>", "</Standby>", "</Response>", "<Silence>", "<Standby>", "<Response>"),
    *(
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|image_pad|>",
        "<|endoftext|>",
        "<|user|>",
    ),
    *(
        "</s>",
        "<s>",
        "<eos>",
        "<end_of_turn>",
        "[INST]",
        "[/INST]",
        "<think>",
        "<\uff5cUser\uff5c>",
    ),
]
"""What a trainer's tokenizer takes for a state, or for the frame of a chat."""
AWKWARD = [
    "Q\n<0s-1s>",
    "<1s-2s>",
    "two\nlines\n",
    "\n<0s-1s>\n",
    " spaces  within ",
    "< /Silence>",
    "<response> said",
    "\u2028 a\tb\r\n c\u00a0d",
    "什么\n时候",
    "<3s-4s>\n<3s-4s>",
]
TEXTS = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
        lambda text: bool(text.strip()) and not any(p in text for p in PLACEHOLDERS + TOKENS)
    ),
)
MODELS: list[list[str]] = [[], ["teacher-7b@a1"], ["embedded@1"], ["embedded@1", "teacher-7b@a1"]]
"""Of a dialogue; the last two are not for training."""
RATES = st.one_of(
    st.sampled_from([0.5, 2 / 3, 1.0, 1.0, 2.0, 3.0, 24000 / 1001, 10.0]), st.floats(0.5, 10)
)
# JSON of any kind, among it what a row might be made of.
KEYS = st.one_of(
    st.sampled_from(["messages", "role", "content", "images", "image", "videos", "conversations"]),
    st.sampled_from(["from", "value", "fps", "duration", "segments", "query", "kind", "text"]),
    st.sampled_from(["question", "response", "time", "st_time", "end_time", "start_s", "qid"]),
    st.text(max_size=3),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["user", "assistant", "system", "human", "gpt", "<0s-1s>\n<image>", "event"]),
    st.sampled_from(["</Silence>", "</Response> a", "<0s-1s>\n<stream>", 10**400, "²"]),
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=15,
)


def video_of(duration_s: float, **more: Any) -> Video:
    fields: dict[str, Any] = {"source": "films", "licence": "CC0", "clip_start_s": 0.0, **more}
    return Video(
        video_id="v",
        uri="films/v.mp4",
        duration_s=duration_s,
        width=64,
        height=48,
        rotation_deg=0,
        codec="h264",
        frame_rate=25.0,
        sha256="0" * 64,
        **fields,
    )


def dialogue_of(
    duration_s: float, turns_per_s: float, questions: list[Question], responses: list[Response]
) -> Dialogue:
    made = Annotation(
        video_id="v", annotation_id="a", task="tsqa", questions=questions, responses=responses
    )
    tiling = even_tiling("v", duration_s, turns_per_s)
    return build_dialogues(video_of(duration_s), tiling, [made], "v-a")[0][0]


@st.composite
def dialogues(
    draw: st.DrawFn,
    rates: st.SearchStrategy[float] = RATES,
    texts: st.SearchStrategy[str] = TEXTS,
    most_questions: int = 3,
    collision: str | None = None,
    clips: bool = False,
) -> Dialogue:
    """Of one or two annotations together, with overlaps, late questions, merged and clamped."""
    rate = draw(rates)
    turns = draw(st.integers(1, 14))
    duration_s = draw(st.one_of(st.just(turns / rate), st.floats(0.3, 14)))
    times = st.one_of(
        st.floats(0, 0.95 * duration_s), st.integers(0, turns - 1).map(lambda i: i / rate)
    ).map(lambda time_s: min(time_s, 0.95 * duration_s))
    annotations = []
    for name in draw(st.sampled_from([["a"], ["a", "b"]] if most_questions > 1 else [["a"]])):
        questions = [
            Question(
                qid=f"q{i}",
                text=draw(texts),
                asked_s=draw(times) * draw(st.sampled_from([0.0, 1.0, 2.0])),
                options=draw(st.sampled_from([[], ["A. red", "B. blue"]])),
            )
            for i in range(draw(st.integers(1, most_questions)))
        ]
        responses = []
        for i in range(draw(st.integers(0, 5))):
            start_s, event = draw(times), draw(st.booleans())
            end_s = start_s + draw(st.floats(0.01, 5)) if event else start_s
            evidence = [Span(start_s=start_s / 2, end_s=start_s)] if draw(st.booleans()) else []
            responses.append(
                Response(
                    rid=f"r{i}",
                    qid=draw(st.sampled_from(questions)).qid,
                    kind="event" if event else "instant",
                    text=draw(texts),
                    start_s=start_s,
                    end_s=end_s,
                    respond_s=end_s + draw(st.sampled_from([0.0, 0.4])),
                    valid_until_s=draw(st.sampled_from([None, end_s + 3])),
                    evidence=evidence,
                )
            )
        annotations.append(
            Annotation(
                video_id="v",
                annotation_id=name,
                task=f"task {name}",
                questions=questions,
                responses=responses,
            )
        )
    video = video_of(duration_s, clip_start_s=12.5 if clips and draw(st.booleans()) else 0.0)
    tiling = even_tiling("v", duration_s, rate)
    how = draw(st.sampled_from(["merge", "shift", "split"])) if collision is None else collision
    made, refused = build_dialogues(video, tiling, annotations, "v-a", collision=how)  # type: ignore[arg-type]
    assert not refused
    models = draw(st.sampled_from(MODELS))
    return draw(st.sampled_from(made)).model_copy(update={"models": models})


MEMORY = [
    Remembered(level="long", start_s=0, end_s=20, text="A ball\nrolled."),
    Remembered(level="middle", start_s=20, end_s=30.5, text="<1s-2s> It stopped."),
]
"""Of a window; a summary may hold what looks like the label of a turn."""


@st.composite
def windows(draw: st.DrawFn) -> Dialogue:
    """A part of a dialogue, or all of it."""
    whole = draw(dialogues())
    first = draw(st.integers(0, len(whole.turns) - 1))
    turns = whole.turns[first : first + draw(st.integers(1, 6))]
    context = draw(st.integers(0, len(turns) - 1))
    parts = {"turns": turns, "whole_id": whole.sample_id, "context_turns": context}
    return whole.model_copy(update={**parts, "memory": draw(st.sampled_from([[], MEMORY]))})


def view(name: Any = "official", system: str = "Watch.\nAnswer.", weights: bool = False) -> View:
    def video(head: DialogueHead) -> str:
        return f"videos/{PurePosixPath(head.uri).name}"

    def image(head: DialogueHead, index: int) -> str:
        return f"frames/{head.video_id}/{index:06d}.jpg"

    return View(STATE_TOKENS[name], system, video, image, weights)


VIEWS = st.builds(
    view,
    st.sampled_from(sorted(name for name, tokens in STATE_TOKENS.items() if tokens.standby)),
    st.sampled_from(["", "Watch.\nAnswer."]),
    st.booleans(),
)


def as_json(value: Any) -> Any:
    """The value as a file gives it back."""
    return json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False))
