"""What people did with the regions of a sample, read from a task that Label Studio exported. Pure.

A region is the response whose ``rid`` is its id, or stands in its ``meta`` where it got another
id. Of several annotations of a task the latest counts. What cannot be read is a problem with a
name, and the rest of the task counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from pipeline.records import SourceAnnotation
from pipeline.reports.label_studio.frame_clock import Frames, OutsideError
from pipeline.reports.label_studio.project import OURS, SPAN, TEXT, ShownResponse, ShownSample
from pipeline.settings import MOST

LABELLER = "label_studio"


class UnreadError(ValueError):
    """What cannot be read, by name."""


@dataclass(frozen=True)
class Change:
    """What differs from what was shown; None where nothing does."""

    start_s: float | None = None
    end_s: float | None = None
    text: str | None = None


Verdict = Change | Literal["as shown", "gone"]


@dataclass(frozen=True)
class Judged:
    """What one person decided of one sample.

    ``verdicts``: by ``rid``, without those that cannot be read; ``added``: regions that no response
    had.
    """

    sample: ShownSample
    who: str
    at: str
    verdicts: Mapping[str, Verdict]
    added: Sequence[SourceAnnotation]
    problems: Counter[str] = field(default_factory=Counter)


class _Result(BaseModel):
    id: str = ""
    from_name: str = ""
    value: dict[str, Any] = {}
    meta: dict[str, Any] = {}


class _Annotation(BaseModel):
    result: list[Any] = []
    was_cancelled: bool = False
    completed_by: Any = None
    created_at: str = ""
    updated_at: str = ""


class _Task(BaseModel):
    data: dict[str, Any]
    annotations: list[_Annotation] = []


@dataclass
class _Region:
    ranges: Any = None
    texts: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)


def judged(row: Any, who: str = "") -> Judged | None:
    """What the latest annotation of a task says; None where nobody has annotated it. ``who``: the
    name in place of Label Studio's number of the person.

    Raises:
        UnreadError: the task is none of ours, or has no time.
    """
    try:
        task = _Task.model_validate(row)
    except ValidationError:
        raise UnreadError(
            "a row that is no task with its data, as the format JSON has it"
        ) from None
    try:
        sample = ShownSample.model_validate(task.data.get(OURS))
    except ValidationError:
        raise UnreadError(f"a task that `label export` did not make: no data.{OURS}") from None
    made = [each for each in task.annotations if not each.was_cancelled]
    if not made:
        return None
    times = {place: _time(each) for place, each in enumerate(made)}
    latest = max(times, key=lambda place: times[place])
    by = who or _number(made[latest].completed_by)
    return _read(sample, made[latest], by, times[latest].isoformat())


def _time(annotation: _Annotation) -> datetime:
    found = utc(annotation.updated_at or annotation.created_at)
    if found is None:
        raise UnreadError("an annotation without a time")
    return found


def utc(text: str) -> datetime | None:
    """A time of ISO 8601 in UTC, as which one without a zone counts; None for another text."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(
            timezone.utc
        )
    except (ValueError, OverflowError):
        return None


def _number(completed_by: Any) -> str:
    """Who it was, without name and address, for decisions may be published."""
    number = completed_by.get("id") if isinstance(completed_by, dict) else completed_by
    return f"{LABELLER}:{number}" if isinstance(number, int) else LABELLER


def _read(sample: ShownSample, annotation: _Annotation, who: str, at: str) -> Judged:
    problems: Counter[str] = Counter()
    regions = _regions(annotation.result, problems)
    shown = {each.rid: each for each in sample.responses}
    found = {name: name for name in regions if name in shown}
    for name, region in regions.items():
        rid = region.meta.get("rid")
        if name not in shown and isinstance(rid, str) and rid in shown.keys() - found:
            found[rid] = name
    verdicts: dict[str, Verdict] = {rid: "gone" for rid in shown if rid not in found}
    for rid, name in found.items():
        try:
            verdicts[rid] = _verdict(sample, shown[rid], regions[name], problems)
        except UnreadError as problem:
            problems[str(problem)] += 1
    added = []
    for name in regions.keys() - found.values():
        try:
            added.append(_added(sample, name, regions[name], f"{who}@{at}"))
        except UnreadError as problem:
            problems[f"{problem}, new"] += 1
    added.sort(key=lambda each: (each.start_s or 0, each.end_s or 0, each.pointer))
    return Judged(sample, who, at, verdicts, added, problems)


def _regions(results: Sequence[Any], problems: Counter[str]) -> dict[str, _Region]:
    """By id. A region and its text are two results."""
    regions: dict[str, _Region] = {}
    for result in _valid(results, problems):
        region = regions.setdefault(result.id, _Region())
        region.meta = {**region.meta, **result.meta}
        if result.from_name == SPAN:
            region.ranges = result.value.get("ranges")
        else:
            region.texts = result.value.get("text")
    return regions


def _valid(results: Sequence[Any], problems: Counter[str]) -> Iterator[_Result]:
    for each in results:
        try:
            result = _Result.model_validate(each)
        except ValidationError:
            problems["a result that is none"] += 1
            continue
        if result.from_name in (SPAN, TEXT) and result.id:
            yield result
        else:
            problems["a result of a control that is not ours"] += 1


def _verdict(
    sample: ShownSample, response: ShownResponse, region: _Region, problems: Counter[str]
) -> Verdict:
    clock = sample.clock
    before = clock.frames(response.kind, response.start_s, response.end_s)
    first, last = _frames(region)
    start_s = end_s = None
    try:
        if first != before[0]:
            start_s = clock.start_s(first)
        if last != before[1] and response.kind == "event":
            end_s = clock.end_s(last)
    except OutsideError:
        raise UnreadError("a region that leaves the clip") from None
    text = _text(region)
    if not text:
        problems["a region whose text is empty: it stays as it was"] += 1
    said = text if text and text.split() != response.text.split() else None
    change = Change(start_s, end_s, said)
    return "as shown" if change == Change() else change


def _added(sample: ShownSample, name: str, region: _Region, by: str) -> SourceAnnotation:
    first, last = _frames(region)
    text = _text(region)
    if not text:
        raise UnreadError("a region without a text")
    try:
        start_s, end_s = sample.clock.start_s(first), sample.clock.end_s(last)
    except OutsideError:
        raise UnreadError("a region that leaves the clip") from None
    return SourceAnnotation(
        kind="event",
        text=text,
        start_s=start_s,
        end_s=end_s,
        annotator=by,
        origin="human",
        pointer=f"{LABELLER}/{sample.sample_id}#{name}",
    )


def _frames(region: _Region) -> Frames:
    match region.ranges:
        case [{"start": int(first), "end": int(last)}] if 1 <= first <= last <= MOST:
            return first, last
    raise UnreadError("a region without one range of frames")


def _text(region: _Region) -> str:
    """Label Studio has a list of the texts of a region, of which there may be one."""
    match region.texts:
        case None | []:
            return ""
        case str(text) | [str(text)]:
            return text.strip()
    raise UnreadError("a region with several texts")
