"""What people did in Label Studio, as decisions of a run and as annotations of their own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from pipeline.errors import CommandError
from pipeline.reports.label_studio.judged import Change, Judged, UnreadError, judged, utc
from pipeline.reports.label_studio.project import ShownResponse, ShownSample
from pipeline.reports.viewer.decisions import save_decisions
from pipeline.store.files.json_rows import read_json_rows
from pipeline.store.location import Location
from pipeline.workflow.curation import DECISIONS, Decision, read_decisions

ANNOTATIONS: Final = "labelled/annotations.jsonl"
"""Below the root of a run: spans that people added, a row each, as the adapter ``table`` reads."""
MARKED: Final = "a span is marked where silence was right"

Key = tuple[str, str]
"""Sample and ``rid``."""
Row = dict[str, Any]


@dataclass
class Taken:
    """How many came of an export: ``new`` decisions by kind, those that were there (``known``) or
    are older than another about the same (``older``), annotations, and what cannot be read."""

    new: Counter[str] = field(default_factory=Counter)
    known: int = 0
    older: int = 0
    annotations: int = 0
    idle: int = 0
    problems: Counter[str] = field(default_factory=Counter)


def take(export: Path, root: Location, known_samples: AbstractSet[str], who: str = "") -> Taken:
    """Add to the decisions of a run what people decided in Label Studio, and to its annotations
    the regions that they added.

    Raises:
        CommandError: a line of the decisions is none, or they lie in an object store.
        OSError: the export cannot be read.
    """
    taken = Taken()
    try:
        last = {(d.sample_id, d.rid): d for d in read_decisions(root / DECISIONS)}
    except ValueError as error:
        raise CommandError(str(error)) from None
    found = list(_judged(export, known_samples, who, taken))
    new = [d for each in found for d in _new(each, last, taken)]
    if root.path is None:
        raise CommandError("not supported: decisions of a run in an object store")
    save_decisions(root, new)
    taken.annotations = _save_added(root / ANNOTATIONS, found)
    return taken


def _judged(
    export: Path, known_samples: AbstractSet[str], who: str, taken: Taken
) -> Iterator[Judged]:
    for row in read_json_rows(export):
        try:
            if row.error:
                raise UnreadError("a row that is no JSON")
            each = judged(row.value, who)
        except UnreadError as problem:
            taken.problems[str(problem)] += 1
            continue
        if each is None:
            taken.idle += 1
        elif each.sample.sample_id not in known_samples:
            taken.problems["a task of a sample that this run has not"] += 1
        else:
            taken.problems += each.problems
            yield each


def _new(one: Judged, last: dict[Key, Decision], taken: Taken) -> Iterator[Decision]:
    """Those that are not there yet, and not older than what was decided of the same response or of
    the whole sample. ``last`` has them afterwards."""
    try:
        found = list(decisions_of(one, last))
    except ValidationError as error:
        name = error.errors(include_url=False)[0]["loc"][0]
        taken.problems[f"a decision that cannot be kept: its {name}"] += 1
        return
    for decision in found:
        key, at = (decision.sample_id, decision.rid), _time(decision)
        if max(_time(last.get(each)) for each in (key, (decision.sample_id, ""))) > at:
            taken.older += 1
        elif _time(last.get(key)) == at:
            taken.known += 1
        else:
            taken.new[decision.decision] += 1
            last[key] = decision
            yield decision


_EVER = datetime.min.replace(tzinfo=timezone.utc)


def _time(decision: Decision | None) -> datetime:
    """When it was made; before all others where there is none, or nobody says so."""
    return (utc(decision.at) if decision else None) or _EVER


def decisions_of(one: Judged, last: Mapping[Key, Decision]) -> Iterator[Decision]:
    """What a person decided of a sample, beside what was decided before (``last``).

    All as shown: the sample is accepted. All gone, or a span marked in a negative: it is rejected.
    Else each response is decided of by itself. A change from before that was shown is kept in what
    is changed further; one that was not is taken back where the region is as shown.
    """
    sample = one.sample
    shown = {response.rid: response for response in sample.responses}

    def say(decision: str, rid: str = "", **more: Any) -> Decision:
        fields = {"decision": decision, "rid": rid, "who": one.who, "at": one.at, **more}
        return Decision.model_validate({"sample_id": sample.sample_id, **fields})

    def before(rid: str) -> Decision | None:
        return last.get((sample.sample_id, rid))

    if sample.is_negative:
        if one.added:
            yield say("reject", note=MARKED)
        elif not one.problems:
            yield say("accept")
        return
    verdicts = one.verdicts
    if verdicts.keys() == shown.keys() and all(each == "gone" for each in verdicts.values()):
        yield say("reject")
        return
    is_whole = verdicts.keys() == shown.keys() and all(e == "as shown" for e in verdicts.values())
    whole = before("")
    if is_whole:
        yield say("accept")
    elif whole is not None and whole.decision == "reject":
        yield say("none")
    for rid, verdict in verdicts.items():
        held = before(rid)
        stands = held is not None and held.decision == "change" and _shows(sample, shown[rid], held)
        if isinstance(verdict, Change):
            kept = held if stands else None
            yield say("change", rid, **_fields(kept, verdict))
        elif verdict == "gone":
            yield say("reject", rid)
        elif not stands and (not is_whole or (held and held.decision in ("change", "reject"))):
            yield say("accept", rid)


def _fields(kept: Decision | None, change: Change) -> Mapping[str, Any]:
    fields = {name: getattr(kept, name, None) for name in ("start_s", "end_s", "text")}
    differ = {name: value for name, value in vars(change).items() if value is not None}
    return fields | differ


def _shows(sample: ShownSample, response: ShownResponse, change: Decision) -> bool:
    """Whether a response was shown as a decision of before has it."""
    clock, kind = sample.clock, response.kind
    start_s = response.start_s if change.start_s is None else change.start_s
    end_s = response.end_s if change.end_s is None else change.end_s
    if kind == "instant":
        start_s = end_s if change.start_s is None else start_s
    seen = clock.frames(kind, response.start_s, response.end_s)
    same_text = change.text is None or change.text.split() == response.text.split()
    return same_text and clock.frames(kind, start_s, end_s) == seen


def _save_added(file: Location, found: Sequence[Judged]) -> int:
    """Write the annotations of these samples in place of those that earlier imports found of them;
    how many are new or other than before."""
    try:
        old: list[Row] = [json.loads(line) for line in file.read_bytes().splitlines()]
    except FileNotFoundError:
        old = []
    except ValueError as error:
        raise CommandError(f"{file} is not what this verb wrote: {error}") from None
    at = {each.sample.sample_id: each.at for each in found}
    later = {row["sample_id"] for row in old if row["at"] > at.get(row["sample_id"], row["at"])}
    now = [each for each in found if each.sample.sample_id not in later]
    replaced = {each.sample.sample_id for each in now}
    new = [row for each in now for row in _rows(each)]
    rows = [row for row in old if row["sample_id"] not in replaced] + new
    if rows or old:
        rows.sort(key=lambda row: (str(row["pointer"]), row["start_s"]))
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return sum(row not in old for row in new)


def _rows(one: Judged) -> Iterator[Row]:
    sample = one.sample
    video: Row = {"video": sample.uri, "name": sample.video_id, "split": sample.split}
    if sample.clip_start_s or sample.clip_end_s is not None:
        end_s = sample.clip_start_s + sample.duration_s
        video |= {"clip_start_s": sample.clip_start_s, "clip_end_s": sample.clip_end_s or end_s}
    for each in one.added:
        said = each.model_dump(mode="json", exclude_defaults=True)
        yield {**video, "sample_id": sample.sample_id, "at": one.at, **said}
