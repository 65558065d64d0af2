"""The files of a corpus that say what run made it: the card, its changelog, config and prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipeline.corpus.card import CARD, with_run
from pipeline.corpus.changelog import (
    CHANGELOG,
    entry,
    first_entry,
    newest,
    version_of,
    with_entry,
)
from pipeline.corpus.corpus_format import COUNTS
from pipeline.corpus.counts import CorpusCounts
from pipeline.corpus.facts import CONFIG, RUN, RunFacts
from pipeline.store.location import Location
from pipeline.store.parts import KeptFile


def run_texts(
    files: Location, kept: Mapping[str, KeptFile], corpus: Location, facts: RunFacts | None
) -> Mapping[str, str]:
    """Texts by path in the corpus, such as come to the files of the part or replace them.

    ``corpus`` is where the last one lies: of the same rows, it has this changelog already; of
    others, what changed becomes an entry of it. Without facts, or a card, nothing is said.
    """
    if facts is None or CARD not in kept:
        return {}
    changelog = _changelog(files, kept, corpus, facts)
    version, changes = newest(changelog)
    said = f"This is version `{version}`; [{CHANGELOG}]({CHANGELOG}) has those before.\n\n{changes}"
    run = json.dumps(facts.model_dump(mode="json"), indent=2, ensure_ascii=False)
    return {
        **{f"prompts/{name}.md": text for name, text in facts.texts.items()},
        CONFIG: facts.config,
        RUN: f"{run}\n",
        CHANGELOG: changelog,
        CARD: with_run((files / CARD).read_bytes().decode(), facts, said),
    }


def _changelog(
    files: Location, kept: Mapping[str, KeptFile], corpus: Location, facts: RunFacts
) -> str:
    version = version_of({path: file.sha256 for path, file in kept.items()})
    old = corpus / CHANGELOG
    changelog = old.read_bytes().decode() if old.exists() else ""
    former, _ = newest(changelog)
    if former == version:
        return changelog
    whole = CorpusCounts.model_validate_json((files / COUNTS).read_bytes()).whole
    if not (corpus / COUNTS).exists():
        return with_entry("", version, first_entry(whole))
    if corpus.path is None or files.path is None:
        text = f"{first_entry(whole).partition('.')[0]}. In an object store nothing is compared."
    else:
        text = entry(corpus.path, files.path, whole, former, facts)
    return with_entry(changelog, version, text)
