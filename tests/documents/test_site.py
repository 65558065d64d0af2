"""The site builds without a warning, and its reference has all that the code has."""

from __future__ import annotations

import ast
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from pydantic import BaseModel

from docs.hook import DOCUMENTS, target
from pipeline.cli.verbs import VERBS
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.reasons import UNREAD, UNWRITTEN
from pipeline.engines import KINDS
from pipeline.records import Dialogue, Turn
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import find_stage, stage_names

ROOT = Path(__file__).resolve().parents[2]
Names = Mapping[str, set[str]]


class FirstColumns(HTMLParser):
    """What stands as code in the first column of the tables of a page, by the heading above."""

    def __init__(self) -> None:
        super().__init__()
        self.names: defaultdict[str, set[str]] = defaultdict(set)
        self._heading = ""
        self._column = 0
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"h2", "h3"}:
            self._heading = dict(attrs).get("id") or ""
            self.names[self._heading]  # a heading without a table counts too
        elif tag == "tr":
            self._column = 0
        elif tag == "td":
            self._column += 1
        self._in_code = tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._in_code = False

    def handle_data(self, data: str) -> None:
        if self._in_code and self._column == 1:
            self.names[self._heading].add(data)


def names_of(page: Path) -> Names:
    parser = FirstColumns()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.names


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(folder, ROOT / "docs")
    return folder


def build_site(folder: Path, docs: Path, **changes: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        config = load_config(
            str(ROOT / "mkdocs.yml"), site_dir=str(folder), docs_dir=str(docs), **changes
        )
        logger = logging.getLogger("mkdocs")
        handlers, logger.handlers = logger.handlers, []
        try:
            build(config)
        finally:
            logger.handlers = handlers


@pytest.mark.parametrize(
    ("text", "is_dead"),
    [
        ("[a](#there)\n\n## There\n", False),
        ("[a](nowhere.md)\n", True),
        ("[a](#nowhere)\n", True),
        ("[a](/index.md)\n", True),
    ],
)
def test_a_dead_link_stops_the_build(tmp_path: Path, text: str, is_dead: bool) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# A\n\n{text}")
    small = {"nav": [{"A": "index.md"}], "hooks": [], "extra_css": []}
    if is_dead:
        with pytest.raises(Abort):
            build_site(tmp_path / "site", tmp_path / "docs", **small)
    else:
        build_site(tmp_path / "site", tmp_path / "docs", **small)


def test_a_link_that_leaves_docs_leads_to_the_page_or_the_source() -> None:
    branch = "https://example.com/blob/main"
    page = "how-to/gpu.md"
    assert target("../../SECURITY.md", f"docs/{page}", page, branch) == "../explanation/security.md"
    assert target("../configs/a.yaml", f"docs/{page}", page, branch) == "../configs/a.yaml"
    link = target("../../configs/demo.yaml", f"docs/{page}", page, branch)
    assert link == f"{branch}/configs/demo.yaml"
    for document in DOCUMENTS:
        assert (ROOT / document).is_file()


def test_it_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for line in page.read_text(encoding="utf-8").splitlines():
            for mark in ('src="http', 'rel="stylesheet" href="http', "@import"):
                assert mark not in line, f"{page}: {line}"


def models_in(model: type[BaseModel], name: str) -> Iterator[tuple[str, set[str]]]:
    """Names of sections and their keys, by a walk over the fields of a model."""
    yield name, set(model.model_fields)
    for key, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                inner = key if name == "file" else f"{name}.{key}"
                yield from models_in(kind, inner)


def anchor(title: str) -> str:
    return title.lower().replace(".", "")


def test_every_key_of_a_config_is_in_it(site: Path) -> None:
    page = names_of(site / "reference" / "config.html")
    nodes = RunConfig.model_fields["nodes"].annotation
    (node,) = (k for k in get_args(nodes) if isinstance(k, type) and issubclass(k, BaseModel))
    for name, keys in [*models_in(RunConfig, "file"), *models_in(node, "nodes")]:
        assert page[anchor(name)] >= keys, name


def test_every_key_of_stages_and_engines_is_in_it(site: Path) -> None:
    stages = names_of(site / "reference" / "stages.html")
    for name in stage_names():
        for section, keys in models_in(find_stage("stages", name).config, name):
            heading = section if section == name else f"stages.{section}"
            assert stages[anchor(heading)] >= keys, section
    engines = names_of(site / "reference" / "engines.html")
    for kind, config in KINDS.items():
        assert engines[kind] >= set(config.model_fields), kind


def written_reasons(path: Path) -> set[str]:
    """The constants that a stage's source gives as ``Reject(reason=…)``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        str(keyword.value.value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Reject"
        for keyword in call.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant)
    }


def test_every_reject_reason_is_in_it(site: Path) -> None:
    shown = set[str]().union(*names_of(site / "reference" / "rejects.html").values())
    stages = names_of(site / "reference" / "stages.html")
    for name in stage_names():
        reasons = {reason.name for reason in find_stage("stages", name).reasons}
        assert reasons >= written_reasons(ROOT / "stages" / f"{name}.py"), name
        assert shown >= reasons and stages[name] >= reasons, name
    assert shown >= UNREAD.keys() | UNWRITTEN.keys(), "of verbs that need no run"


def test_every_verb_format_and_column_is_in_it(site: Path) -> None:
    verbs = names_of(site / "reference" / "verbs.html")
    assert verbs.keys() >= VERBS.keys()
    assert {"--format", "-o", "--out"} <= verbs["export"]
    assert names_of(site / "reference" / "formats.html").keys() >= FORMATS.keys()
    columns = names_of(site / "reference" / "columns.html")
    assert columns["the-corpus"] >= {*Dialogue.model_fields, *Turn.model_fields}


def test_what_is_missing_is_noticed(site: Path, tmp_path: Path) -> None:
    page = site / "reference" / "stages.html"
    without = tmp_path / "stages.html"
    without.write_text(page.read_text(encoding="utf-8").replace("<code>min_iou</code>", ""))
    assert "min_iou" in names_of(page)["agree"]
    assert "min_iou" not in names_of(without)["agree"]
