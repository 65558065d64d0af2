"""The parts of the card about states: their ratio, and shares beside those of the paper."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.corpus.counts import CorpusCounts, Slice
from pipeline.corpus.markdown import folded_table, plain, table
from pipeline.dialogue.state_counts import (
    PAPER_RATIO,
    PAPER_SHARES,
    PAPER_VIDEOS,
    StateSlice,
    total,
)

_PAPER = "[arXiv:2512.21334](https://arxiv.org/abs/2512.21334)"


def beside_the_paper(counts: CorpusCounts) -> str:
    """Ratio of states, shares of tasks and lengths of videos, here and in the paper."""
    whole, videos = counts.whole.dialogues, sum(each.videos for each in counts.durations)
    tasks = {part.task: 0 for part in counts.slices}
    for part in counts.slices:
        tasks[part.task] += part.dialogues
    names = [*PAPER_SHARES, *sorted(tasks.keys() - PAPER_SHARES.keys())]
    shares = [
        (f"`{task}`", f"{tasks.get(task, 0):,}", _percent(tasks.get(task, 0), whole), _paper(task))
        for task in names
    ]
    lengths = [
        (
            each.duration,
            f"{each.videos:,}",
            _percent(each.videos, videos),
            _percent(PAPER_VIDEOS[each.duration], sum(PAPER_VIDEOS.values())),
        )
        for each in counts.durations
    ]
    ratio = " : ".join(map(str, PAPER_RATIO.values()))
    tables = [table(("task", ">dialogues", ">share", ">paper"), shares)]
    if videos:
        tables.append(table(("length", ">videos", ">share", ">paper"), lengths))
    return (
        f"The figures of Streamo-Instruct-465K are those of {_PAPER}, supplement, figure 3. "
        f"Silence to standby to response is {total(counts.states).ratio()} here and {ratio} "
        "there.\n\n" + "\n\n".join(tables)
    )


def states(whole: Slice, parts: Sequence[StateSlice]) -> str:
    """The ratio by task, source and length, with the weights of a focal loss."""
    rows = [
        (
            f"`{part.task}`" + ", negative" * part.is_negative + ", still" * part.is_still,
            plain(part.source) or "not stated",
            part.duration,
            f"{part.dialogues:,}",
            part.states.ratio(),
            " / ".join(f"{alpha:.2f}" for alpha in part.alpha.values()) or "a state is absent",
        )
        for part in parts
    ]
    names = ("task", "source", "duration", ">dialogues", "silence : standby : response", "alpha")
    return (
        f"{whole.merged:,} responses were due together with another and share its turn "
        f"({whole.repeated:,} say the same as another, which is said once), "
        f"{whole.shifted:,} gave way to another, {whole.split_off:,} are in a dialogue apart, "
        f"the evidence of {whole.clamped:,} ends after the last frame, and that of "
        f"{whole.postponed:,} is complete before their question is asked. "
        "A response that no dialogue could hold is a reject of the run, with its reason."
        f"{_negatives(whole, parts)}{_still(parts)}\n\n"
        f"{folded_table('By task, source and length', names, rows)}\n\n"
        "alpha weighs the states in a focal loss: turns over three times those in the state "
        "(arXiv:2512.21334, equation 4). Turns name their state; how the states are spelled as "
        "tokens (`</Silence>` or `<Silence>`) is chosen when dialogues are exported."
    )


def _negatives(whole: Slice, parts: Sequence[StateSlice]) -> str:
    if not whole.negatives:
        return ""
    silence = total(parts, is_negative=True).silence
    return (
        f"\n\nApart from these stand {whole.negatives:,} negatives (`is_negative`) with "
        f"{silence:,} turns: what they ask for does not occur in the video, so nothing is said."
    )


def _still(parts: Sequence[StateSlice]) -> str:
    found = [part for part in parts if part.is_still]
    if not found:
        return ""
    dialogues, states = sum(part.dialogues for part in found), total(found)
    return (
        f"\n\nOf {dialogues:,} dialogues (`is_still`) the question is asked where its answer "
        f"changes no more: {states.silence:,} of their {states.turns:,} turns are silent."
    )


def _paper(task: str) -> str:
    return f"{PAPER_SHARES[task]:.1%}" if task in PAPER_SHARES else ""


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
