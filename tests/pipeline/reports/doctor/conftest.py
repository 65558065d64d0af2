"""The nodes of the demo, known videos as they cut them, and a server that lists its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.media.decode import DecodeProcess
from pipeline.media.scenes.render import render_scenes
from pipeline.media.scenes.truth import Truth
from pipeline.records import FramedSegment, Video
from pipeline.reports.doctor.probe import SCENES
from pipeline.reports.doctor.scene_inputs import KnownRows, KnownVideo
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import Node, build_graph
from pipeline.workflow.stage import Context
from tests.conftest import RenderOnce
from tests.pipeline.reports.doctor.model_server import ModelServer

DEMO = Path(__file__).resolve().parents[4] / "configs" / "demo.yaml"


@pytest.fixture(scope="session")
def nodes() -> Mapping[str, Node]:
    return {node.name: node for node in build_graph(load_config(DEMO))}


@pytest.fixture(scope="session")
def videos(
    tmp_path_factory: pytest.TempPathFactory, nodes: Mapping[str, Node], render_once: RenderOnce
) -> Sequence[KnownVideo]:
    with render_once():
        folder = render_scenes(tmp_path_factory.mktemp("scenes"), SCENES).parent
    found = []
    with DecodeProcess(folder) as media:
        for name in SCENES:
            truth = Truth.model_validate_json((folder / "truth" / f"{name}.json").read_bytes())
            row = {"video_id": name, "uri": str(folder / "videos" / f"{name}.mp4")}
            (video,) = nodes["ingest"].stage.run(
                (), nodes["ingest"].config, Context(manifest=[row], media=media)
            )
            assert isinstance(video, Video)
            rows = KnownRows(name, {Video: [video]})
            segment = nodes["segment"]
            turns = list(segment.stage.run([rows], segment.config, Context(media=media)))
            segments = [turn for turn in turns if isinstance(turn, FramedSegment)]
            assert len(segments) == len(turns) > 0
            found.append(KnownVideo(video, tuple(segments), truth))
    return found


@pytest.fixture
def serve() -> Iterator[Callable[..., ModelServer]]:
    """``serve(...)``: a ``ModelServer``, stopped at the end."""
    servers: list[ModelServer] = []

    def start(**settings: Any) -> ModelServer:
        servers.append(ModelServer(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
