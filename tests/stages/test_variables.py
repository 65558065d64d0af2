"""The example of its variables that a stage declares has just what its cases give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.records import (
    Annotation,
    CaptionedStream,
    Change,
    ChangePoint,
    DenseSegment,
    Event,
    FramedSegment,
    PieceRelevance,
    Provenance,
    Segment,
    Summary,
    VerifiedEvent,
    Video,
    VideoCaption,
    VideoType,
)
from pipeline.workflow import prompt as prompt_module
from pipeline.workflow.annotation_stage import FRAME_TIMES
from pipeline.workflow.config import load_config
from pipeline.workflow.config_file import CONFIGS
from pipeline.workflow.graph import build_graph, stage_names
from pipeline.workflow.stage import load_stage
from tests.stages.clip_streams import stream
from tests.stages.matrices import matrix

SHORT: dict[str, dict[str, Any]] = {
    "summarise": {"raw_s": 2, "tasks": ("tsqa",)},
    "merge_summaries": {"middle": 2},
    "memory_questions": {"every": 1, "memory": {"raw_s": 2}},
    "verify_context": {"memory": {"raw_s": 2}},
}
"""Settings of stages that ask about minutes, for a video of seconds."""
ASKING = [name for name in stage_names() if load_stage(name).answer is not None]


@pytest.fixture
def rows(
    framed: Callable[..., list[FramedSegment]],
    event: Callable[..., VerifiedEvent],
    tsqa: Callable[..., Annotation],
    provenance: Provenance,
    point: Callable[..., ChangePoint],
    video: Callable[..., Video],
    video_rows: Callable[..., Any],
) -> Any:
    """A video with rows of every kind that a stage asks about."""
    changes = [
        Change(
            video_id="v", index=i, time_s=i, changed=True, text="It moves.", provenance=provenance
        )
        for i in (1, 2)
    ]
    events = [event(0, 3), event(4, 8)]
    plain = [Event.model_validate(e.model_dump(include=set(Event.model_fields))) for e in events]
    kinds: dict[Any, Any] = {
        FramedSegment: framed(10),
        DenseSegment: framed(10),
        Change: changes,
        Event: plain,
        VerifiedEvent: events,
        ChangePoint: [point("red", "blue", 4), point("blue", "red", 8)],
    }
    asked = tsqa((2, "red"), (6, "blue"))
    wanted = asked.model_copy(update={"annotation_id": "b", "task": "event_grounding"})
    caption = VideoCaption(video_id="v", caption="A ball rolls.", provenance=provenance)
    kinds |= {VideoCaption: [caption], CaptionedStream: [stream("v", [12.0, 10.0])]}
    summaries = [
        Summary(
            video_id="v",
            level="middle",
            start_s=2 * n,
            end_s=2 * n + 2,
            text="A ball rolled.",
            provenance=provenance,
        )
        for n in range(5)
    ]
    kinds |= {Segment: framed(10), Summary: summaries, PieceRelevance: matrix("a", 5)}
    kinds |= {VideoType: [VideoType(kind="memory_dependent", provenance=provenance)]}
    return video_rows(kinds | {Video: [video()], Annotation: [asked, wanted]})


def shape(value: Any) -> Any:
    """The types of a value; whole numbers count as numbers, and a list as its first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])]
    return float if isinstance(value, (int, float)) else type(value)


@pytest.mark.parametrize("name", ASKING)
def test_a_stage_declares_the_variables_that_its_cases_give(
    name: str, rows: Any, asking: Callable[..., Any]
) -> None:
    stage = load_stage(name)
    context, engine = asking(stage.config().prompts()[0], lambda ask: "no answer")
    config = stage.config.model_validate(SHORT.get(name, {}))
    list(stage.run([rows], config, context))
    assert engine.asks
    for ask in engine.asks:
        if stage.wants == "vectors":  # a prompt that is embedded names what it wants of them
            assert ask.variables.keys() <= stage.variables.keys()
            continue
        given, declared = _without_times(ask.variables), _without_times(stage.variables)
        assert given.keys() == declared.keys()
        filled = [name for name, value in given.items() if value != []]
        assert all(shape(given[name]) == shape(declared[name]) for name in filled)


def _without_times(variables: Any) -> dict[str, Any]:
    return {k: v for k, v in variables.items() if k != FRAME_TIMES}


@pytest.fixture
def prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the prompts, which the stages read in place of them."""
    import shutil

    copied = shutil.copytree(prompt_module.PROMPTS, tmp_path / "prompts")
    monkeypatch.setattr(prompt_module, "PROMPTS", copied)
    load = prompt_module.load_prompts
    monkeypatch.setattr("pipeline.workflow.graph.load_prompts", lambda name: load(name, copied))
    yield copied


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (
            "ground",
            "{{ captoin }}",
            r"^nodes\.ground\.config\.prompt: prompts/ground\.md, line 27: there"
            r" is no variable 'captoin'; did you mean 'caption'\? known: caption, duration_s",
        ),
        ("rewrite", "{{ frame_times }}", r"rewrite.*: there is no variable 'frame_times'"),
        ("polish", "{{ lines[0].z }}", r"polish.*line 28: .*no attribute 'z'"),
        (
            "verify",
            "{{ unclosed",
            r"verify\.config\.prompt: prompts/verify\.md, line 30: unexpected",
        ),
        (
            "instructions/tsqa",
            "- {{ qestion }}",
            r"^nodes\.dialogue\.config\.instructions: prompts/instructions/tsqa\.md, line 7:"
            r" there is no variable 'qestion'; did you mean 'question'\?",
        ),
        ("instructions/options", "- {{ question }}", r"options\.md, line 2: .*'question'"),
        ("instructions/narration", "- {{ question", r"narration\.md, line 7: unexpected end"),
    ],
)
def test_a_wrong_prompt_is_found_when_the_graph_is_built(
    prompts: Path, file: str, line: str, message: str
) -> None:
    config = load_config(CONFIGS / "streamo.yaml")
    build_graph(config)
    path = prompts / f"{file}.md"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ConfigError, match=message):
        build_graph(config)


def test_a_folder_of_instructions_has_a_way_to_list_options(prompts: Path) -> None:
    (prompts / "own").mkdir()
    (prompts / "own" / "tsqa.md").write_text("Ask: {{ question }}\n")
    overrides = ["nodes.dialogue.config.instructions=own"]
    with pytest.raises(ConfigError) as caught:
        build_graph(load_config(CONFIGS / "streamo.yaml", overrides))
    assert str(caught.value).splitlines() == [
        "nodes.dialogue.config.instructions: there is no file options.md among the instructions",
        "nodes.dialogue.config.instructions: prompts/own/tsqa.md: there is no paraphrase: none of"
        " its lines begins with '- '",
    ]
