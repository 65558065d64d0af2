"""What the card says of the run: all of it stands there, and no name of others does anything."""

from __future__ import annotations

from typing import Any

import pytest
from markdown_it import MarkdownIt

from pipeline.corpus.card_run import run_sections
from pipeline.corpus.facts import (
    Agreement,
    HumanTiming,
    Intake,
    NodeFacts,
    PromptFacts,
    RunFacts,
    Setting,
    Teacher,
    Turned,
    Withdrawn,
)


def facts_of(name: str, **changed: Any) -> RunFacts:
    """Facts in which every text that others choose is ``name``."""
    teacher = Teacher(
        role="captioner", kind="http", model=name, revision=name, settings={"quantisation": name},
        nodes=["caption"], asks=1200, unanswered=3, tokens_in=5_000_000, tokens_cached=1_000_000,
        tokens_out=70_000, cost=None, currency="",
    )  # fmt: skip
    low = Turned(reason="low_iou", rows=12, absence=False, settings={"min_iou": 0.5, "note": name})
    whole = RunFacts(
        intake=Intake(20, 12, {name: 5}, absent={"no_events": 3}),
        teachers=[teacher],
        prompts=[PromptFacts(name="caption", sha="0123456789ab", nodes=["caption"])],
        policies=[Setting(node="dialogue", name="emission", value=name, meaning=name)],
        nodes=[
            NodeFacts(
                node="agree", stage="agree", version=1, videos_in=20, videos_out=15, rows_out=40,
                turned_down=[low],
            )
        ],
        agreement=[
            Agreement(
                node="agree", events=52, kept=40, not_found=2,
                tenths=[8, 0, 0, 2, 0, 10, 0, 0, 0, 30],
            )
        ],
        timing=[
            HumanTiming(
                what="located by ground", spans=9, mean_iou=0.75, at_0_5=0.8, starts_s=-0.00001,
                ends_s=None,
            )
        ],
        withdrawn=[Withdrawn(reason=name, videos=2, samples=9)],
    )  # fmt: skip
    return whole.model_copy(update=changed)


def test_every_fact_stands_on_the_card() -> None:
    text = "\n".join(run_sections(facts_of("a-name")))
    assert "| a-name | 2 | 9 |" in text
    assert "| captioner | `a-name` | `a-name` | `caption` | 1,200 | 3 | 5,000,000 |" in text
    assert "| [caption](prompts/caption.md) | `0123456789ab` | `caption` |" in text
    assert "| `dialogue.emission` | `a-name` | a-name |" in text
    assert "| `agree` | `low_iou` | min_iou `0.5`, note `a-name` | 12 | 40 |" in text
    assert "| `agree` | 52 | 77% | 4% | 15% | 4% | 19% | 58% |" in text
    assert "| located by ground | 9 | 0.75 | 80% | +0.00 | n/a |" in text
    assert "cost" not in text, "no price was stated"


def test_what_it_cost_where_prices_are_stated() -> None:
    (teacher,) = facts_of("a").teachers
    paid = teacher.model_copy(update={"cost": 12.5, "currency": "EUR"})
    text = "\n".join(run_sections(facts_of("a", teachers=[teacher, paid, paid])))
    assert "In all 25.00 EUR, at the prices" in text
    assert text.count("| 12.50 EUR |") == 2


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert [
        text.partition("\n")[0] for text in run_sections(RunFacts(intake=Intake(1, 1, {})))
    ] == ["## What came in"]


def test_long_tables_are_folded() -> None:
    prompts = [PromptFacts(name=f"p{i}", sha="0", nodes=[]) for i in range(13)]
    text = "\n".join(run_sections(facts_of("a", prompts=prompts)))
    assert "<summary>Prompts: 13 rows</summary>" in text
    assert text.count("<details>") == text.count("</details>") == 2


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "</details><h1>out</h1>",
        "![x](http://example.org/track.png) [y](javascript:alert(1))",
        "`code` **bold** | cell || `",
        "x\n\n## Who wrote it\n\n---\n| a |",
        "\x1b[2J\x00\x07\u202egnihton \u2028 \ufeff",
        "long " * 500,
    ],
)
def test_names_do_nothing(name: str) -> None:
    """As a renderer of Markdown sees it that lets HTML through."""
    sections, calm = run_sections(facts_of(name)), run_sections(facts_of("calm"))
    parse = MarkdownIt("commonmark", {"html": True}).enable("table").parse
    for section, other in zip(sections, calm, strict=True):
        ours, theirs = parse(section), parse(other)
        assert [block.type for block in ours] == [block.type for block in theirs], section
        for block in ours:
            kinds = {part.type for part in block.children or ()}
            links = [p.attrs["href"] for p in block.children or () if p.type == "link_open"]
            assert not kinds & {"html_inline", "image", "strong_open"}, section
            assert set(links) <= {"prompts/caption.md", "config.yaml", "run.json"}, section
        assert section.replace("\n", "").isprintable()
        assert max(map(len, section.split("\n"))) < 2000
