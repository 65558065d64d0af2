"""Turn annotations into dialogues: one turn a segment, with a state and, when due, a text.

reads:  Annotation (of any number of nodes), Segment, Video
writes: Dialogue, in order of the annotations, mixed ones behind them; a Reject where an annotation
        fits no dialogue or came before, and for each response that its dialogue cannot hold
source: section 3.2 of arXiv:2512.21334 (states and turns); ``pipeline.dialogue`` has the laws
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipeline.dialogue.asking import Asking, Moments, asked, from_turn, opening
from pipeline.dialogue.budget import Budget, turn_costs
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.cut import Windowed
from pipeline.dialogue.due import END, Due, with_due
from pipeline.dialogue.placement import Collision, Refusal
from pipeline.dialogue.reasons import UNFIT
from pipeline.dialogue.tiling import DialogueError, Tiling, tiling_of
from pipeline.dialogue.window import windows
from pipeline.records import Annotation, Dialogue, Reject, Segment, Video
from pipeline.records.digest import digest
from pipeline.settings import MOST
from pipeline.workflow.curation import Curation
from pipeline.workflow.prompt import Prompt
from pipeline.workflow.stage import (
    Context,
    Reason,
    StageConfig,
    VideoRows,
    per_video_stage,
    reasons_of,
)
from stages._curation import Decided, edited
from stages._instructions import FOLDER, problems, worded
from stages._mixed import groups

AT_START = Asking(start=1)


class Config(StageConfig, Curation):
    """How annotations become dialogues."""

    collision: Collision = Field(
        "merge",
        description="two responses in one turn: joined, the later one moved on while it is valid,"
        " or split off into another dialogue",
    )
    standby: bool = Field(
        True,
        description="turns in which what is to be said has begun are on standby; false: they are"
        " silent, for recipes of two states",
    )
    mixed: Literal["none", "also", "only"] = Field(
        "none",
        description="dialogues with the questions of several annotations of a video: none, also,"
        " or only those (an annotation that is alone keeps its own)",
    )
    mixed_annotations: int = Field(4, ge=2, description="most annotations in a mixed dialogue")
    window: Budget | None = Field(
        None, description="cut dialogues that are longer than this; null keeps them whole"
    )
    asked: Mapping[str, Asking] = Field(
        {},
        description="by task, when its questions are asked; those of other tasks at the start, and"
        " those of a dataset that says when, then",
    )
    before_s: float = Field(
        2.0, ge=0, description="of `before_first`: seconds between question and first answer, least"
    )
    after_s: float = Field(
        5.0, ge=0, description="of `after_event`: seconds between evidence and question, most"
    )
    still_s: float = Field(
        5.0,
        ge=0,
        description="seconds of silence up to the last frame, least, behind a question that is"
        " asked where its answer changes no more; `still_share` of verify says which are",
    )
    lead_s: Mapping[str, float] = Field(
        {},
        description="by task, how much of a video its dialogues show before the evidence of the"
        " first answer, in seconds; those of other tasks begin with the video",
    )
    due: Mapping[str, Due] = Field(
        {}, description="by task, when its responses are due; those of other tasks at the `end`"
    )
    verified: tuple[str, ...] = Field(
        ("tsqa",),
        description="the tasks whose answers a verifier confirms; only those can have another"
        " policy in `due` than `end`",
    )
    instructions: str = Field(FOLDER, description="folder of prompts with a task's paraphrases")
    seed: int = Field(
        0,
        description="draws paraphrases, what is mixed, and moments, with the ids of samples and"
        " annotations",
    )

    @field_validator("lead_s")
    @classmethod
    def _positive(cls, lead_s: Mapping[str, float]) -> Mapping[str, float]:
        for task, seconds in lead_s.items():
            if not 0 <= seconds < MOST:
                raise ValueError(f"{task}: {seconds} s")
        return lead_s

    @model_validator(mode="after")
    def _confirmed(self) -> Config:
        for task, due in self.due.items():
            if due.by != "end" and task not in self.verified:
                raise ValueError(
                    f"due.{task}.by: {due.by!r} needs a verifier of its answers, and `verified`"
                    f" has only {', '.join(self.verified) or 'none'}; without one only 'end'"
                )
        return self

    def prompts(self) -> tuple[str, ...]:
        """All paraphrases of all tasks."""
        return (self.instructions,)


def timed(annotation: Annotation, tiling: Tiling, config: Config) -> Annotation:
    """The annotation with its responses due and its questions asked as the policies have it."""
    task, seed = annotation.task, config.seed
    due = config.due.get(task, END)
    chance = annotation.annotation_id
    responses = with_due(annotation.responses, tiling, due, chance, seed)
    annotation = annotation.model_copy(update={"responses": responses})
    first = _opening(annotation, tiling, config)
    is_still = any(response.still_until_s is not None for response in responses)
    if first == 0 and task not in config.asked and not is_still:
        return annotation
    moments = Moments(config.before_s, config.after_s, config.still_s, seed)
    return asked(annotation, tiling, config.asked.get(task, AT_START), moments, first)


def _opening(annotation: Annotation, tiling: Tiling, config: Config) -> int:
    lead_s = config.lead_s.get(annotation.task)
    return 0 if lead_s is None else opening(annotation, tiling, lead_s)


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Dialogue | Reject]:
    """The dialogues of one video."""
    video = rows[Video][0]
    fresh: dict[str, Annotation] = {}
    for annotation in rows[Annotation]:
        if annotation.annotation_id in fresh:
            yield _refuse(annotation, "duplicate_annotation", annotation.annotation_id)
        else:
            fresh[annotation.annotation_id] = annotation
    try:
        tiling = tiling_of(video.video_id, rows[Segment])
    except DialogueError as error:
        yield from (_refuse(each, error.reason, error.detail) for each in fresh.values())
        return
    sound, make = [], _Maker(video, tiling, config, context.prompts)
    for annotation in fresh.values():
        if not annotation.responses and not annotation.is_negative:
            yield _refuse(annotation, "no_valid_response", "it has none, and is no negative")
            continue
        try:
            made, refused = make([annotation])
        except DialogueError as error:
            yield _refuse(annotation, error.reason, error.detail)
            continue
        yield from (_refuse_response(annotation, refusal) for refusal in refused)
        if not made:
            yield _refuse(annotation, "no_valid_response", f"all {len(refused)} were refused")
            continue
        sound.append(annotation)
        if config.mixed != "only":
            yield from make.decided(made)
    if config.mixed != "none":
        for together in groups(sound, config.mixed_annotations, config.seed):
            if len(together) > 1 or config.mixed == "only":
                yield from make.decided(make(together)[0])


@dataclass(frozen=True)
class _Maker:
    """Makes dialogues of one video."""

    video: Video
    tiling: Tiling
    config: Config
    prompts: Mapping[str, Prompt]

    def __call__(self, annotations: Sequence[Annotation]) -> tuple[list[Dialogue], list[Refusal]]:
        """Those of some annotations together, and the refused responses; where a person changed
        what one of them says, of what that person says."""
        ids = [annotation.annotation_id for annotation in annotations]
        name = digest([*ids, self.config.seed, self.config.collision], 16)
        made, refused = self._made(annotations, name)
        edits = self._decided.edits(made)
        if not edits:
            return made, refused
        several = len(annotations) > 1
        own = [edited(annotation, edits, prefixed=several) for annotation in annotations]
        kept = [each for each in own if each.responses or each.is_negative]
        return self._made(kept, name) if kept else ([], [])

    def decided(self, dialogues: Iterable[Dialogue]) -> Iterator[Dialogue | Reject]:
        """The dialogues but for those that a person turned down."""
        for dialogue in dialogues:
            decision = self._decided.rejected(dialogue)
            if decision is None:
                yield self._decided.checked(dialogue)
            else:
                detail = f"{decision.by}: {decision.note}" if decision.note else decision.by
                row = json.dumps({"sample_id": dialogue.sample_id})
                yield Reject(reason="rejected_by_person", detail=detail, row=row)

    def _made(
        self, annotations: Sequence[Annotation], name: str
    ) -> tuple[list[Dialogue], list[Refusal]]:
        ready = [
            worded(timed(each, self.tiling, self.config), self.config.seed, self.prompts)
            for each in annotations
        ]
        return _make(ready, name, self.video, self.tiling, self.config)

    @property
    def _decided(self) -> Decided:
        return Decided(self.config.by_sample)


def _make(
    annotations: Sequence[Annotation], name: str, video: Video, tiling: Tiling, config: Config
) -> tuple[list[Dialogue], list[Refusal]]:
    """The dialogues of some annotations together, cut where they are too long."""
    made, refusals = build_dialogues(
        *(video, tiling, annotations, name), collision=config.collision, standby=config.standby
    )
    first = min(_opening(annotation, tiling, config) for annotation in annotations)
    late = [from_turn(dialogue, first) for dialogue in made]
    if config.window is None:
        return late, list(refusals)
    budget = config.window
    short = [turn_costs(dialogue, budget).total <= budget.max_tokens for dialogue in late]
    cut = [
        Windowed((opened,), ()) if fits else windows(dialogue, budget)
        for dialogue, opened, fits in zip(made, late, short, strict=True)
    ]
    refused = [*refusals, *(refusal for each in cut for refusal in each.refused)]
    return [dialogue for each in cut for dialogue in each.dialogues], refused


def _refuse(annotation: Annotation, reason: str, detail: str) -> Reject:
    return Reject(reason=reason, detail=detail, row=annotation.model_dump_json())


def _refuse_response(annotation: Annotation, refusal: Refusal) -> Reject:
    response = next(r for r in annotation.responses if r.rid == refusal.rid)
    detail = f"response {refusal.rid!r} of {annotation.annotation_id}: {refusal.detail}"
    return Reject(reason=refusal.reason, detail=detail, row=response.model_dump_json())


_PER_VIDEO = per_video_stage(
    name="dialogue",
    version=8,
    reads=(Annotation, Segment, Video),
    writes=Dialogue,
    config=Config,
    run=run,
    tasks=lambda config, read: {*read, *(("mixed",) if config.mixed != "none" else ())},
    reasons=(
        Reason(
            "no_valid_response",
            "All responses of the annotation were refused; or it has none, and is no negative.",
        ),
        Reason(
            "rejected_by_person",
            "A person turned the sample down (`curate.decisions`); the detail says who and when.",
            policy=True,
        ),
        *reasons_of(UNFIT),
    ),
)
STAGE = replace(_PER_VIDEO, prompt_problems=problems)
