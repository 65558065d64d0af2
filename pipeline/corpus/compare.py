"""Two corpora side by side: which samples are gone, new or changed, and what changed in them."""

from __future__ import annotations

import filecmp
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from pipeline.corpus.compare_runs import RunChanges, compare_runs
from pipeline.corpus.layout import CorpusError
from pipeline.corpus.read import dialogue_batches, dialogue_files
from pipeline.corpus.row_digests import DIGEST_BYTES, LENGTH, row_digests
from pipeline.dialogue.state_counts import StateCounts
from pipeline.records import Dialogue
from pipeline.records.turns import STATES
from pipeline.store.files.terminal import escaped
from pipeline.store.files.text_table import text_table

_EXAMPLES = 3

_NAMED: Final[Mapping[str, Sequence[str]]] = {
    "states": (f"turns.{LENGTH}", "turns.state"),
    "texts": (
        *(f"turns.{name}" for name in ("question", "qids", "text", "rids", "answers")),
        "memory",
    ),
    "times": tuple(f"turns.{name}" for name in ("index", "start_s", "end_s", "frame_s")),
    "responses": ("questions", "responses", "turns.flags"),
    "weights": ("turns.loss", "turns.loss_scale"),
    "licence": ("source", "licence"),
    "split": ("task", "aspect", "split"),
    "video": ("video_id", "sha256", "uri", "clip_start_s", "clip_end_s", "clips", "duration_s"),
    "models": ("models", "origins", "checks"),
}
PARTS: Final[Mapping[str, Sequence[str]]] = {
    **_NAMED,
    "provenance": tuple(sorted(Dialogue.model_fields.keys() - {*chain(*_NAMED.values()), "turns"})),
}
"""What may change in a sample, by columns and what matters most first; the last holds the rest."""
_COUNTED: Final = ("sample_id", "task", "video_id", "n_silence", "n_standby", "n_response")


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
    """What is kept of one corpus: some 400 bytes a sample."""

    path: Path
    samples: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    """Task, video and the digests of ``PARTS`` by ``sample_id``; none for a sample of a file that
    both have."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    videos: dict[str, set[str]] = field(default_factory=dict)

    def of(self, task: str) -> Counts:
        """The counts of a task."""
        return Counts(**self.counts.get(task, Counter()), videos=len(self.videos.get(task, ())))

    def add(self, batch: pa.RecordBatch, digests: Iterable[bytes]) -> None:
        """Takes in rows.

        Raises:
            CorpusError: ``repeated_sample``.
        """
        ids, tasks, videos, *states = (batch.column(name).to_pylist() for name in _COUNTED)
        for sample_id, task, video_id, digest, *of_states in zip(
            ids, tasks, videos, digests, *states, strict=True
        ):
            if sample_id in self.samples:
                raise CorpusError("repeated_sample", f"{sample_id!r} in {self.path}")
            self.samples[sample_id] = task, video_id, digest
            for name in ("", task):
                self.videos.setdefault(name, set()).add(video_id)
                counts = self.counts.setdefault(name, Counter())
                counts["dialogues"] += 1
                for state, turns in zip(STATES, of_states, strict=True):
                    counts[state] += turns


def compare_corpora(before: Path, after: Path) -> Comparison:
    """Two corpus folders, or Parquet files of them, by ``sample_id``.

    Raises:
        CorpusError: ``no_corpus``, ``unreadable``, ``newer_format``, or ``repeated_sample``.
    """
    old, new = _read(before, after)
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


def _read(before: Path, after: Path) -> tuple[_Corpus, _Corpus]:
    """Both corpora. A file that both have is read once, and nothing in it is compared."""
    old, new = _Corpus(before), _Corpus(after)
    olds, news = dialogue_files(before), dialogue_files(after)
    common = [name for name in olds.keys() & news.keys() if _is_same(olds[name], news[name])]
    for name in common:
        for batch in dialogue_batches(olds[name]):
            old.add(batch, repeat(b"", len(batch)))
            new.add(batch, repeat(b"", len(batch)))
    for corpus, files in ((old, olds), (new, news)):
        for name in files.keys() - set(common):
            for batch in dialogue_batches(files[name]):
                corpus.add(batch, row_digests(batch, list(PARTS.values())))
    return old, new


def _is_same(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes; who reads them says if they cannot be read."""
    try:
        return one.samefile(other) or filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def _differences(old: _Corpus, new: _Corpus) -> Iterator[tuple[tuple[str, str, str] | None, str]]:
    """Task, what and why of every sample of either; None for one that is the same."""
    for one, other, what in ((old, new, "gone"), (new, old, "new")):
        videos: Iterable[str] = other.videos.get("", ())
        for sample_id in one.samples.keys() - other.samples.keys():
            task, video_id, _ = one.samples[sample_id]
            yield (task, what, "sample" if video_id in videos else "video"), sample_id
    for sample_id in old.samples.keys() & new.samples.keys():
        task, _, digests = new.samples[sample_id]
        before = old.samples[sample_id][2]
        why = "" if before == digests else next(_differing(before, digests))
        yield (task, "changed", why) if why else None, sample_id


def _differing(before: bytes, after: bytes) -> Iterator[str]:
    """The parts whose digests differ."""
    for number, part in enumerate(PARTS):
        own = slice(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES)
        if before[own] != after[own]:
            yield part


def _named(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in settings.items())


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escaped(" ".join(text.split()))


def _both(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} > {after:,}"
