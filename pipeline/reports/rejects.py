"""The rejected rows of a run: the node, the reason, its class, the attempts, and the references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from pipeline.engines.errors import UNANSWERED
from pipeline.errors import ConfigError, did_you_mean
from pipeline.records import Reject
from pipeline.records.schema import from_table
from pipeline.reports.reasons import RejectClass, class_of
from pipeline.store.files.text_table import text_table, wrapped
from pipeline.store.location import Location
from pipeline.store.part_names import rejects_path, replies_path
from pipeline.store.parts import read_counts, read_table
from pipeline.store.run_log import Attempts, read_attempts
from pipeline.workflow.annotation_stage import AnnotationConfig
from pipeline.workflow.graph import Node
from pipeline.workflow.outputs import done_parts
from pipeline.workflow.plan import NodePart, NodePlan

DETAIL_CHARACTERS = 100


class RejectRow(BaseModel):
    """A reject with its references.

    ``attempts`` counts how often the ask was sent to the engine, in all runs, with ``first_at`` and
    ``last_at`` of them; for a reject without an ask, how often the shard was run. ``prompt`` and
    ``prompt_sha`` name the prompt file, ``request_id`` the ask in ``replies``, a file of the run;
    all are empty without an ask.
    """

    model_config = ConfigDict(frozen=True)

    video_id: str
    node: str
    stage: str
    shard: int
    reason: str
    reason_class: RejectClass
    detail: str
    attempts: int
    first_at: str
    last_at: str
    request_id: str
    prompt: str
    prompt_sha: str
    replies: str
    row: str


def passing_reasons(plans: Sequence[NodePlan]) -> list[str]:
    """The reasons of the run's stages that may pass, sorted."""
    stages = (plan.node.stage for plan in plans)
    return sorted({each.name for stage in stages for each in stage.reasons if each.passing})


def known_reasons(plans: Sequence[NodePlan]) -> set[str]:
    """The reasons that occur in the run, and the errors of any ask. Reads footers alone."""
    found = {*UNANSWERED, *passing_reasons(plans)}
    for made in done_parts(plans):
        found |= read_counts(rejects_path(made.part))["rejected"].keys()
        if made.asked:
            found |= read_counts(replies_path(made.part))["errors"].keys()
    return found


def check_names(
    plans: Sequence[NodePlan], nodes: Collection[str], reasons: Collection[str]
) -> None:
    """Check that the run has these nodes and reasons.

    Raises:
        ConfigError: it has not; the message names a similar one.
    """
    names = [plan.node.name for plan in plans]
    for name in nodes:
        if name not in names:
            raise ConfigError(f"--node: there is no node {name!r}{did_you_mean(name, names)}")
    known = known_reasons(plans) if reasons else set[str]()
    for reason in reasons:
        if reason not in known:
            hint = did_you_mean(reason, known)
            raise ConfigError(f"--reason: nothing was rejected as {reason!r}{hint}")


def read_rejects(
    plans: Sequence[NodePlan],
    root: Location,
    nodes: Collection[str] = (),
    reasons: Collection[str] = (),
) -> Iterator[RejectRow]:
    """The rejects of these nodes (all if empty) for these reasons (all if empty), in the order of
    the nodes and their shards. Holds one shard at a time."""
    log = read_attempts(root)
    for plan in plans:
        if nodes and plan.node.name not in nodes:
            continue
        for made in plan.done():
            found = read_counts(rejects_path(made.part))["rejected"].keys()
            if found and (not reasons or found & set(reasons)):
                rows = _rows(plan, made, root, log)
                yield from (row for row in rows if not reasons or row.reason in reasons)


def _rows(
    plan: NodePlan, made: NodePart, root: Location, log: Mapping[tuple[str, str], Attempts]
) -> Iterator[RejectRow]:
    node, path = plan.node, rejects_path(made.part)
    rejects = from_table(Reject, read_table(path, Reject.model_fields))
    # A task that makes several parts is logged once.
    task = next(task for task in plan.tasks if made.shard in task.made)
    shard = log.get((made.node, plan.slots[task.shard].name), Attempts())
    asks = _attempts_by_ask(made) if any(reject.request_id for reject in rejects) else {}
    for reject in rejects:
        of_ask = bool(reject.request_id)
        attempts = asks.get(reject.request_id, shard)
        prompt = _prompt(node) if of_ask else ("", "")
        yield RejectRow(
            video_id=reject.video_id,
            node=node.name,
            stage=node.stage.name,
            shard=made.shard,
            reason=reject.reason,
            reason_class=class_of(reject.reason, node.stage),
            detail=reject.detail,
            attempts=attempts.count,
            first_at=attempts.first_at,
            last_at=attempts.last_at,
            request_id=reject.request_id,
            prompt=prompt[0],
            prompt_sha=prompt[1],
            replies=replies_path(made.part).address.removeprefix(f"{root}/") if of_ask else "",
            row=reject.row,
        )


def _attempts_by_ask(made: NodePart) -> dict[str, Attempts]:
    """The attempts at each ask of a shard, by request id."""
    columns = ("request_id", "attempts", "first_at", "last_at")
    table = read_table(replies_path(made.part), columns)
    if table.num_columns < len(columns):
        return {}  # written by an earlier version
    return {
        row["request_id"]: Attempts(row["attempts"], row["first_at"], row["last_at"])
        for row in table.to_pylist()
    }


def _prompt(node: Node) -> tuple[str, str]:
    """Name and digest of the prompt of a node."""
    if not isinstance(node.config, AnnotationConfig):
        return "", ""
    return node.config.prompt, node.prompts[node.config.prompt].sha


def rejects_text(rows: Iterable[RejectRow], plans: Sequence[NodePlan]) -> str:
    """A table of the rejects by node and reason, absence last; then what each reason means, with
    the first reject of it."""
    count: Counter[tuple[str, RejectClass, str]] = Counter()
    attempts: dict[tuple[str, RejectClass, str], int] = {}
    first: dict[tuple[str, str], RejectRow] = {}
    for row in rows:
        key = (row.node, row.reason_class, row.reason)
        count[key] += 1
        attempts[key] = max(attempts.get(key, 0), row.attempts)
        first.setdefault((row.reason, row.stage), row)
    if not count:
        return "nothing was rejected"
    ordered = sorted(count, key=lambda key: key[1] == "absence")
    table = [(*key, count[key], attempts[key]) for key in ordered]
    lines = [text_table(table, ("node", "class", "reason", ">rows", ">attempts")), ""]
    stages = {plan.node.stage.name: plan.node.stage for plan in plans}
    meanings = {(r.name, s.name): r.meaning for s in stages.values() for r in s.reasons}
    for name, row in sorted(first.items(), key=lambda each: each[1].reason_class == "absence"):
        detail = " ".join(row.detail.split())[:DETAIL_CHARACTERS]
        example = f"such as {row.video_id}" + f": {detail}" * bool(detail)
        texts = filter(None, (meanings.get(name), example))
        lines += [f"{row.reason} ({row.stage})", *(wrapped(text, indent=4) for text in texts)]
    absent = sum(n for key, n in count.items() if key[1] == "absence")
    lines += ["", f"{count.total() - absent:,} rows rejected, {absent:,} absent; --json lists each"]
    return "\n".join(lines)
