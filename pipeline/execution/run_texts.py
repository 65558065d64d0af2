"""The files of a corpus that say what run made it: the card, its changelog, config and prompts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.corpus.card import CARD, with_run
from pipeline.corpus.changelog import CHANGELOG, entry, first_entry, newest, on_card, with_entry
from pipeline.corpus.compare_runs import read_facts
from pipeline.corpus.corpus_format import COUNTS
from pipeline.corpus.counts import CorpusCounts
from pipeline.corpus.facts import CONFIG, RUN, RunFacts
from pipeline.store.location import Location

PROMPTS: Final = "prompts"
"""The folder of them in a corpus."""


@dataclass(frozen=True)
class RunTexts:
    """Makes the texts of a corpus, by path in it, such as no part has."""

    card: str
    """As the part has it, which does not know its run."""
    version: str
    """Of its rows."""
    facts: RunFacts

    def in_place(self, corpus: Location) -> Mapping[str, str] | None:
        """For the corpus that lies there, if it has these rows; None if it does not."""
        changelog = _changelog(corpus)
        return self._texts(changelog) if newest(changelog)[0] == self.version else None

    def instead_of(self, corpus: Location, fresh: Location) -> Mapping[str, str]:
        """For the one that takes the place of the corpus that lies there; what changed is said.

        ``fresh`` has its rows and counts. In an object store no rows are compared.
        """
        if (texts := self.in_place(corpus)) is not None:
            return texts
        changelog = _changelog(corpus)
        whole = CorpusCounts.model_validate_json((fresh / COUNTS).read_bytes()).whole
        if not (corpus / COUNTS).exists():
            changelog, text = "", first_entry(whole)
        elif corpus.path is None or fresh.path is None:
            text = first_entry(whole, "What changed is not known: it lies in an object store.")
        else:
            former, _ = newest(changelog)
            text = entry(Path(corpus.path), Path(fresh.path), whole, former, self.facts)
        return self._texts(with_entry(changelog, self.version, text))

    def _texts(self, changelog: str) -> Mapping[str, str]:
        """The card is the last of them."""
        run = json.dumps(self.facts.model_dump(mode="json"), indent=2, ensure_ascii=False)
        return {
            **{f"{PROMPTS}/{name}.md": text for name, text in self.facts.texts.items()},
            CONFIG: self.facts.config,
            RUN: f"{run}\n",
            CHANGELOG: changelog,
            CARD: with_run(self.card, self.facts, on_card(changelog)),
        }


def keep_run_texts(corpus: Path, fresh: Path) -> None:
    """Gives a folder, which has the rows and card of a corpus, what that says of its run."""
    for name in (CONFIG, RUN, CHANGELOG):
        if (corpus / name).is_file():
            shutil.copyfile(corpus / name, fresh / name)
    if (corpus / PROMPTS).is_dir():
        shutil.copytree(corpus / PROMPTS, fresh / PROMPTS)
    facts, card = read_facts(corpus), fresh / CARD
    if facts is not None:
        log = _changelog(Location.of(corpus))
        text = with_run(card.read_text("utf-8"), facts, on_card(log) if log else "")
        card.write_text(text, encoding="utf-8", newline="\n")


def _changelog(corpus: Location) -> str:
    place = corpus / CHANGELOG
    return place.read_bytes().decode() if place.exists() else ""
