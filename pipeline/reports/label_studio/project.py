"""A project of Label Studio: its labelling config, and a task for each sample.

Format: "Label Studio JSON task format" and the tags ``Video``, ``TimelineLabels`` and ``TextArea``
of its documentation; Label Studio 1.23.2 takes and gives it so. A region of the timeline and its
text are two results with one id. The ``data`` of a task come back as they were, so what was shown
is in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from xml.etree import ElementTree as xml

from pydantic import Field

from pipeline.media.member import member_of
from pipeline.records import Dialogue, Seconds, Video
from pipeline.reports.label_studio.frame_clock import OWN_RATE, FrameClock, Kind
from pipeline.settings import Settings
from pipeline.store.files.json_writer import JsonWriter
from pipeline.workflow.outputs import rows_of
from pipeline.workflow.plan import NodePlan

CONFIG: Final = "label_config.xml"
TASKS: Final = "tasks.json"
OURS: Final = "turnwise"
"""The key of a task's data with the sample as it was shown."""
SPAN: Final = "span"
TEXT: Final = "text"
"""Names of the two controls."""
_VIDEO = "video"


class ShownResponse(Settings):
    """A response as people saw it."""

    rid: str = Field(max_length=64)
    kind: Kind
    text: str
    start_s: Seconds
    end_s: Seconds


class ShownSample(Settings):
    """A sample as people saw it."""

    sample_id: str
    video_id: str
    uri: str
    split: str
    clip_start_s: Seconds
    clip_end_s: Seconds | None
    duration_s: Seconds
    frames_per_s: float = Field(ge=1)
    is_negative: bool
    responses: tuple[ShownResponse, ...]

    @property
    def clock(self) -> FrameClock:
        """Of the timeline."""
        return FrameClock(self.frames_per_s, self.clip_start_s, self.duration_s)


@dataclass
class Exported:
    """How many tasks were written, by task of the sample; and what was not, by why."""

    tasks: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def write_project(
    dialogues_of: Sequence[NodePlan],
    videos_of: Sequence[NodePlan],
    folder: Path,
    tasks: Collection[str],
    media_prefix: str,
) -> Exported:
    """Write config and tasks; ``tasks``: only samples of these, or of all where it is empty.

    Raises:
        StoreError: a part cannot be read.
    """
    done = Exported()
    folder.mkdir(parents=True, exist_ok=True)
    with JsonWriter(folder / TASKS, indent=1) as writer:
        for dialogue, frame_rate in _samples(dialogues_of, videos_of):
            if tasks and dialogue.task not in tasks:
                continue
            if why := _not_supported(dialogue):
                done.left_out[why] += 1
                continue
            writer.write(task_of(dialogue, frame_rate, media_prefix))
            done.tasks[dialogue.task] += 1
    (folder / CONFIG).write_text(label_config(list(done.tasks)), encoding="utf-8")
    return done


def _samples(
    dialogues_of: Sequence[NodePlan], videos_of: Sequence[NodePlan]
) -> Iterator[tuple[Dialogue, float]]:
    """The dialogues with the frame rates of their files, shard by shard."""
    for plan in dialogues_of:
        for shard, part in sorted(plan.parts.items()):
            beside = [each.parts[shard] for each in videos_of if shard in each.parts]
            videos = [video for each in beside for video in rows_of(Video, each)]
            rates = {video.video_id: video.frame_rate for video in videos}
            for dialogue in rows_of(Dialogue, part):
                yield dialogue, rates.get(dialogue.video_id, 0.0)


def _not_supported(dialogue: Dialogue) -> str:
    if dialogue.clips:
        return "a stream of several clips"
    if member_of(dialogue.uri) is not None:
        return "a video inside a tar, zip or Parquet file"
    return ""


def media_url(uri: str, prefix: str) -> str:
    """Where Label Studio finds a video; an address with a scheme stays."""
    return uri if "://" in uri or not prefix else prefix + quote(uri.lstrip("/"))


def task_of(dialogue: Dialogue, frame_rate: float, media_prefix: str) -> dict[str, Any]:
    """The task of a sample: its responses are regions that somebody has predicted."""
    sample = ShownSample(
        sample_id=dialogue.sample_id,
        video_id=dialogue.video_id,
        uri=dialogue.uri,
        split=dialogue.split,
        clip_start_s=dialogue.clip_start_s,
        clip_end_s=dialogue.clip_end_s,
        duration_s=dialogue.duration_s,
        frames_per_s=frame_rate if frame_rate >= 1 else OWN_RATE,
        is_negative=dialogue.is_negative,
        responses=tuple(
            ShownResponse(rid=r.rid, kind=r.kind, text=r.text, start_s=r.start_s, end_s=r.end_s)
            for r in dialogue.responses
        ),
    )
    asked = [f"{each.asked_s:g} s: {each.text}" for each in dialogue.questions]
    data = {
        "video": media_url(dialogue.uri, media_prefix),
        "frames_per_s": sample.frames_per_s,
        "task": dialogue.task,
        "question": "\n".join(asked),
        OURS: sample.model_dump(mode="json"),
    }
    shown = [each for r in sample.responses for each in _results(sample, r, dialogue.task)]
    return {"data": data, "predictions": [{"model_version": OURS, "result": shown}]}


def _results(sample: ShownSample, response: ShownResponse, task: str) -> Iterator[dict[str, Any]]:
    first, last = sample.clock.frames(response.kind, response.start_s, response.end_s)
    ranges = [{"start": first, "end": last}]
    # No ``text``: Label Studio lets people edit it there, beside the control that it is read from.
    meta = {"sample_id": sample.sample_id, "rid": response.rid}
    common = {"id": response.rid, "to_name": _VIDEO, "meta": meta}
    yield {
        **common,
        "from_name": SPAN,
        "type": "timelinelabels",
        "value": {"ranges": ranges, "timelinelabels": [task]},
    }
    yield {
        **common,
        "from_name": TEXT,
        "type": "textarea",
        "value": {"ranges": ranges, "text": [response.text]},
    }


def label_config(tasks: Sequence[str]) -> str:
    """The labelling config, with a label for each task."""
    view = xml.Element("View")
    xml.SubElement(view, "Header", value="$task")
    xml.SubElement(view, "Text", name="question", value="$question")
    xml.SubElement(view, "Video", name=_VIDEO, value="$video", frameRate="$frames_per_s")
    labels = xml.SubElement(view, "TimelineLabels", name=SPAN, toName=_VIDEO)
    for task in tasks:
        xml.SubElement(labels, "Label", value=task)
    text = {"perRegion": "true", "editable": "true", "maxSubmissions": "1", "rows": "2"}
    xml.SubElement(view, "TextArea", {"name": TEXT, "toName": _VIDEO, **text})
    xml.indent(view)
    return xml.tostring(view, encoding="unicode") + "\n"
