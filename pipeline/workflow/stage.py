"""A stage is a value, not a subclass: a name, a contract, and a function over videos."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from pipeline.engines.base import Answers, Engine
from pipeline.media.base import Media, MediaError
from pipeline.records import Record, Reject, Video
from pipeline.records.complete import complete
from pipeline.settings import Settings
from pipeline.workflow.prompt import Prompt

R = TypeVar("R", bound=Record)
C = TypeVar("C", bound="StageConfig")
Scope = Literal["source", "streams", "shard", "group", "dataset"]
Rows = Iterable[Record | Reject]
Tasks = Callable[[Any, Collection[str]], Collection[str]]
_LABELS = ("task", "family")
"""The fields that say what a row is for: the task of annotations and dialogues, and of events the
family, from which their task follows."""


def _none(prompts: Mapping[str, Prompt]) -> Iterable[str]:
    return ()


def _fits(config: Any, prompts: Mapping[str, Prompt]) -> Iterable[str]:
    return ()


class StageConfig(Settings):
    """Settings that change what a stage computes. Every field is part of its identity."""

    def prompts(self) -> tuple[str, ...]:
        """Names of the prompt files, or folders of them, that the stage reads."""
        return ()


class VideoRows(Protocol):
    """The rows of one video, by kind: ``rows[Segment]`` are its segments in order."""

    @property
    def video_id(self) -> str:
        """Of all of them."""
        ...

    def __getitem__(self, kind: type[R]) -> Sequence[R]:
        """Raises KeyError for a kind that the stage does not read."""
        ...


class NodeEngine(Engine, Protocol):
    """The engine of a node, with the names that provenance needs. It starts with the first ask."""

    kind: str
    model: str
    revision: str
    timed_frames: bool
    """Whether a model is shown each frame with its time (``EngineConfig.timed_frames``)."""


@dataclass(frozen=True)
class Context:
    """The outside world, as a stage gets it. A stage reaches nothing else."""

    manifest: Sequence[Mapping[str, Any]] = ()
    """For the scope ``source``: the rows of the manifest that make up this shard."""
    media: Media | None = None
    engine: NodeEngine | None = None
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    folder: Path | None = None
    """For the scopes ``group`` and ``dataset``: an empty folder whose files become part of the
    output."""
    group: int = 0
    """For the scope ``group``: which one it is, from 0."""
    dataset: Mapping[type[Record], Sequence[Record]] = field(default_factory=dict)
    """The rows of kinds that are about no video (``about_dataset``), the same for every shard."""

    def rows(self, kind: type[R]) -> Sequence[R]:
        """The rows of such a kind. Raises KeyError for one that the stage does not read."""
        return self.dataset[kind]  # type: ignore[return-value]  # each kind maps to rows of its own


@dataclass(frozen=True)
class Reason:
    """What a stage may turn a video or a row down for.

    ``name`` is the ``reason`` of its rejects, ``meaning`` a sentence that tells a user what
    happened. ``absence``: nothing is wrong; there was nothing to do, or it was not wanted. So it is
    counted apart, and against no limit. ``policy``: a setting turns down what may be valid, such as
    all events of a video for one of them; that is by design, and counts against no limit either.
    ``passing``: a fault of an engine, or of the place of a video, which may pass; ``retry`` takes
    these where no reason is named.
    """

    name: str
    meaning: str
    absence: bool = False
    passing: bool = False
    policy: bool = False


def reasons_of(meanings: Mapping[str, str], passing: Collection[str] = ()) -> tuple[Reason, ...]:
    """The reasons that a package gives, by name and meaning; ``passing`` names some of them."""
    return tuple(Reason(name, text, passing=name in passing) for name, text in meanings.items())


class PlaceFaults:
    """What a shard met of faults of the place of its videos.

    They are no verdicts on the videos, so that they fail the shard; but at its end, so that all of
    them are known at once, and what the other videos cost is not lost (``KeptMedia``). When
    ``IN_A_ROW`` videos fail one after the other, the place is gone, and the rest is not tried.
    """

    IN_A_ROW = 5

    def __init__(self) -> None:
        """None so far."""
        self._met: list[MediaError] = []
        self._in_a_row = 0

    @contextmanager
    def noted(self) -> Iterator[None]:
        """The work on one video, which ends where its place is at fault.

        Raises:
            MediaError: too many failed in a row.
        """
        try:
            yield
        except MediaError as error:
            if not error.passing:
                raise
            self._met.append(error)
            self._in_a_row += 1
            if self._in_a_row == self.IN_A_ROW:
                self.check()
        else:
            self._in_a_row = 0

    def check(self) -> None:
        """Raises MediaError if there were any; its detail is for users."""
        if self._met:
            lines = [f"  {error.detail}" for error in self._met]
            head = "videos that cannot be read now; the next run reads them, and keeps the others:"
            raise MediaError(self._met[0].reason, "\n".join([head, *lines]))


@dataclass(frozen=True)
class Stage(Generic[C]):
    """One step of the workflow.

    ``run`` maps the videos of one shard, in order of the manifest, to accepted and refused rows.
    Each video that has rows of the first kind in ``reads`` must come out with at least one row,
    accepted or refused. ``version`` is raised by the author when the meaning of the output changes;
    it, and not the source text, is identity.

    The scope ``source`` reads the manifest instead. A task of scope ``group`` reads so many
    consecutive shards as ``group_shards`` says, the last what is left; one of ``dataset`` reads
    all. Both may leave videos out, for their rows are about more than one. What they write about
    the dataset (``about_dataset``), every task of a later stage can read.

    One of scope ``streams`` reads all shards in one task, and makes new videos of their clips
    (``records.streams``), in new shards for the stages below it: each takes streams in the order in
    which they come until it has ``clips_per_shard`` clips. A video that enters is a clip of one
    stream, or has a reject.

    ``reasons``: what it turns down for. One that is not among them is counted as a refusal.
    """

    name: str
    version: int
    reads: tuple[type[Record], ...]
    writes: type[Record]
    config: type[C]
    run: Callable[[Iterable[VideoRows], C, Context], Rows]
    scope: Scope = "shard"
    answer: type[BaseModel] | None = None
    wants: Answers = "texts"
    """What it asks its engine for, if it has an ``answer``."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """An example of the values that its prompt is filled with."""
    prompt_problems: Callable[[Mapping[str, Prompt]], Iterable[str]] = _none
    """What is wrong with the prompts of a node, a line each. It is asked before anything runs."""
    config_problems: Callable[[Any, Mapping[str, Prompt]], Iterable[str]] = _fits
    """Why settings do not fit each other, or their prompts: a line each, the key first. It is asked
    before anything runs."""
    reasons: tuple[Reason, ...] = ()
    tasks: Tasks | None = None
    """By its settings, and the tasks and families of what it reads, those that its rows may be of.
    Without it, they are those of what it reads."""
    refusal: Callable[[Mapping[str, Any], C], str] | None = None
    """Of the scope ``source``: why it turns down a row of the manifest whatever its file is; empty
    where it does not. Such a row holds no ``video_id``."""
    group_shards: Callable[[C], int] | None = None
    """Of the scope ``group``, by its settings."""
    clips_per_shard: Callable[[C], int] | None = None
    """Of the scope ``streams``, by its settings."""

    @property
    def by_shard(self) -> bool:
        """Whether each of its parts is about the videos of one shard, and none may be lost."""
        return self.scope in ("source", "streams", "shard")

    def shards_of_task(self, config: C) -> int | None:
        """How many shards a task reads; None for all."""
        if self.scope == "group":
            if self.group_shards is None:
                raise TypeError(f"stage {self.name!r} does not say how large its groups are")
            return self.group_shards(config)
        return None if self.scope in ("dataset", "streams") else 1

    def clips_of_shard(self, config: C) -> int:
        """With how many clips a shard of streams is full."""
        if self.clips_per_shard is None:
            raise TypeError(f"stage {self.name!r} does not say how large its shards are")
        return self.clips_per_shard(config)

    def shards_made(self, config: C, videos: int) -> int:
        """How many shards the streams of so many videos can fill; the last may be empty."""
        return videos // self.clips_of_shard(config) + 1

    def tasks_made(self, config: C, read: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
        """The tasks, or families, that its rows may be of, where what it reads may be of ``read``;
        None where that is not known."""
        known = [*read]
        labelled = any(name in kind.model_fields for kind in self.reads for name in _LABELS)
        makes = any(name in self.writes.model_fields for name in _LABELS)
        if None in known or (makes and not labelled and self.tasks is None):
            return None
        names = frozenset().union(*(each for each in known if each))
        return names if self.tasks is None else frozenset(self.tasks(config, names))

    @property
    def absences(self) -> frozenset[str]:
        """The names of the reasons that are no refusal."""
        return frozenset(reason.name for reason in self.reasons if reason.absence)

    @property
    def policies(self) -> frozenset[str]:
        """The names of the reasons that settings bring by design; of a stage of rules all that it
        declares: who failed at what it reads was counted there."""
        return frozenset(r.name for r in self.reasons if r.policy or self.judges_rows)

    @property
    def judges_rows(self) -> bool:
        """Whether it asks no model and reads rows of other stages: it applies rules to them."""
        return self.answer is None and not all(issubclass(kind, Video) for kind in self.reads)


def about_dataset(kind: type[Record]) -> bool:
    """Whether rows of a kind are about the whole dataset and not about one video."""
    return "video_id" not in kind.model_fields


def load_stage(name: str) -> Stage[Any]:
    """The stage that ``stages/<name>.py`` defines.

    Raises:
        ModuleNotFoundError: there is no such file.
    """
    stage: Stage[Any] = import_module(f"stages.{name}").STAGE
    return stage


def per_video_stage(
    *,
    name: str,
    version: int,
    reads: tuple[type[Record], ...],
    writes: type[Record],
    config: type[C],
    run: Callable[[VideoRows, C, Context], Rows],
    reasons: tuple[Reason, ...] = (),
    tasks: Tasks | None = None,
) -> Stage[C]:
    """A stage whose work on one video does not depend on any other.

    What ``run`` leaves out of a row, its video and its id, is filled in.
    """

    def run_all(videos: Iterable[VideoRows], config: C, context: Context) -> Iterator[Record]:
        faults = PlaceFaults()
        for rows in videos:
            with faults.noted():
                for row in run(rows, config, context):
                    yield complete(row, rows.video_id)
        faults.check()

    return Stage(name, version, reads, writes, config, run_all, reasons=reasons, tasks=tasks)
