"""Turn annotations into dialogues: one turn a segment, with a state and, when due, a text.

reads:  Annotation (of any number of nodes), Segment, Video
writes: Dialogue, one per annotation, in order; a Reject where an annotation fits no dialogue, or
        came before
source: section 3.2 of arXiv:2512.21334 (states and turns); ``pipeline.dialogue`` has the laws
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from pipeline.dialogue.compile import Collision, DialogueError, compile_turns
from pipeline.fingerprint import digest
from pipeline.prompt import Prompt
from pipeline.records import Annotation, Dialogue, Question, Reject, Response, Segment, Video
from pipeline.stage import Context, StageConfig, VideoRows, per_video_stage
from stages._asking import writer
from stages._instructions import FOLDER, instruction, lettered, with_options


class Config(StageConfig):
    """How annotations become dialogues."""

    collision: Collision = Field(
        "merge", description="two responses in one turn: joined, or the later one moved on"
    )
    instructions: str = Field(FOLDER, description="folder of prompts with a task's paraphrases")
    seed: int = Field(0, description="chooses the paraphrases, together with the sample's id")

    def prompts(self) -> tuple[str, ...]:
        """All paraphrases of all tasks."""
        return (self.instructions,)


def worded(
    annotation: Annotation, sample_id: str, seed: int, prompts: Mapping[str, Prompt]
) -> Annotation:
    """The annotation with questions put as instructions, and answers by letter of an option."""

    def put(question: Question) -> Question:
        text = instruction(annotation.task, question.text, sample_id, seed, prompts)
        text = with_options(text, question.options, sample_id, seed, prompts)
        return question.model_copy(update={"text": text})

    options = {question.qid: question.options for question in annotation.questions}

    def answer(response: Response) -> Response:
        choices = options.get(response.qid, [])
        if response.text not in choices:
            return response
        text = lettered(choices.index(response.text), response.text)
        return response.model_copy(update={"text": text})

    return annotation.model_copy(
        update={
            "questions": [put(question) for question in annotation.questions],
            "responses": [answer(response) for response in annotation.responses],
        }
    )


def rate(segments: Sequence[Segment]) -> float:
    """Turns a second. A video of one turn says nothing of it but how long the turn is."""
    step_s = segments[1].start_s if len(segments) > 1 else segments[0].end_s
    return round(1.0 / step_s, 6)


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Dialogue | Reject]:
    """A dialogue an annotation of one video."""
    segments = rows[Segment]
    video = rows[Video][0]
    before: set[str] = set()
    for annotation in rows[Annotation]:
        if annotation.annotation_id in before:
            yield _refuse(annotation, "duplicate_annotation", annotation.annotation_id)
            continue
        before.add(annotation.annotation_id)
        sample_id = digest([annotation.annotation_id, config.seed, config.collision], 16)
        try:
            said = worded(annotation, sample_id, config.seed, context.prompts)
            turns = list(compile_turns(said, segments, collision=config.collision).turns)
        except DialogueError as error:
            yield _refuse(annotation, error.reason, error.detail)
            continue
        states = Counter(turn.state for turn in turns)
        models = sorted({writer(provenance) for provenance in annotation.provenance})
        yield Dialogue(
            sample_id=sample_id,
            video_id=annotation.video_id,
            task=annotation.task,
            aspect=annotation.aspect,
            source=video.source,
            licence=video.licence,
            split=video.split,
            sha256=video.sha256,
            clip_start_s=video.clip_start_s,
            clip_end_s=video.clip_end_s,
            duration_s=video.duration_s,
            turns_per_s=rate(segments),
            n_silence=states["silence"],
            n_standby=states["standby"],
            n_response=states["response"],
            models=models,
            annotation_ids=[annotation.annotation_id],
            parent_ids=annotation.parent_ids,
            checks=annotation.checks,
            provenance=annotation.provenance,
            turns=turns,
        )


def _refuse(annotation: Annotation, reason: str, detail: str) -> Reject:
    row = annotation.model_dump_json()
    return Reject(video_id=annotation.video_id, reason=reason, detail=detail, row=row)


STAGE = per_video_stage(
    name="dialogue",
    version=1,
    reads=(Annotation, Segment, Video),
    writes=Dialogue,
    config=Config,
    run=run,
)
