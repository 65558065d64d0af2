"""Streamo's raw files, as its authors' converter reads them.

Files: JSON lists or JSON Lines, a row for each task on a video. Times count seconds from 1 or are
exact seconds, which all rows of a file decide together (``pipeline/corpus/streamo/origin.py``);
both become seconds. By ``task_type``: ``action_caption`` gives steps;
``event_caption`` and ``narration`` give events, with a start alone where there is a single time;
``event_grounding`` gives the event that its question has in quotation marks; ``QA`` and ``TSQA``
give questions, answered from the span of their response, or from the video up to its time. A
question with several answers over time has no equivalent, and is unread as ``changing_answers``.
Texts are by a model.

Source: https://arxiv.org/abs/2512.21334, https://github.com/maifoundations/Streamo
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, RawKind, Unread
from pipeline.manifest.adapters.platform_ids import collected_id, ego4d_id, flickr_id, youtube_id
from pipeline.manifest.adapters.streamo_rows import Raw, raw_rows

CAPTIONS: dict[str, RawKind] = {
    "action_caption": "step",
    "event_caption": "event",
    "narration": "event",
}
GROUNDING = "event_grounding"
QUESTIONS = ("qa", "tsqa", "offline_qa")

_OF_YOUTUBE = (
    *("qvhighlight", "qvhighlights", "youcook", "youcook2", "youcookv2", "coin", "queryd"),
    *("howtostep", "howtocaption"),
)
_QUOTED = re.compile(r"(?:^|[\s:])(?:'(.+)'|\"(.+)\")[\s.?!]*$", re.DOTALL)


def entry(record: Raw, pointer: str, split: str) -> Entry | Unread:
    """A video with the annotations of its row."""
    task = re.sub(r"[\s-]+", "_", record.sample.task.strip().lower())
    annotations: Sequence[RawAnnotation] | Unread
    if task in CAPTIONS:
        annotations = _captions(record, CAPTIONS[task], pointer)
    elif task == GROUNDING:
        annotations = _grounding(record, pointer)
    elif task in QUESTIONS:
        annotations = _questions(record, pointer)
    else:
        annotations = Unread(pointer, "unsupported_task", record.sample.task[:60])
    if isinstance(annotations, Unread):
        return annotations
    paths = [path for path in (record.sample.video_path, record.sample.annotation.video_id) if path]
    places = tuple(Place(path) for path in dict.fromkeys(paths))
    return Entry(paths[0], places, tuple(annotations), split, _platform_id(record, paths[0]))


def _captions(record: Raw, kind: RawKind, pointer: str) -> Sequence[RawAnnotation]:
    return [
        RawAnnotation(
            kind,
            response.text,
            start_s=response.start_s,
            end_s=response.end_s if response.kind == "event" else None,
            origin="model",
            pointer=f"{pointer}/response/{response.rid}",
        )
        for response in record.sample.annotation.responses
    ]


def _grounding(record: Raw, pointer: str) -> Sequence[RawAnnotation] | Unread:
    texts = {one.qid: one.text for one in record.sample.annotation.questions}
    annotations = []
    for response in record.sample.annotation.responses:
        found = _QUOTED.search(texts[response.qid])
        if found is None:
            return Unread(pointer, "no_caption", "no question has an event in quotation marks")
        annotations.append(
            RawAnnotation(
                "event",
                found[1] or found[2],
                start_s=response.start_s,
                end_s=response.end_s if response.kind == "event" else None,
                origin="model",
                pointer=f"{pointer}/response/{response.rid}",
            )
        )
    return annotations


def _questions(record: Raw, pointer: str) -> Sequence[RawAnnotation] | Unread:
    answers = Counter(response.qid for response in record.sample.annotation.responses)
    questions = {one.qid: one for one in record.sample.annotation.questions}
    if any(number > 1 for number in answers.values()):
        return Unread(pointer, "changing_answers", f"{max(answers.values())} answers to a question")
    untimed = {refusal.rid for refusal in record.sample.untimed}
    annotations = []
    for response in record.sample.annotation.responses:
        question = questions[response.qid]
        annotations.append(
            RawAnnotation(
                "qa",
                response.text,
                start_s=response.start_s if response.kind == "event" else 0.0,
                end_s=response.end_s,
                question=question.text,
                options=tuple(question.options),
                asked_s=None if question.qid in untimed else question.asked_s,
                origin="model",
                pointer=f"{pointer}/response/{response.rid}",
            )
        )
    return annotations


def _platform_id(record: Raw, path: str) -> str:
    source = re.sub(r"[^a-z0-9]", "", record.sample.source.lower())
    stem = PurePosixPath(path).stem
    if source.startswith("ego") or "ego4d" in path.lower():
        return ego4d_id(stem)
    if source == "didemo":
        return flickr_id(PurePosixPath(path).name)
    if source == "activitynet":
        return youtube_id(stem.removeprefix("v_"))
    return youtube_id(stem) if source in _OF_YOUTUBE else collected_id(path)


ADAPTER = Adapter(
    name="streamo_raw",
    title="Streamo, raw files",
    files=tuple(AnnotationFile(f"**/*.{end}", raw_rows, Raw, entry) for end in ("json", "jsonl")),
    proven=True,
    proof="the two rows of the example in its authors' repository; tasks but QA from the paper",
    licence="streamo_raw",
)
