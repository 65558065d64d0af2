"""Each reason in the code is declared with what it means, and each declared one is in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest

from pipeline.corpus import reasons as corpus
from pipeline.dialogue import reasons as dialogue
from pipeline.engines import errors as engines
from pipeline.manifest import reasons as manifest
from pipeline.media import reasons as media
from pipeline.reports.reasons import all_reasons
from pipeline.workflow.graph import stage_names
from pipeline.workflow.stage import load_stage, reasons_of
from tests.reasons_in_code import reasons_in

ROOT = Path(__file__).resolve().parents[1]
DIALOGUE = {**dialogue.UNFIT, **dialogue.UNASKED}
CORPUS = {**corpus.UNREAD, **corpus.UNWRITTEN}
MANIFEST = {**manifest.REFUSED, **manifest.LEFT_OUT}
BORROWED = {*media.MEANINGS, *DIALOGUE}
"""What the verbs that read files turn down for, beside reasons of their own."""
NO_REASONS = {"question", "response", "starts", "ends", "all"}
"""First of a pair, as reasons are: what the second is."""


def code_of(name: str) -> Iterator[Path]:
    """The file of a stage, and those of the shared ones that turn down for it: it takes their
    reasons."""
    path = ROOT / "stages" / f"{name}.py"
    yield path
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and "REASONS" in [each.name for each in node.names]:
            yield ROOT.joinpath(*str(node.module).split(".")).with_suffix(".py")


@pytest.mark.parametrize("name", stage_names())
def test_a_stage_declares_what_it_turns_down_for(name: str) -> None:
    declared = load_stage(name).reasons
    names = [reason.name for reason in declared]
    assert len(set(names)) == len(names)
    passed_on = {*reasons_of(media.MEANINGS, media.PASSING)}
    passed_on |= {*reasons_of(engines.MEANINGS, engines.PASSING_ERRORS)}
    passed_on |= {*reasons_of(dialogue.UNFIT)}
    found = set[str]().union(*map(reasons_in, code_of(name)))
    assert found <= set(names), "not declared"
    own = {reason.name for reason in declared if reason not in passed_on}
    assert own <= found, "declared, and not in the code"


@pytest.mark.parametrize(
    ("folders", "meanings"),
    [
        (["pipeline/media"], media.MEANINGS),
        (["pipeline/dialogue"], DIALOGUE),
        (["pipeline/corpus"], CORPUS),
        (["pipeline/manifest", "data_manifest"], MANIFEST),
        (["pipeline/engines", "pipeline/workflow", "pipeline/reports"], engines.MEANINGS),
    ],
)
def test_a_package_says_what_its_reasons_mean(
    folders: list[str], meanings: Mapping[str, str]
) -> None:
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    found = set[str]().union(*map(reasons_in, files)) - NO_REASONS
    assert found <= {*meanings, *(BORROWED if meanings is CORPUS else ())}, "not declared"
    code = "".join(map(_texts, (path for path in files if path.stem != "reasons")))
    assert [name for name in meanings if f"'{name}'" not in code] == [], "not in the code"


def _texts(path: Path) -> str:
    """The texts of a file's code, each in quotes, with those that stand in them."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if path == ROOT / "pipeline/engines/errors.py":
        # All others are in the code that meets them.
        return "'too_long' 'no_valid_answer' 'wrong_language'"
    return " ".join(repr(n.value) for n in nodes if isinstance(n, ast.Constant))


def test_names_that_are_types_and_meanings_are_the_same() -> None:
    assert set(get_args(media.Reason)) == media.MEANINGS.keys() >= media.PASSING
    names = {name for group in get_args(engines.ErrorName) for name in get_args(group) or [group]}
    of_asks = {engines.NO_VALID_ANSWER, engines.WRONG_LANGUAGE}
    assert names | of_asks == engines.MEANINGS.keys()


def test_every_meaning_is_a_sentence() -> None:
    known = all_reasons()
    for one in known:
        meaning = one.reason.meaning
        assert meaning.endswith(".") and (meaning[0].isupper() or meaning[0] == "`"), meaning
        assert one.stages or one.verbs
        assert (one.reason_class == "absence") == one.reason.absence
    listed = {(stage, one.reason.name) for one in known for stage in one.stages}
    declared = {(name, r.name) for name in stage_names() for r in load_stage(name).reasons}
    assert listed == declared
    keys = [(one.reason, one.reason_class) for one in known]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "code",
    [
        'yield Reject(reason="of_tomorrow")',
        'yield Reject(reason="of_tomorrow" if x else "")',
        'yield _refuse(row, "of_tomorrow", f"{x} s")',
        'raise MediaError("of_tomorrow", "detail of it")',
        'Unread(pointer, "of_tomorrow", detail)',
        'return "of_tomorrow", f"{x} of {y}"',
        'result = "of_tomorrow", question.text',
        'left.append(("of_tomorrow", line))',
        'reasons = ["of_tomorrow" if x else "" for x in y]',
        'return [reason or ("of_tomorrow" if x else "") for reason in reasons]',
        'reasons.setdefault(rid, "of_tomorrow")',
        'reason, detail = "of_tomorrow", shown',
    ],
)
def test_a_reason_that_nobody_declared_is_noticed(tmp_path: Path, code: str) -> None:
    path = tmp_path / "code.py"
    path.write_text(f"def f(x, y):\n    {code}\n", encoding="utf-8")
    assert reasons_in(path) == {"of_tomorrow"}
