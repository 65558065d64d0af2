"""The card of a corpus: what it holds, in words and as the HF Hub's header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from pipeline.corpus.attribution import training_warning
from pipeline.corpus.card_configs import configs_of
from pipeline.corpus.card_content import (
    example,
    frames,
    known_limits,
    models,
    policies,
    slices,
    sources,
    totals,
    verification,
    what,
)
from pipeline.corpus.card_fields import fields
from pipeline.corpus.card_loading import loading
from pipeline.corpus.card_run import run_sections
from pipeline.corpus.card_states import beside_the_paper, states
from pipeline.corpus.citation import citation
from pipeline.corpus.counts import CorpusCounts
from pipeline.corpus.facts import RunFacts
from pipeline.corpus.layout import CardSettings
from pipeline.corpus.markdown import folded, plain
from pipeline.records import Dialogue, ShardFile
from pipeline.settings import DEFAULT_LANGUAGE

CARD = "README.md"
"""The file of the card in a corpus."""
_WRITERS = "\n\n## Who wrote it\n\n"
"""What is known of the run stands before it. No text of others can begin a line like this."""
_SIZES = tuple(
    (10 ** (3 + power), f"{10 ** (power % 3)}{'KMBT'[power // 3]}") for power in range(10)
)
"""Numbers of rows, as the Hub names them: 1K, 10K, …, 1T."""


def card(
    counts: CorpusCounts,
    settings: CardSettings,
    shown: Dialogue,
    files: Sequence[ShardFile],
    picture: str = "",
) -> str:
    """The text of ``README.md``: a YAML header and a plain body. See ``with_run``, too.

    ``files`` are those of the corpus, ``shown`` is the example, and ``picture`` the file of its
    picture in the corpus, if there is one.
    """
    header = yaml.safe_dump(_header(counts, settings, files), sort_keys=False, allow_unicode=True)
    marked = counts.not_for_training
    warning = [training_warning(marked, counts.whole.dialogues, "dialogues")] if marked else []
    sections = [
        f"# {plain(settings.title)}",
        what(counts),
        *warning,
        "## An example\n\n" + example(shown, picture),
        "## What it holds\n\n" + slices(counts.slices) + "\n\n" + totals(counts),
        frames(counts.frames),
        "## Loading\n\n" + loading(counts, files),
        "## Beside the paper\n\n" + beside_the_paper(counts),
        "## States\n\n" + states(counts.whole, counts.states),
        "## When it is asked and answered\n\n" + policies(counts.policies),
        "## Verification\n\n" + verification(counts),
        "## Where the videos come from\n\n" + sources(counts) + _WRITERS + models(counts),
        "## Known limits\n\n" + known_limits(counts),
        "## Fields\n\n" + folded("All columns, with their types", fields()),
        "## Citation\n\n```bibtex\n" + citation(settings) + "\n```",
    ]
    return f"---\n{header}---\n\n" + "\n\n".join(sections) + "\n"


def with_run(text: str, facts: RunFacts, changes: str = "") -> str:
    """The text of a card, with what is known of the run, and what changed since the last corpus.

    Only who sees the whole run knows it: ``card`` sees what was accepted.

    Raises:
        ValueError: the text is no card.
    """
    above, mark, below = text.rpartition(_WRITERS)
    if not mark:
        raise ValueError(f"a card has no {_WRITERS.strip()!r}")
    sections = run_sections(facts) + ([f"## Versions\n\n{changes}"] if changes else [])
    return "\n\n".join([above, *sections]) + mark + below


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


def _size(rows: int) -> str:
    lower = ""
    for limit, name in _SIZES:
        if rows < limit:
            return f"{lower}<n<{name}" if lower else f"n<{name}"
        lower = name
    return f"n>{lower}"
