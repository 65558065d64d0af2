"""The parts of the card about the run: what came in, who was asked and how, what was kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.corpus.facts import CONFIG, RUN, Asked, Intake, RunFacts, Teacher
from pipeline.corpus.markdown import code, folded, folded_table, plain, table

_GROUPS = (("below 0.3", 0, 3), ("0.3 to 0.5", 3, 5), ("0.5 to 0.7", 5, 7), ("0.7 and more", 7, 10))


def run_sections(facts: RunFacts) -> list[str]:
    """Sections with their headings; those of which nothing is known are left out."""
    sections = {
        "What came in": _intake(facts.intake),
        "Withdrawn": _withdrawn(facts),
        "Teachers": _teachers(facts.teachers, facts.asked),
        "Prompts": _prompts(facts),
        "Policies": _policies(facts),
        "Thresholds and yields": _thresholds(facts),
        "Agreement and timing": "\n\n".join(_agreement(facts)),
    }
    return [f"## {name}\n\n{text}" for name, text in sections.items() if text]


def _intake(intake: Intake) -> str:
    rejected = sum(intake.rejected.values())
    sentence = f"Of {intake.videos:,} videos that came in, {intake.annotated:,} are in the corpus"
    sentence += f" and {rejected:,} were rejected"
    if absent := sum(intake.absent.values()):
        sentence += f"; {absent:,} gave nothing, or were not drawn"
    if intake.unfinished:
        sentence += f"; {intake.unfinished:,} are not finished"
    if intake.streams:
        sentence += (
            f"; {intake.in_streams:,} are clips of {intake.streams:,} streams, of which"
            f" {intake.streams_annotated:,} are in the corpus"
        )
    if not rejected and not absent:
        return f"{sentence}."
    reasons = Counter(intake.rejected) + Counter(intake.absent)
    by_number = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    rows = [(code(reason), f"{number:,}") for reason, number in by_number]
    return f"{sentence}. The reason is the first that a video met:\n\n" + folded_table(
        "Reasons", ("reason", ">videos"), rows
    )


def _withdrawn(facts: RunFacts) -> str:
    rows = [
        (plain(each.reason), f"{each.videos:,}", f"{each.samples:,}") for each in facts.withdrawn
    ]
    if not rows:
        return ""
    return "Taken out of the corpus after they were made:\n\n" + table(
        ("why", ">videos", ">dialogues"), rows
    )


def _teachers(teachers: Sequence[Teacher], asked: Asked) -> str:
    if not teachers:
        return ""
    rows = [
        (
            each.role,
            code(each.model),
            code(each.revision),
            ", ".join(f"`{node}`" for node in each.nodes),
            f"{each.asks:,}",
            f"{each.unanswered:,}",
            f"{each.tokens_in:,}",
            f"{each.tokens_cached:,}",
            f"{each.tokens_out:,}",
            *([_cost(each)] if _priced(teachers) else []),
        )
        for each in teachers
    ]
    heads = ("role", "model", "revision", "asked by", ">asks", ">no answer", ">tokens in")
    sums: Counter[str] = Counter()
    for each in teachers:
        if each.cost is not None:
            sums[each.currency] += round(each.cost * 100)
    cost = ", ".join(f"{cents / 100:,.2f} {currency}" for currency, cents in sorted(sums.items()))
    whole = f" In all {cost}, at the prices that the config states." if cost else ""
    return (
        "Tokens are those of the replies that the corpus was made from." + whole + _saved(asked)
        + "\n\n"
        + table((*heads, ">of them cached", ">tokens out", *[">cost"] * _priced(teachers)), rows)
        + _settings_of(teachers)
    )  # fmt: skip


def _saved(asked: Asked) -> str:
    tokens = saved = ""
    if asked.fresh_an_hour or asked.cached_an_hour:
        tokens = (
            f" Prompts of an hour of video have {asked.fresh_an_hour:,} tokens that were computed"
            f" anew and {asked.cached_an_hour:,} that were cached."
        )
    ways = [
        f"{number:,} by {what}"
        for number, what in (
            (asked.filtered, "the still filter"),
            (asked.reused, "replies to the same ask"),
        )
        if number
    ]
    if ways:
        saved = f" Asks saved: {', '.join(ways)}."
    return tokens + saved


def _priced(teachers: Sequence[Teacher]) -> bool:
    return any(each.cost is not None for each in teachers)


def _cost(teacher: Teacher) -> str:
    return "" if teacher.cost is None else f"{teacher.cost:,.2f} {teacher.currency}"


def _settings_of(teachers: Sequence[Teacher]) -> str:
    rows = [(each.role, _named(each.settings)) for each in teachers if each.settings]
    if not rows:
        return ""
    return "\n\n" + folded("What else changes their answers", table(("role", "settings"), rows))


def _prompts(facts: RunFacts) -> str:
    if not facts.prompts:
        return ""
    rows = [
        (
            f"[{plain(each.name)}](prompts/{each.name}.md)",
            f"`{each.sha}`",
            ", ".join(f"`{node}`" for node in each.nodes),
        )
        for each in facts.prompts
    ]
    return (
        "The texts lie beside this card, and rows name their digests in `provenance`:\n\n"
        + folded_table("Prompts", ("prompt", "digest", "asked by"), rows)
    )


def _policies(facts: RunFacts) -> str:
    if not facts.policies:
        return ""
    rows = [
        (f"`{each.node}.{each.name}`", _value(each.value), plain(each.meaning))
        for each in facts.policies
    ]
    return (
        "How questions are asked and when answers are given, and what is taken of the result. All "
        f"settings are in [{CONFIG}]({CONFIG}).\n\n"
        + folded_table("Settings of dialogues", ("setting", "value", "meaning"), rows)
    )


def _thresholds(facts: RunFacts) -> str:
    rows = [
        (
            f"`{node.node}`",
            code(turned.reason),
            _named(turned.settings),
            f"{turned.rows:,}",
            f"{node.rows_out:,}",
        )
        for node in facts.nodes
        for turned in node.turned_down
    ]
    if not rows:
        return ""
    return (
        "What each step turned down, by reason, with the settings that decide it, and how many "
        f"rows it gave. [{RUN}]({RUN}) has the same, and the videos of each step.\n\n"
        + folded_table(
            "Reasons of all steps",
            ("step", "reason", "settings", ">turned down", ">rows given"),
            rows,
        )
    )


def _agreement(facts: RunFacts) -> Iterator[str]:
    if facts.agreement:
        rows = [
            (
                f"`{each.node}`",
                f"{each.events:,}",
                _share(each.kept, each.events),
                _share(each.not_found, each.events),
                *(_share(sum(each.tenths[a:b]), each.events) for _, a, b in _GROUPS),
            )
            for each in facts.agreement
        ]
        heads = ("step", ">events", ">kept", ">not found again", *(f">{g[0]}" for g in _GROUPS))
        yield (
            "Each event was located again by its caption alone. Overlap over union of the two "
            "spans, of all events, kept or not:\n\n" + table(heads, rows)
        )
    if facts.timing:
        timing = [
            (
                plain(each.what),
                f"{each.spans:,}",
                _number(each.mean_iou, ".2f"),
                _number(each.at_0_5, ".0%"),
                _number(each.starts_s, "+.2f"),
                _number(each.ends_s, "+.2f"),
            )
            for each in facts.timing
        ]
        heads = ("what", ">human spans", ">mean IoU", ">IoU 0.5 and more")
        yield (
            "Beside the spans that people described in these videos (medians of how late starts "
            "and ends are, in seconds; negative is early):\n\n"
            + table((*heads, ">starts", ">ends"), timing)
        )


def _named(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in settings.items())


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return code(text) or "none"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else ""


def _number(value: float | None, form: str) -> str:
    return "n/a" if value is None else format(round(value, 4) + 0.0, form)  # no minus before 0
