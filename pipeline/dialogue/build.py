"""Builds the dialogues of one annotation of a video, or of several at once."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.dialogue.compile import Compiled, compile_turns
from pipeline.dialogue.placement import Collision, Refusal
from pipeline.dialogue.tiling import DialogueError, Tiling
from pipeline.records import Annotation, AskedQuestion, Check, Dialogue, Question, Turns, Video
from pipeline.records.turns import SILENCE

MIXED = "mixed"
"""The task of a dialogue whose annotations are of several tasks."""
_SILENCE = bytes([SILENCE])


def build_dialogues(
    video: Video,
    tiling: Tiling,
    annotations: Sequence[Annotation],
    sample_id: str,
    *,
    collision: Collision = "merge",
    standby: bool = True,
) -> tuple[list[Dialogue], tuple[Refusal, ...]]:
    """The dialogue of all annotations together (several only where responses are split off), and
    the refused responses. There is no dialogue where every response is refused.

    Of several annotations, ids of questions and responses get the annotation's id before them, so
    each response still names the question it answers. ``sample_id`` names the first dialogue;
    others add ``-1``, ``-2`` and so on.

    Raises:
        DialogueError: see ``compile_turns``; also ``duplicate_annotation``.
    """
    together = join(annotations)
    compilation = compile_turns(together, tiling, collision=collision, standby=standby)
    if together.responses and len(compilation.refused) == len(together.responses):
        return [], compilation.refused
    asked = {
        question.qid: question
        for annotation in annotations
        for question in _asked(annotation, prefixed=len(annotations) > 1)
    }
    dialogues = []
    for number, compiled in enumerate(compilation.dialogues):
        name = f"{sample_id}-{number}" if number else sample_id
        dialogues.append(_dialogue(video, tiling, annotations, together, asked, compiled, name))
    return dialogues, compilation.refused


def join(annotations: Sequence[Annotation]) -> Annotation:
    """One annotation that holds the questions and responses of all; itself where there is one."""
    first = annotations[0]
    if len(annotations) == 1:
        return first
    ids = [annotation.annotation_id for annotation in annotations]
    if len(set(ids)) < len(ids):
        raise DialogueError("duplicate_annotation", f"in {sorted(ids)}")
    return Annotation(
        video_id=first.video_id,
        annotation_id="+".join(ids),
        task=_common([annotation.task for annotation in annotations], MIXED),
        aspect=_common([annotation.aspect for annotation in annotations], ""),
        questions=[
            question.model_copy(update=_prefixed(question, f"{annotation.annotation_id}/"))
            for annotation in annotations
            for question in annotation.questions
        ],
        responses=[
            response.model_copy(
                update={
                    "rid": f"{annotation.annotation_id}/{response.rid}",
                    "qid": f"{annotation.annotation_id}/{response.qid}",
                }
            )
            for annotation in annotations
            for response in annotation.responses
        ],
        checks=[
            check.model_copy(update={"rid": f"{annotation.annotation_id}/{check.rid}"})
            if check.rid
            else check
            for annotation in annotations
            for check in annotation.checks
        ],
        provenance=[call for annotation in annotations for call in annotation.provenance],
        origins=sorted({origin for a in annotations for origin in a.origins}),
        parent_ids=list(dict.fromkeys(i for a in annotations for i in a.parent_ids)),
        is_negative=all(annotation.is_negative for annotation in annotations),
    )


def _prefixed(question: Question, prefix: str) -> dict[str, str]:
    named = {"qid": question.qid, "depends_on": question.depends_on}
    return {name: prefix + qid for name, qid in named.items() if qid}


def n_tail(turns: Turns) -> int:
    """The number of silent turns without a question at the end."""
    silent = len(turns) - len(turns.states.rstrip(_SILENCE))
    asked = [place for place, question in turns.asked.items() if question.text]
    return min(silent, len(turns) - 1 - max(asked, default=-1))


def _asked(annotation: Annotation, *, prefixed: bool) -> list[AskedQuestion]:
    prefix = f"{annotation.annotation_id}/" if prefixed else ""
    return [
        AskedQuestion.trusted(
            {
                "qid": prefix + question.qid,
                "text": question.text,
                "asked_s": question.asked_s,
                "options": question.options,
                "kind": question.kind,
                "distractors": question.distractors,
                "asked_by": question.asked_by,
                "depends_on": prefix + question.depends_on if question.depends_on else "",
                "task": annotation.task,
                "aspect": annotation.aspect,
                "annotation_id": annotation.annotation_id,
                "is_negative": annotation.is_negative,
            }
        )
        for question in annotation.questions
    ]


def _dialogue(
    video: Video,
    tiling: Tiling,
    annotations: Sequence[Annotation],
    together: Annotation,
    asked: dict[str, AskedQuestion],
    compiled: Compiled,
    sample_id: str,
) -> Dialogue:
    turns, states = compiled.turns, compiled.turns.counts()
    return Dialogue.trusted(
        {
            "sample_id": sample_id,
            "video_id": video.video_id,
            "task": together.task,
            "aspect": together.aspect,
            "source": video.source,
            "licence": video.licence,
            "split": video.split,
            "sha256": video.sha256,
            "frames_sha256": tiling.frames_sha256,
            "uri": video.uri,
            "clip_start_s": video.clip_start_s,
            "clip_end_s": video.clip_end_s,
            "clips": video.clips,
            "duration_s": video.duration_s,
            "width": video.width,
            "height": video.height,
            "turns_per_s": tiling.turns_per_s,
            "whole_id": "",
            "context_turns": 0,
            "n_silence": states["silence"],
            "n_standby": states["standby"],
            "n_response": states["response"],
            "n_tail": n_tail(turns),
            "annotation_ids": [annotation.annotation_id for annotation in annotations],
            "is_negative": together.is_negative,
            "is_still": {question.asked_by for question in together.questions} == {"still"},
            "models": sorted({call.writer for call in together.provenance}),
            "origins": together.origins,
            "parent_ids": together.parent_ids,
            "checks": _checks_of(together, compiled) if together.checks else [],
            "provenance": together.provenance,
            "questions": [asked[qid] for here in turns.asked.values() for qid in here.qids],
            "responses": list(compiled.responses),
            "memory": [],
            "turns": turns,
        }
    )


def _checks_of(together: Annotation, compiled: Compiled) -> list[Check]:
    """Those of the whole, and those of responses that are in this dialogue."""
    rids = {response.rid for response in compiled.responses}
    return [check for check in together.checks if not check.rid or check.rid in rids]


def _common(names: Sequence[str], otherwise: str) -> str:
    return names[0] if len(set(names)) == 1 else otherwise
