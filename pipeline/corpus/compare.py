"""Two corpora side by side: which samples are gone, new or changed, and what changed in them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from pipeline.corpus.compare_runs import RunChanges, compare_runs
from pipeline.corpus.layout import CorpusError
from pipeline.corpus.read import read_corpus
from pipeline.dialogue.state_counts import StateCounts
from pipeline.records import Dialogue
from pipeline.store.files.terminal import escaped
from pipeline.store.files.text_table import text_table

_EXAMPLES = 3
_DIGEST_BYTES = 8

PARTS: Final[Mapping[str, Callable[[Dialogue], Any]]] = {
    "states": lambda d: d.turns.states,
    "texts": lambda d: (d.turns.asked, d.turns.said),
    "times": lambda d: (d.turns.first, d.turns.starts, d.turns.ends, d.turns.frames),
    "responses": lambda d: (d.questions, d.responses, d.turns.flags),
    "weights": lambda d: (d.turns.losses, d.turns.loss_scales),
    "licence": lambda d: (d.source, d.licence),
    "split": lambda d: (d.task, d.aspect, d.split),
    "video": lambda d: (d.video_id, d.sha256, d.uri, d.clip_start_s, d.clip_end_s, d.duration_s),
    "models": lambda d: (d.models, d.origins, d.checks),
    "provenance": lambda d: d.model_dump(exclude={"turns", "questions", "responses"}),
}
"""What may change in a sample, what matters most first; the last holds all the rest."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Value):
    """Samples of a task that changed alike."""

    task: str
    what: str
    """``gone``, ``new`` or ``changed``."""
    why: str
    """For ``gone`` and ``new``: ``video`` where all of its video is, else ``sample``. For
    ``changed`` the first of ``PARTS`` that differs."""
    samples: int
    examples: list[str]
    """The first ids."""


class Counts(_Value):
    """What one corpus has of a task; an empty name of a task stands for all."""

    dialogues: int = 0
    videos: int = 0
    silence: int = 0
    standby: int = 0
    response: int = 0

    @property
    def ratio(self) -> str:
        """Silence to standby to response."""
        counts = self.model_dump(include={"silence", "standby", "response"})
        return StateCounts(**counts).ratio()


class TaskCounts(_Value):
    """A task in both."""

    task: str
    before: Counts
    after: Counts


class Comparison(_Value):
    """All that differs."""

    same: int
    """Samples that are the same in both."""
    changes: list[Change]
    tasks: list[TaskCounts]
    """The whole first."""
    run: RunChanges = RunChanges()


@dataclass
class _Corpus:
    """What is kept of one corpus: some 200 bytes a sample."""

    samples: dict[str, tuple[str, str, tuple[bytes, ...]]] = field(default_factory=dict)
    """Task, video and the digests of ``PARTS`` by ``sample_id``."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    videos: dict[str, set[str]] = field(default_factory=dict)

    def of(self, task: str) -> Counts:
        """The counts of a task."""
        return Counts(**self.counts.get(task, Counter()), videos=len(self.videos.get(task, ())))


def compare_corpora(before: Path, after: Path) -> Comparison:
    """Two corpus folders, or Parquet files of them, by ``sample_id``.

    Raises:
        CorpusError: ``no_corpus``, ``unreadable``, ``newer_format``, or ``repeated_sample``.
    """
    old, new = _read(before), _read(after)
    found: dict[tuple[str, str, str], list[str]] = {}
    same = 0
    for key, sample_id in _differences(old, new):
        if key is None:
            same += 1
        else:
            found.setdefault(key, []).append(sample_id)
    tasks = sorted(old.counts.keys() | new.counts.keys())
    return Comparison(
        same=same,
        changes=[
            Change(
                task=task, what=what, why=why, samples=len(ids), examples=sorted(ids)[:_EXAMPLES]
            )
            for (task, what, why), ids in sorted(found.items())
        ],
        tasks=[TaskCounts(task=task, before=old.of(task), after=new.of(task)) for task in tasks],
        run=compare_runs(before, after),
    )


def sums_of(comparison: Comparison) -> str:
    """``12 the same, 1 gone, 0 new, 2 changed``."""
    sums: Counter[str] = Counter()
    for change in comparison.changes:
        sums[change.what] += change.samples
    named = ", ".join(f"{sums[what]:,} {what}" for what in ("gone", "new", "changed"))
    return f"{comparison.same:,} the same, {named}"


def text_of_comparison(comparison: Comparison) -> str:
    """Sums, then the changes by task and cause, then counts, states and thresholds side by side."""
    parts = [f"samples: {sums_of(comparison)}"]
    if comparison.changes:
        rows = [
            (change.task, change.what, change.why, f"{change.samples:,}", change.examples[0])
            for change in comparison.changes
        ]
        parts.append(text_table(rows, ("task", "what", "why", ">samples", "such as")))
    names = list(Counts.model_fields)
    rows_of_counts = [
        [task.task or "all"]
        + [_both(getattr(task.before, name), getattr(task.after, name)) for name in names]
        + [task.before.ratio if task.before == task.after
           else f"{task.before.ratio} > {task.after.ratio}"]
        for task in comparison.tasks
    ]  # fmt: skip
    parts.append(text_table(rows_of_counts, ["task", *(f">{name}" for name in names), ">ratio"]))
    if comparison.run.settings:
        settings = [(each.key, _shown(each.before), _shown(each.after))
                    for each in comparison.run.settings]  # fmt: skip
        parts.append(text_table(settings, ("setting", "before", "after")))
    if comparison.run.yields:
        yields = [
            (each.node, each.reason, _named(each.settings), _both(each.before, each.after))
            for each in comparison.run.yields
        ]
        parts.append(text_table(yields, ("step", "turned down for", "settings", ">rows")))
    return "\n\n".join(parts)


def _read(path: Path) -> _Corpus:
    corpus = _Corpus()
    for sample in read_corpus(path, frames=False):
        for dialogue in sample.dialogues:
            if dialogue.sample_id in corpus.samples:
                raise CorpusError("repeated_sample", f"{dialogue.sample_id!r} in {path}")
            digests = tuple(_digest(part(dialogue)) for part in PARTS.values())
            corpus.samples[dialogue.sample_id] = dialogue.task, dialogue.video_id, digests
            for task in ("", dialogue.task):
                corpus.videos.setdefault(task, set()).add(dialogue.video_id)
                corpus.counts.setdefault(task, Counter()).update(
                    dialogues=1,
                    silence=dialogue.n_silence,
                    standby=dialogue.n_standby,
                    response=dialogue.n_response,
                )
    return corpus


def _differences(old: _Corpus, new: _Corpus) -> Iterator[tuple[tuple[str, str, str] | None, str]]:
    """Task, what and why of every sample of either; None for one that is the same."""
    for one, other, what in ((old, new, "gone"), (new, old, "new")):
        videos: Iterable[str] = other.videos.get("", ())
        for sample_id in one.samples.keys() - other.samples.keys():
            task, video_id, _ = one.samples[sample_id]
            yield (task, what, "sample" if video_id in videos else "video"), sample_id
    for sample_id in old.samples.keys() & new.samples.keys():
        task, _, digests = new.samples[sample_id]
        pairs = zip(PARTS, old.samples[sample_id][2], digests, strict=True)
        why = next((part for part, a, b in pairs if a != b), None)
        yield (task, "changed", why) if why else None, sample_id


def _digest(value: object) -> bytes:
    return hashlib.blake2b(repr(value).encode(), digest_size=_DIGEST_BYTES).digest()


def _named(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in settings.items())


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escaped(" ".join(text.split()))


def _both(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} > {after:,}"
