"""Training samples, and the files of a corpus."""

from __future__ import annotations

from typing import Literal

from pipeline.records.annotation import Check, Question, Response
from pipeline.records.base import Provenance, Ratio, Record, Seconds
from pipeline.records.hash_sampling import DrawnBy
from pipeline.records.memory import Remembered
from pipeline.records.turns import Turns
from pipeline.records.video import StreamClip


class AskedQuestion(Question):
    """A question in a dialogue, with the annotation that it comes from."""

    task: str
    aspect: str = ""
    annotation_id: str = ""
    is_negative: bool = False
    """Whether silence is the right answer to it (``Annotation.is_negative``)."""


class PlacedResponse(Response):
    """A response of a dialogue: with the turn in which it was placed."""

    turn: int
    """Index of its turn."""
    standby_from: int
    """Index of the first turn of its standby; ``turn`` where it has none."""
    flags: list[str] = []
    """``clamped``, ``postponed``, ``merged``, ``shifted``, ``split``: how its placement differs
    from when due; ``repeated`` where another response has said the same."""


class DialogueHead(Record):
    """The facts of a dialogue without its content: no questions, responses or turns."""

    sample_id: str
    video_id: str
    task: str
    """Of its annotation; ``mixed`` where it has several tasks."""
    aspect: str
    source: str
    licence: str
    split: str
    sha256: str
    """Of the video file, so that users who fetch the video themselves can verify it."""
    frames_sha256: str = ""
    """Of the digests of the stored frames of the whole video, in order of turns, so that frames
    that are read from the file again can be compared; empty where nobody took them."""
    uri: str
    clip_start_s: Seconds
    clip_end_s: Seconds | None
    clips: tuple[StreamClip, ...] = ()
    """Of a stream of several files, in order (``records.streams``); uri and digest are theirs then.
    Empty for a video of one file."""
    duration_s: Seconds
    width: int
    """Pixels as displayed; 0 where unknown."""
    height: int
    turns_per_s: float
    whole_id: str = ""
    """The ``sample_id`` of the dialogue that this is a window of; empty for a whole dialogue."""
    context_turns: int = 0
    """Number of turns at the beginning that repeat the window before, as context without loss."""
    n_silence: int
    """Number of silent turns, not counting context turns; so too the next two."""
    n_standby: int
    n_response: int
    n_tail: int
    """Of the silent turns, those at the end that hold no question either."""
    annotation_ids: list[str]
    is_negative: bool = False
    """Whether silence is the right answer to all its questions: nothing is said in it."""
    is_still: bool = False
    """Whether all its questions are asked where their answer changes no more (``still``): each is
    answered at once, and from then on silence is right."""


class Dialogue(DialogueHead):
    """One training sample: annotations of a video, or of a window of it, as turns."""

    models: list[str]
    """The models that wrote or verified it, each ``model@revision`` once; empty without any."""
    origins: list[str] = []
    """Who wrote the source annotations used: each of ``human``, ``model``, ``asr`` once."""
    parent_ids: list[str]
    """Events that the annotations were made from, or the requests that found them."""
    checks: list[Check]
    provenance: list[Provenance]
    """Every model call that contributed, first to last; empty without any."""
    questions: list[AskedQuestion]
    responses: list[PlacedResponse]
    """In the order in which they are said."""
    memory: list[Remembered] = []
    """Of a window, what was seen and said before its first turn, in order of time, side by side;
    empty where nothing lies before it, or nobody summarised it."""
    turns: Turns


class TaskMixture(Record):
    """The samples and silence of one task in the corpus, of its negatives apart: one row each for
    the whole dataset."""

    task: str
    is_negative: bool = False
    """Whether the row is about the negatives of the task."""
    samples: int
    """Samples available."""
    drawn: int
    """Samples in the corpus: those whose ``sample_rank`` is at most ``last_rank``."""
    last_rank: str
    seed: int
    """Of ``hash_rank``."""
    by: DrawnBy = "sample"
    """What is drawn: samples, or videos with all of theirs (``sample_rank``)."""
    silence: Literal["keep", "trim", "mask"]
    """What happens to excess silence: see the stage ``plan_mixture``."""
    cut: Ratio
    """Share of the removable silence that is removed; the same for all tasks."""
    cut_standby: Ratio = 0.0
    """Share of the turns of standby that are masked out of the loss; so too."""
    n_silence: int
    """Turns with loss in the drawn samples, after the cut, up to rounding; so too the next two."""
    n_standby: int
    n_response: int


class ShardFile(Record):
    """One file of the corpus, path relative to the corpus folder."""

    path: str
    sha256: str
    size_bytes: int
    rows: int
    task: str = ""
    split: str = ""


class CorpusGroup(Record):
    """What one group of shards gave to the corpus: one row a group."""

    group: int
    """Its number, from 0."""
    files: list[ShardFile]
    """Those that it wrote, by path."""
    counts: str
    """Of its dialogues, as JSON; those of groups add up."""
    example: str
    """The dialogue of it that is the first to be shown, as JSON; empty where it has none."""
    picture: bytes = b""
    """A JPEG of its frames; empty without them."""
