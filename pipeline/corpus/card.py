"""The card of a corpus: what it holds, in words and as the HF Hub's header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from pipeline.corpus.attribution import training_warning
from pipeline.corpus.card_configs import configs_of
from pipeline.corpus.card_fields import code, fields, plain, table
from pipeline.corpus.card_loading import loading
from pipeline.corpus.citation import citation
from pipeline.corpus.counts import CorpusCounts, FrameSize, Slice
from pipeline.corpus.layout import MESSAGES, CardSettings
from pipeline.corpus.preview import plain_preview
from pipeline.dialogue.state_counts import StateSlice, total
from pipeline.records import Dialogue, ShardFile
from pipeline.settings import DEFAULT_LANGUAGE

CARD = "README.md"
"""The file of the card in a corpus."""
_EXAMPLE_LINES = 60
_SIZES_SHOWN = 5
_WRITERS = "\n\n## Who wrote it\n\n"
_ORIGINS = {
    "": "a dataset that does not say who",
    "human": "a dataset's annotators",
    "model": "a model, for a dataset",
    "asr": "speech recognition, for a dataset",
}
_SIZES = ((10**3, "1K"), (10**4, "10K"), (10**5, "100K"), (10**6, "1M"), (10**7, "10M"))


@dataclass(frozen=True)
class Intake:
    """What became of the videos of the manifest.

    ``videos = annotated + rejected + absent + unfinished``.
    """

    videos: int
    annotated: int
    rejected: Mapping[str, int]
    """By the reason that was the first."""
    unfinished: int = 0
    absent: Mapping[str, int] = field(default_factory=dict)
    """Likewise, of those with which nothing is wrong: they gave nothing, or were not wanted."""


def card(
    counts: CorpusCounts, settings: CardSettings, example: Dialogue, files: Sequence[ShardFile]
) -> str:
    """The text of ``README.md``: a YAML header and a plain body. See ``with_intake``, too.

    ``files`` are those of the corpus.
    """
    header = yaml.safe_dump(_header(counts, settings, files), sort_keys=False, allow_unicode=True)
    sections = [
        f"# {plain(settings.title)}",
        _what(counts),
        *_warning(counts),
        "## What it holds\n\n" + _slices(counts.slices) + "\n\n" + _totals(counts),
        _frames(counts.frames),
        "## An example\n\n" + _example(example),
        "## States\n\n" + _states(counts.whole, counts.states),
        "## Where the videos come from\n\n" + _sources(counts) + _WRITERS + _models(counts),
        "## Fields\n\n" + fields(),
        "## Loading\n\n" + loading(counts, files) + _not_messages(counts, files),
        "## Citation\n\n```bibtex\n" + citation(settings) + "\n```",
    ]
    return f"---\n{header}---\n\n" + "\n\n".join(sections) + "\n"


def with_intake(text: str, intake: Intake) -> str:
    """The text of a card, with what became of the videos of the manifest.

    Only who sees the whole run knows it: ``card`` sees what was accepted.

    Raises:
        ValueError: the text is no card.
    """
    sources, mark, rest = text.partition(_WRITERS)
    if not mark:
        raise ValueError(f"a card has no {_WRITERS.strip()!r}")
    rejected = sum(intake.rejected.values())
    sentence = f"Of {intake.videos:,} videos that came in, {intake.annotated:,} are in the corpus"
    sentence += f" and {rejected:,} were rejected"
    if absent := sum(intake.absent.values()):
        sentence += f"; {absent:,} gave nothing, or were not drawn"
    if intake.unfinished:
        sentence += f"; {intake.unfinished:,} are not finished"
    section = f"## What came in\n\n{sentence}."
    if rejected or absent:
        reasons = Counter(intake.rejected) + Counter(intake.absent)
        by_number = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        rows = [(code(reason), f"{number:,}") for reason, number in by_number]
        section += " The reason is the first that a video met:\n\n"
        section += table(("reason", ">videos"), rows)
    return f"{sources}\n\n{section}{mark}{rest}"


def _header(
    counts: CorpusCounts, settings: CardSettings, files: Sequence[ShardFile]
) -> dict[str, Any]:
    return {
        "pretty_name": " ".join(settings.title.split()),
        "license": settings.licence,
        "language": [settings.language or DEFAULT_LANGUAGE],
        "task_categories": ["video-text-to-text"],
        "tags": ["video", "streaming", "dialogue", "instruction-tuning"],
        "size_categories": [_size(counts.whole.dialogues)],
        "configs": configs_of(files),
    }


def _what(counts: CorpusCounts) -> str:
    whole = counts.whole
    return (
        f"{whole.dialogues:,} dialogues about {whole.videos:,} videos "
        f"({_hours(whole)} hours), made for training assistants that watch a video as it plays. "
        "A dialogue has one turn for each segment of its video. In every turn the assistant "
        "is silent, stands by (what it was asked about is under way, but not over), or responds. "
        "A response stands at the first frame that shows all it depends on; only where a video "
        "ends before there is such a frame, it stands at the last one and is marked `clamped`; "
        "where its question is asked only after that frame, it stands with the question and is "
        "marked `postponed`."
    )


def _warning(counts: CorpusCounts) -> list[str]:
    marked = counts.not_for_training
    return [training_warning(marked, counts.whole.dialogues, "dialogues")] if marked else []


def _slices(slices: Sequence[Slice]) -> str:
    rows = [
        (
            f"`{part.task}`",
            part.split,
            f"{part.dialogues:,}",
            f"{part.videos:,}",
            _hours(part),
            f"{part.turns:,}",
            f"{part.silence:,}",
            f"{part.standby:,}",
            f"{part.response:,}",
        )
        for part in slices
    ]
    names = ("task", "split", ">dialogues", ">videos", ">hours", ">turns")
    return table((*names, ">silence", ">standby", ">response"), rows)


def _totals(counts: CorpusCounts) -> str:
    rows = [
        (part.split or "all", f"{part.dialogues:,}", f"{part.videos:,}", _hours(part))
        for part in (*counts.totals[1:], counts.whole)
    ]
    note = "A video with several tasks counts once in each of them, and once here:"
    return f"{note}\n\n{table(('split', '>dialogues', '>videos', '>hours'), rows)}"


def _frames(sizes: Sequence[FrameSize]) -> str:
    if not sizes:
        return "Frames are not part of this corpus."
    often = sorted(sizes, key=lambda size: -size.videos)
    whole = sum(size.videos for size in sizes)
    shown = [f"{s.width} x {s.height} in {s.videos:,}" for s in often[:_SIZES_SHOWN]]
    if further := often[_SIZES_SHOWN:]:
        shown.append(f"others in {sum(size.videos for size in further):,}")
    return f"Frames are JPEG, one a turn; pixels of {whole:,} videos: {', '.join(shown)}."


def _example(dialogue: Dialogue) -> str:
    lines = plain_preview(dialogue).split("\n")
    if left := lines[_EXAMPLE_LINES:]:
        lines = [*lines[:_EXAMPLE_LINES], f"({len(left)} further lines)"]
    text = "\n".join(lines)
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", text))])
    return (
        "Chosen by hash. `.` is a turn in silence, `-` on standby, `#` with a response, and `?` "
        f"stands below turns in which something is asked:\n\n{fence}text\n{text}\n{fence}"
    )


def _states(whole: Slice, states: Sequence[StateSlice]) -> str:
    rows = [
        (
            f"`{part.task}`",
            plain(part.source) or "not stated",
            part.duration,
            f"{part.dialogues:,}",
            part.states.ratio(),
            " / ".join(f"{alpha:.2f}" for alpha in part.alpha.values()) or "a state is absent",
        )
        for part in states
    ]
    names = ("task", "source", "duration", ">dialogues", "silence : standby : response", "alpha")
    return (
        f"Silence to standby to response is {total(states).ratio()} "
        "(Streamo-Instruct-465K reports 12 : 3 : 2). "
        f"{whole.merged:,} responses were due together with another and share its turn "
        f"({whole.repeated:,} say the same as another, which is said once), "
        f"{whole.shifted:,} gave way to another, {whole.split_off:,} are in a dialogue apart, "
        f"the evidence of {whole.clamped:,} ends after the last frame, and that of "
        f"{whole.postponed:,} is complete before their question is asked. "
        "A response that no dialogue could hold is a reject of the run, with its reason.\n\n"
        f"{table(names, rows)}\n\n"
        "alpha weighs the states in a focal loss: turns over three times those in the state "
        "(arXiv:2512.21334, equation 4). Turns name their state; how the states are spelled as "
        "tokens (`</Silence>` or `<Silence>`) is chosen when dialogues are exported."
    )


def _not_messages(counts: CorpusCounts, files: Sequence[ShardFile]) -> str:
    held = sum(file.rows for file in files if file.path.startswith(f"{MESSAGES}/"))
    if not (left := counts.whole.dialogues - held):
        return ""
    return (
        f"\n\n{left:,} dialogues are not among the `{MESSAGES}`: a text of theirs holds what a"
        " trainer would take for a picture or a state."
    )


def _sources(counts: CorpusCounts) -> str:
    rows = [
        (
            plain(source.source) or "not stated",
            plain(source.licence) or "not stated",
            f"{source.videos:,}",
        )
        for source in counts.sources
    ]
    note = (
        "Frames remain under the licence of their video; the header's is that of the annotations."
    )
    return table(("source", "licence", ">videos"), rows) + f"\n\n{note}"


def _models(counts: CorpusCounts) -> str:
    rows = [
        (code(model.model) if model.model else _ORIGINS[model.origin], f"{model.dialogues:,}")
        for model in counts.models
    ]
    note = "A dialogue that several models had a part in counts for each."
    return table(("model", ">dialogues"), rows) + f"\n\n{note}"


def _hours(part: Slice) -> str:
    return f"{part.duration_s / 3600:,.2f}"


def _size(rows: int) -> str:
    lower = ""
    for limit, name in _SIZES:
        if rows < limit:
            return f"{lower}<n<{name}" if lower else f"n<{name}"
        lower = name
    return f"n>{lower}"
