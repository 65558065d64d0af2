"""A commented config to start from, made of the defaults and meanings that the code has."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pipeline.reports.config_keys import as_yaml, config_sections
from pipeline.reports.describe import WIDTH
from pipeline.reports.resolved_config import resolved_config
from pipeline.workflow.config import Role, load_config
from pipeline.workflow.config_file import CONFIGS

RECIPE = "streamo.yaml"
"""What the example extends."""
SERVER = "server.yaml"
"""The config whose server the example names."""

ENGINE_KEYS = ("kind", "base_url", "model", "revision", "api_key_env", "concurrency", "timeout_s")
NODE_KEYS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("min_duration_s", "max_duration_s"),
    "segment": ("turns_per_s", "longer_px"),
    "polish": ("max_words", "min_gap_s"),
    "caption": ("families", "max_frames", "max_events", "policy"),
    "agree": ("min_iou", "policy"),
    "query": ("max_queries",),
    "change_points": ("max_frames", "max_points"),
    "change_questions": ("max_questions", "distractors"),
    "lint": ("min_gap_s", "keep_partial"),
    "multiple_choice": ("share", "max_options"),
    "dialogue": ("collision", "mixed"),
    "plan_mixture": ("shares", "silence"),
    "apply_mixture": ("weights",),
}
"""The settings of stages that people change first."""


def example_config() -> str:
    """A complete config that extends ``RECIPE``, with a comment for each key."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    recipe = resolved_config(load_config(CONFIGS / RECIPE))
    server = load_config(CONFIGS / SERVER).engines["narrator"].model_dump(mode="json")
    own = {"run": {"name": "mine", "root": "runs/mine"}}
    yield from _comment(
        "A run: which videos, which models, and what differs from the recipe that it extends. Set"
        " to their defaults, most lines can go. Every other key: `turnwise config`. What would run:"
        " `turnwise plan -c FILE`; whether servers and videos are there: `turnwise doctor -c FILE`."
    )
    yield from ("", *_key("file", "extends", RECIPE, ""))
    yield from _key("file", "language", recipe["language"], "")
    for name, keys in {
        "run": ("name", "root", "workers", "videos_per_shard"),
        "source": ("kind", "path"),
    }.items():
        yield from ("", f"{name}:")
        for key in keys:
            yield from _key(name, key, {**recipe[name], **own.get(name, {})}[key], "  ")
    yield from ("", *_comment("One server for all roles; each role may have its own."), "engines:")
    first, *others = get_args(Role)
    yield from (f"  # {_asked_by(first, recipe)}", f"  {first}: &server")
    for key in ENGINE_KEYS:
        yield from _key(f"engines.{server['kind']}", key, server[key], "    ")
    for role in others:
        yield from (f"  # {_asked_by(role, recipe)}", f"  {role}: *server")
    yield from ("", "nodes:")
    for name, keys in NODE_KEYS.items():
        stage, settings = recipe["nodes"][name]["stage"], recipe["nodes"][name]["config"]
        summary = _meaning(f"stages.{stage}").partition("\n")[0]
        yield from (*_comment(summary, "  "), f"  {name}:", "    config:")
        for key in keys:
            yield from _key(f"stages.{stage}", key, settings[key], "      ")
    yield from ("", "corpus:")
    for key in ("title", "licence", "frames"):
        yield from _key("corpus", key, recipe["corpus"][key], "  ")


def _key(section: str, key: str, value: Any, indent: str) -> Iterator[str]:
    (found,) = (k for s in config_sections() if s.name == section for k in s.keys if k.name == key)
    values = f" ({found.allowed})" if found.allowed else ""
    yield from _comment(f"{found.meaning}{values}", indent)
    yield f"{indent}{key}: {as_yaml(value)}"


def _asked_by(role: str, recipe: Mapping[str, Any]) -> str:
    nodes = [name for name, node in recipe["nodes"].items() if node["engine"] == role]
    return f"asked by {', '.join(nodes)}"


def _meaning(section: str) -> str:
    return next(s.meaning for s in config_sections() if s.name == section)


def _comment(text: str, indent: str = "") -> list[str]:
    lead = f"{indent}# "
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=lead)
