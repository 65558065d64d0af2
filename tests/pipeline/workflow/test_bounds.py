"""Numbers and paths that no machine can work with are errors of the config; nothing runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from pipeline.cli.exit_status import USAGE
from pipeline.corpus.layout import CorpusSettings
from pipeline.dialogue.budget import Budget
from pipeline.engines import KINDS
from pipeline.errors import ConfigError
from pipeline.media import base as media
from pipeline.media.decode import DecodeProcess
from pipeline.run import main
from pipeline.settings import MOST
from pipeline.workflow.config import Execution, Limits, RunConfig, RunSection, load_config
from pipeline.workflow.graph import build_graph, stage_names
from pipeline.workflow.stage import load_stage

STREAMO = Path(__file__).resolve().parents[3] / "configs" / "streamo.yaml"


def models() -> Iterator[type[BaseModel]]:
    yield from (RunSection, Execution, Limits, CorpusSettings, Budget)
    yield from KINDS.values()
    yield from (load_stage(name).config for name in stage_names())


def kinds_in(annotation: Any) -> set[Any]:
    inner = get_args(annotation)
    return {annotation}.union(*map(kinds_in, inner)) if inner else {annotation}


def test_every_number_of_a_config_has_bounds() -> None:
    tried = 0
    for model in models():
        for name, field in model.model_fields.items():
            numbers = kinds_in(field.annotation) & {int, float}
            for number in [10**20, -(10**20), 1e300] if numbers else ():
                shapes: list[Any] = [number, [number, number], {"narration": number}]
                for shape in shapes:
                    with pytest.raises(ValidationError) as raised:
                        model.model_validate({name: shape})
                    assert name in {error["loc"][0] for error in raised.value.errors()}
                    tried += 1
    assert tried > 500


def test_a_number_within_the_bounds_stays_as_it_is() -> None:
    assert load_stage("query").config.model_validate({"choice_seed": -MOST}).choice_seed == -MOST


@pytest.mark.parametrize(
    ("override", "key", "bound"),
    [
        ("run.videos_per_shard=100000000000000000000", "run.videos_per_shard", "1000000"),
        ("run.workers=1000000000", "run.workers", "10000"),
        ("nodes.ingest.config.memory_bytes=9223372036854775807", "memory_bytes", str(1 << 50)),
        ("nodes.segment.config.timeout_s=1e300", "nodes.segment.config.timeout_s", "1000000"),
        ("nodes.narrate.limits.rejected=.inf", "nodes.narrate.limits.rejected", "finite"),
        ('run.root="a\\0b"', "run.root", "NUL"),
        ('source.path="a\\0b"', "source.path", "NUL"),
    ],
)
def test_the_error_names_key_and_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], override: str, key: str, bound: str
) -> None:
    assert main(["plan", "-c", str(STREAMO), "--set", override]) == USAGE
    said = capsys.readouterr().err
    assert key in said and bound in said, said


def test_a_path_to_extend_has_no_nul(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(json.dumps({"extends": "a\0b"}))
    with pytest.raises(ConfigError, match="extends: must be a path"):
        load_config(tmp_path / "c.yaml")


def test_the_most_memory_that_can_be_set_can_be_had(tmp_path: Path) -> None:
    """It is a limit, and no reservation: the decoder starts, and sets it."""
    config = load_config(STREAMO, [f"nodes.ingest.config.memory_bytes={1 << 50}"])
    (ingest,) = (node for node in build_graph(config) if node.name == "ingest")
    assert isinstance(config, RunConfig)
    limits: media.Limits = ingest.config.limits()  # type: ignore[attr-defined]
    (tmp_path / "a.mp4").write_bytes(bytes(1000))
    with DecodeProcess(tmp_path) as process, pytest.raises(media.MediaError) as raised:
        process.probe(media.Clip("a.mp4"), limits)
    assert raised.value.reason == "not_a_video"
