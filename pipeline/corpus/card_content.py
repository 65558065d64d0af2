"""The parts of the card that say what the rows are: counts, an example, who made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from pipeline.corpus.counts import CorpusCounts, FrameSize, Policy, Slice
from pipeline.corpus.markdown import code, fenced, folded_table, plain, table
from pipeline.corpus.picture import in_markdown
from pipeline.corpus.preview import plain_preview
from pipeline.records import Dialogue

_EXAMPLE_LINES = 60
_SIZES_SHOWN = 5
_NOT_STATED = "not stated"
_ORIGINS = {
    "": "a dataset that does not say who",
    "human": "a dataset's annotators",
    "model": "a model, for a dataset",
    "asr": "speech recognition, for a dataset",
}
_GROUPS = (("below 0.5", 0, 5), ("0.5 to 0.7", 5, 7), ("0.7 to 0.9", 7, 9), ("0.9 and more", 9, 10))
"""Of tenths of a score: a name, and the tenths from and up to."""


def what(counts: CorpusCounts) -> str:
    """What the corpus is, in a few sentences."""
    whole = counts.whole
    return (
        f"{whole.dialogues:,} dialogues about {whole.videos:,} videos "
        f"({_hours(whole)} hours), made for training assistants that watch a video as it plays. "
        "A dialogue has one turn for each segment of its video. In every turn the assistant "
        "is silent, stands by (what it was asked about is under way, but not over), or responds. "
        "A response stands at the first frame that shows all it depends on, or where the policy of "
        "its task has it, but never before the evidence that it names; only where a video ends "
        "before there is such a frame, it stands at the last one and is marked `clamped`; "
        "where its question is asked only after that frame, it stands with the question and is "
        "marked `postponed`."
    )


def policies(found: Sequence[Policy]) -> str:
    """By which policies questions were asked and responses due, task by task."""

    def of(task: str, settles: str) -> str:
        mine = [p for p in found if (p.task, p.settles) == (task, settles)]
        return ", ".join(f"`{p.policy}` {p.number:,}" for p in mine) or "none"

    tasks = dict.fromkeys(policy.task for policy in found)
    rows = [(code(task), of(task, "asked"), of(task, "due")) for task in tasks]
    return (
        "Policies of the tasks, as they were used; the descriptions of `asked_by` and `due_by` say "
        "what each does. No response stands before the evidence that it names:\n\n"
        f"{table(('task', 'questions asked', 'responses due'), rows)}"
    )


def slices(parts: Sequence[Slice]) -> str:
    """A row for each task and split."""
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
        for part in parts
    ]
    names = ("task", "split", ">dialogues", ">videos", ">hours", ">turns")
    return table((*names, ">silence", ">standby", ">response"), rows)


def totals(counts: CorpusCounts) -> str:
    """A row for each split over all tasks."""
    rows = [
        (part.split or "all", f"{part.dialogues:,}", f"{part.videos:,}", _hours(part))
        for part in (*counts.totals[1:], counts.whole)
    ]
    note = "A video with several tasks counts once in each of them, and once here:"
    return f"{note}\n\n{table(('split', '>dialogues', '>videos', '>hours'), rows)}"


def frames(sizes: Sequence[FrameSize]) -> str:
    """How large frames are, the sizes of most videos first."""
    if not sizes:
        return "Frames are not part of this corpus."
    often = sorted(sizes, key=lambda size: -size.videos)
    whole = sum(size.videos for size in sizes)
    shown = [f"{s.width} x {s.height} in {s.videos:,}" for s in often[:_SIZES_SHOWN]]
    if further := often[_SIZES_SHOWN:]:
        shown.append(f"others in {sum(size.videos for size in further):,}")
    return f"Frames are JPEG, one a turn; pixels of {whole:,} videos: {', '.join(shown)}."


def example(dialogue: Dialogue, picture: str) -> str:
    """One dialogue as ``preview`` prints it, below its picture."""
    lines = plain_preview(dialogue).split("\n")
    if left := lines[_EXAMPLE_LINES:]:
        lines = [*lines[:_EXAMPLE_LINES], f"({len(left)} further lines)"]
    return (
        "Chosen by hash. `.` is a turn in silence, `-` on standby, `#` with a response, and `?` "
        "stands below turns in which something is asked.\n\n"
        + (in_markdown(picture) if picture else "")
        + fenced("\n".join(lines), "text")
    )


def verification(counts: CorpusCounts) -> str:
    """The checks that rows carry, and how their scores lie."""
    if not counts.checks:
        return "No row carries a check."
    rows = []
    for (task, check), found in groupby(counts.checks, lambda each: (each.task, each.check)):
        scores = list(found)
        checks = sum(each.checks for each in scores)
        shares = [
            _share(sum(each.checks for each in scores if each.tenth in range(*tenths)), checks)
            for _, *tenths in _GROUPS
        ]
        is_share = all(each.tenth < _GROUPS[-1][-1] for each in scores)
        rows.append(
            (
                f"`{task}`",
                code(check),
                f"{checks:,}",
                _share(sum(each.passed for each in scores), checks),
                f"{sum(each.thousandths for each in scores) / checks / 1000:.2f}",
                *(shares if is_share else [""] * len(shares)),
            )
        )
    heads = ("task", "check", ">checks", ">passed", ">mean score", *(f">{g[0]}" for g in _GROUPS))
    return (
        "What was checked in these rows, with the score of each check: `agreement` is the overlap "
        "over union of an event's span and the one found again by its caption; `answerable` and "
        "`premature` are asked of a verifier with the frames up to an answer, and before it, and "
        "their score is the share of its samples that agree. What failed is not in the corpus.\n\n"
        + folded_table("Checks", heads, rows)
    )


def sources(counts: CorpusCounts) -> str:
    """Videos by source and licence."""
    rows = [
        (
            plain(source.source) or _NOT_STATED,
            plain(source.licence) or _NOT_STATED,
            f"{source.videos:,}",
        )
        for source in counts.sources
    ]
    note = (
        "Frames remain under the licence of their video; the header's is that of the annotations."
    )
    return folded_table("Sources", ("source", "licence", ">videos"), rows) + f"\n\n{note}"


def models(counts: CorpusCounts) -> str:
    """Dialogues by who wrote or verified them."""
    rows = [
        (code(model.model) if model.model else _ORIGINS[model.origin], f"{model.dialogues:,}")
        for model in counts.models
    ]
    note = "A dialogue that several models had a part in counts for each."
    return table(("model", ">dialogues"), rows) + f"\n\n{note}"


def known_limits(counts: CorpusCounts) -> str:
    """What a user is to know before training on it, a point each."""
    return "\n".join(f"- {point}" for point in _limits(counts))


def _limits(counts: CorpusCounts) -> Iterator[str]:
    whole = counts.whole
    if counts.not_for_training:
        yield (
            f"{counts.not_for_training:,} dialogues were written by a baseline without a model; "
            "leave them out by `models` before training."
        )
    yield (
        "Texts and times come from models or from other datasets. Checks lower the share of what "
        "is wrong; nobody looked at every row."
    )
    yield (
        "One frame a turn: what happens between two frames and is not seen in either is not in "
        "the corpus, and times are no finer than a turn, whatever the annotations say."
    )
    if moved := whole.merged + whole.shifted + whole.split_off:
        yield (
            f"{moved:,} responses do not stand alone in the turn in which they were due, since "
            "another was due there too; `flags` says which."
        )
    if whole.clamped:
        yield (
            f"{whole.clamped:,} responses stand in the last turn, whose frame does not show all "
            "of their evidence; `clamped` says which."
        )
    if any(not part.response for part in counts.slices):
        names = ", ".join(f"`{p.task}`/{p.split}" for p in counts.slices if not p.response)
        yield f"Nothing is ever said in {names}."
    yield "Models saw frames and heard nothing."
    yield "Videos at their platforms change and go; `sha256` tells whether a file is the same."


def _hours(part: Slice) -> str:
    return f"{part.duration_s / 3600:,.2f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else ""
