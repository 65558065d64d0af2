"""What a node of a run took in and gave, and what asking took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from pipeline.store.files.text_table import named, text_table, wrapped

_HEADS = (*("node", ">asks", ">s/reply", ">no answer", ">tokens in", ">cached", ">tokens out"),)


class NodeSummary(BaseModel):
    """Counts of one node over the shards that are done.

    ``videos_in = videos_out + videos_rejected + videos_absent``; ``rejected`` and ``absent`` count
    rows by reason: refusals, and what was not there or not wanted. ``seconds`` is worker time,
    summed over the shards in the log of the run; ``latency_s`` is summed over the ``replies``;
    ``reply_errors`` counts replies without an answer by error. ``video_hours`` is the length of the
    videos of these shards. ``asks_filtered`` were not made, by a filter; of the asks,
    ``asks_reused`` were answered by what was replied to the same one, under another recipe or here.
    """

    model_config = ConfigDict(frozen=True)

    node: str
    stage: str
    shards: int
    shards_done: int
    shards_failed: int
    videos_in: int
    videos_out: int
    videos_rejected: int
    videos_absent: int
    rows_out: int
    rejected: dict[str, int]
    absent: dict[str, int]
    video_hours: float
    asks: int
    asks_filtered: int
    asks_reused: int
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    replies: int
    reply_errors: dict[str, int]
    latency_s: float
    seconds: float


def tokens_an_hour(nodes: Sequence[NodeSummary]) -> tuple[float, float]:
    """Tokens of prompts for an hour of video: computed anew, and cached. Each node counts by the
    videos that it has done."""
    asked = [node for node in nodes if node.video_hours]
    cached = sum(node.tokens_cached / node.video_hours for node in asked)
    return sum(node.tokens_in / node.video_hours for node in asked) - cached, cached


def ask_lines(nodes: Sequence[NodeSummary]) -> Iterator[str]:
    """A table of the nodes that asked, and the sums; nothing where none did."""
    asking = [node for node in nodes if node.replies or node.asks_filtered]
    if not asking:
        return
    errors = sum((Counter(node.reply_errors) for node in asking), Counter[str]())
    every = [_row("all", asking)] if len(asking) > 1 else []
    yield text_table([*(_row(n.node, [n]) for n in asking), *every], _HEADS)
    yield from listed("no answer", errors)
    fresh, cached = tokens_an_hour(asking)
    if fresh or cached:
        yield f"  prompts of a video hour: {fresh:,.0f} tokens fresh, {cached:,.0f} cached"
    saved = {
        "by the still filter": sum(node.asks_filtered for node in asking),
        "by replies to the same ask": sum(node.asks_reused for node in asking),
    }
    yield from listed("asks saved", {name: number for name, number in saved.items() if number})
    yield ""


def _row(name: str, nodes: Sequence[NodeSummary]) -> tuple[object, ...]:
    replies, tokens_in = sum(n.replies for n in nodes), sum(n.tokens_in for n in nodes)
    return (
        name,
        sum(n.asks for n in nodes),
        f"{sum(n.latency_s for n in nodes) / max(1, replies):.2f}",
        sum(sum(n.reply_errors.values()) for n in nodes),
        tokens_in,
        f"{sum(n.tokens_cached for n in nodes) / max(1, tokens_in):.0%}",
        sum(n.tokens_out for n in nodes),
    )


def listed(what: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Counts by name, as a line; none where there are none."""
    if counts:
        yield wrapped(f"{what}: {named(counts)}", indent=2, hanging=2)
