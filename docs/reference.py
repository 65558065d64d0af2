"""The pages of the reference, made of the code: no key, option or reason is written by hand."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from importlib import import_module
from types import MappingProxyType

from docs.example_dialogue import example_rows
from docs.verb_options import verb_options
from pipeline import records
from pipeline.cli.verbs import VERBS
from pipeline.corpus.card_fields import fields
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.markdown import table
from pipeline.engines import KINDS
from pipeline.records import Record
from pipeline.records.schema import schema_of
from pipeline.reports.config_keys import (
    ConfigKey,
    ConfigSection,
    config_sections,
    engine_sections,
    stage_sections,
)
from pipeline.reports.reasons import all_reasons
from pipeline.workflow.graph import find_stage, stage_names
from pipeline.workflow.stage import Reason


def verbs() -> str:
    """Every verb with its arguments and options."""
    parts = [
        "# Verbs",
        "`turnwise VERB …`, short for `python pipeline/run.py VERB …`. `turnwise --help` and"
        " `turnwise VERB --help` print the same.",
        "Exit status: 0 all done, 1 failed, 2 wrong usage or config, 3 finished, but something is"
        " missing: shards that failed, or rows among the rejects.",
    ]
    for name, verb in VERBS.items():
        rows = [
            (
                ", ".join(f"`{each}`" for each in option.names),
                option.type,
                "required" if option.default is None else _code(option.default),
                _prose(option.meaning),
            )
            for option in verb_options(verb)
        ]
        shown = table(("option", "type", "default", "meaning"), rows)
        parts += [f"## {name}", _prose(inspect.getdoc(verb) or ""), shown]
    return _page(parts)


def config() -> str:
    """The keys of a config, but for those of stages and engines, which have pages of their own."""
    intro = (
        "A config is a YAML file. `extends` names another one, whose keys it overrides one by one."
        " A key that is not listed is an error, before anything runs. `--set run.workers=4` sets"
        " one key for one command. What can stand in `nodes.NODE.config` depends on the stage"
        " ([Stages](stages.md)), what can stand in `engines.ROLE` on the kind of engine"
        " ([Engines](engines.md)). `turnwise config` prints the same lists."
    )
    shown = [s for s in config_sections() if not s.name.startswith(("stages.", "engines."))]
    return _page(["# Config", intro, *(part for s in shown for part in _section(s, 2))])


def engines() -> str:
    """The kinds of engine, and what can be set on each."""
    intro = "What answers the asks of a role: `engines.ROLE` with a `kind`."
    parts = ["# Engines", intro]
    for kind in KINDS:
        own, *nested = engine_sections(kind)
        parts += _section(own, 2, title=kind)
        parts += [part for section in nested for part in _section(section, 3)]
    return _page(parts)


def stages() -> str:
    """The stages: what each reads and writes, its settings, and why it turns rows down."""
    intro = (
        "A node of a config is a stage with settings: `nodes.NODE.stage` names it,"
        " `nodes.NODE.after` what it reads, `nodes.NODE.config` sets the keys below."
        " The rows that stages read and write are in [Columns](columns.md)."
    )
    parts = ["# Stages", intro]
    for name in stage_names():
        stage = find_stage("stages", name)
        summary, contract = _contract(inspect.getdoc(import_module(f"stages.{name}")) or "")
        asks = "It asks a model: `nodes.NODE.engine` names the role." if stage.answer else ""
        parts += [f"## {name}", summary, contract, f"Version {stage.version}. {asks}".strip()]
        own, *nested = stage_sections(name)
        parts.append(_keys(own.keys) if own.keys else "")
        if stage.reasons:
            parts.append("It turns down:")
            rows = [(f"`{r.name}`", _kind(r), r.meaning) for r in stage.reasons]
            parts.append(table(("reason", "kind", "meaning"), rows))
        parts += [part for section in nested for part in _section(section, 3)]
    return _page(parts)


def rejects() -> str:
    """Every reason for a reject, with its class and the stages and verbs that give it."""
    intro = (
        "A row that is turned down is kept, with the node, a reason and a detail. The class of a"
        " reason is its cause, as `rejects` shows it. *absence* is no fault of anybody: there was"
        " nothing to annotate. All others are refusals: a row that breaks a rule, a video that"
        " cannot be read, or an ask without a valid answer."
        " One that [Stages](stages.md) calls *policy* is by design: a setting turns down what may"
        " be valid, and it counts against no limit."
        " [Resume, rerun, retry](../how-to/resume-and-rerun.md) says how to look at them and how"
        " to ask again. Reasons of the verb `manifest` are in [Manifests](manifests.md)."
    )
    rows = []
    for known in all_reasons():
        verbs = [verb for verb in known.verbs if verb != "manifest"]
        where = [f"[{name}](stages.md#{name})" for name in known.stages]
        where += [f"`{verb}`" for verb in verbs]
        if where:
            reason = known.reason
            rows.append((f"`{reason.name}`", known.reason_class, ", ".join(where), reason.meaning))
    return _page(
        ["# Reject reasons", intro, table(("reason", "class", "given by", "meaning"), rows)]
    )


def formats() -> str:
    """The export formats, each with a row of the same small dialogue."""
    intro = (
        "What `turnwise export --format` and `turnwise convert --to` write. Each row below is of"
        " one dialogue: a question at 0 s, standby from 2 s, a response when the event is over at"
        " 3 s."
        " [Files for a trainer](../how-to/export.md) says which trainer reads what."
    )
    parts = ["# Export formats", intro]
    for name, form in FORMATS.items():
        module = import_module(f"pipeline.corpus.formats.{name}")
        summary = (inspect.getdoc(module) or "").splitlines()[0].partition(": ")[2]
        ending = "JSON, one array" if form.suffix == "json" else "JSON Lines, one row a line"
        frames = "It names images: the frames are written too." if form.needs_images else ""
        parts += [
            f"## {name}",
            f"{summary[:1].upper()}{summary[1:]} {ending}. {frames}".strip(),
            f"```json\n{example_rows(form)}\n```",
        ]
    return _page(parts)


def columns() -> str:
    """The columns of the corpus, and of the rows that pass between stages."""
    parts = [
        "# Columns",
        "## The corpus",
        fields(),
        "## Rows between stages",
        "Parts under `runs/…/parts` are Parquet files of these rows. A kind in brackets is"
        " extended: its columns come first.",
    ]
    kinds = [getattr(records, name) for name in records.__all__]
    for kind in kinds:
        if inspect.isclass(kind) and issubclass(kind, Record) and kind is not Record:
            parts += [*_record(kind)]
    return _page(parts)


def _record(kind: type[Record]) -> Iterator[str]:
    (base,) = (parent for parent in kind.__bases__ if issubclass(parent, Record))
    extends = "" if base is Record else f" ({base.__name__})"
    yield f"### {kind.__name__}{extends}"
    yield _prose(inspect.getdoc(kind) or "")
    notes = attribute_docs(kind)
    own = [name for name in kind.model_fields if name not in base.model_fields]
    rows = [(f"`{n}`", _arrow(str(schema_of(kind).field(n).type)), notes.get(n, "")) for n in own]
    yield table(("column", "type", "meaning"), rows)


def attribute_docs(kind: type[Record]) -> Mapping[str, str]:
    """The strings that stand below the fields of a class, by field."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    name = ""
    for line in definition.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name = line.target.id
        elif name and isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
            found[name] = _prose(str(line.value.value))
            name = ""
        else:
            name = ""
    return found


def _arrow(text: str) -> str:
    if "struct" in text:
        return "list of structs" if text.startswith("list") else "struct"
    return "list of strings" if text.startswith("list<") else text


def _section(section: ConfigSection, depth: int, title: str = "") -> Iterator[str]:
    if section.keys:
        yield f"{'#' * depth} {title or section.name}"
        where = f"`{section.path}`" if section.path else "The top of the file"
        condition = f", with `{section.condition}`" if section.condition else ""
        yield f"{where}{condition}. {_prose(section.meaning)}"
        yield _keys(section.keys)


def _keys(keys: Iterable[ConfigKey]) -> str:
    rows = []
    for key in keys:
        kind = f"{key.type}: {key.allowed}" if key.allowed else key.type
        default = "required" if key.default is None else f"`{key.default}`"
        rows.append((f"`{key.name}`", kind, default, _prose(key.meaning)))
    return table(("key", "type", "default", "meaning"), rows)


def _contract(documentation: str) -> tuple[str, str]:
    """The first paragraphs of a stage's documentation, and its lines ``reads:``, … as a list."""
    text, _, lines = documentation.partition("\nreads:")
    found = re.findall(r"^(\w+): +(.*?)(?=^\w+: |\Z)", f"reads:{lines}", re.M | re.S)
    return _prose(text), "\n".join(f"- **{name}**: {_prose(value)}" for name, value in found)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _prose(text: str) -> str:
    """A docstring as Markdown: its paragraphs, each on one line; what is no code is no HTML."""
    paragraphs = [" ".join(p.split()).replace("``", "`") for p in text.split("\n\n")]
    parts = "\n\n".join(filter(None, paragraphs)).split("`")
    return "`".join(p if i % 2 else escape(p, quote=False) for i, p in enumerate(parts))


def _kind(reason: Reason) -> str:
    return "absence" if reason.absence else "policy" if reason.policy else "refusal"


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {f"reference/{make.__name__}.md": make for make in (verbs, config, stages, engines)}
    | {f"reference/{make.__name__}.md": make for make in (rejects, formats, columns)}
)
"""Generated pages, by their paths in the site."""
