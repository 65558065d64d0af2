"""One standard term a concept: no identifier, module, stage or heading has the word it replaced."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("pipeline", "stages", "data_manifest", "benchmarks", "tests")
PYTHON = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if ".venv" not in path.as_posix())

IDENTIFIERS = """
Seat EngineSeat seat Frontier frontier Lane lane lanes lane_of Guard CollapseError
publish_corpus lot lots apportioned last_lot by_lot run_alive scratch Heard heard unheard hosts
GivenReply begun Room Gate climb in_order Glance GlanceRequest glance Scan Gathered gathered
Exchange Told told tolds ToldKind _told told_of videos_told sight sighted Unions unions quotas
apart _apart fate fates Fate ledger LEDGER load_ledger find_adapter Videos
"""
MODULES = """
seat frontier guard lots suggest rows run_alive scratch fingerprint states room gate
asking drawing pictures faults counts key glance scan messages sight near unions draw quotas
gathered exchange find ledger placing spelling labels compat videos tars insight examine longest
overlaps told existing mix shard scene_list scene_scripts scene_truth container_count containers
"""
STANDARD = {
    "pipeline/corpus/counts.py",
    "pipeline/manifest/rows.py",
    "pipeline/corpus/formats/messages.py",
}
"""Files whose name is the standard term for what they hold."""

OLD = frozenset(IDENTIFIERS.split())
STAGES = {"told", "existing", "draw", "mix", "shard"}

METAPHORS = re.compile(r"\b(seats?|lanes?|frontiers?|glances?|gates?|rooms?|floors?|lots)\b", re.I)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def old_identifiers(path: Path) -> Iterator[str]:
    """Names, and texts that are documentation, of one Python file."""
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string in OLD:
            yield f"{name_of(path)}:{token.start[0]}: {token.string}"
        elif token.type in (tokenize.COMMENT, tokenize.STRING) and '"""' in token.string[:4] + "#":
            for found in METAPHORS.finditer(token.string) if token.string[:3] == '"""' else ():
                line = token.start[0] + token.string[: found.start()].count("\n")
                yield f"{name_of(path)}:{line}: {found[0]}"


def test_no_identifier_is_an_old_word() -> None:
    found = [each for path in PYTHON if path != Path(__file__) for each in old_identifiers(path)]
    assert not found, "\n".join(found)


def test_no_module_or_package_has_an_old_name() -> None:
    paths = [path for folder in FOLDERS[:3] for path in (ROOT / folder).rglob("*")]
    old = {name_of(p) for p in paths if p.stem in MODULES.split() and "__pycache__" not in p.parts}
    assert old <= STANDARD


def test_no_config_places_a_stage_under_an_old_name() -> None:
    for path in (ROOT / "configs").glob("*.yaml"):
        nodes = yaml.safe_load(path.read_text(encoding="utf-8")).get("nodes", {})
        assert not STAGES & (nodes.keys() | {node.get("stage") for node in nodes.values()}), path


def test_no_document_has_an_old_term() -> None:
    found = []
    for path in DOCUMENTS:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            names = re.findall(r"`([\w./]+)`", line) if path.name != "CHANGELOG.md" else []
            old = [name for name in names if name in OLD | STAGES]
            old += METAPHORS.findall(line)
            found += [f"{name_of(path)}:{number}: {word}" for word in old]
    assert not found, "\n".join(found)


def test_an_old_word_is_found(tmp_path: Path) -> None:
    text = '"""Which lane it takes."""\n\n\ndef told(lanes: int) -> int:\n    return lanes\n'
    planted = ROOT / "tests" / "planted.py"
    assert not planted.exists()
    found = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.string in OLD
    ]
    assert found == ["told", "lanes", "lanes"] and METAPHORS.search(text)
