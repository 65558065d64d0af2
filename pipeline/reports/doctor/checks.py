"""All checks of a run, one after the other."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import ffmpeg

from pipeline.engines import close_engines, open_engine
from pipeline.engines.base import EmbeddedConfig, EngineConfig, EngineError
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.vllm.config import VllmConfig
from pipeline.errors import ConfigError
from pipeline.media.base import Clip, Media, MediaError
from pipeline.media.decode import DecodeProcess
from pipeline.media.scenes.render import render_scenes
from pipeline.records import FramedSegment, Video
from pipeline.reports.doctor import machine
from pipeline.reports.doctor.asking import by_engine, name_of
from pipeline.reports.doctor.context_fit import LongestAsk, long_video, longest_ask
from pipeline.reports.doctor.findings import Finding, NodeReport, Thresholds, judge, mean
from pipeline.reports.doctor.gpu import check_gpus, check_vllm
from pipeline.reports.doctor.machines import check_machines
from pipeline.reports.doctor.probe import SCENES, probe_node
from pipeline.reports.doctor.scene_inputs import MADE, KnownRows, KnownVideo
from pipeline.reports.doctor.server import check_server
from pipeline.scoring.truth.scripted import load_truths
from pipeline.store.location import Location
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import Node, refusal_of
from pipeline.workflow.machine import Machines
from pipeline.workflow.prompt import PromptError
from pipeline.workflow.source import Source, read_source
from pipeline.workflow.stage import Context

EXTRAS: Mapping[str, tuple[str, ...]] = {"http": ("aiohttp", "tenacity", "json_repair")}
"""The libraries that a kind of engine needs, by the extra that installs them."""
TEST_SCENE = "scene-14"
"""The shortest one; it replaces the videos of a manifest without any that can be read."""
UNKNOWN_DURATION_S = 300.0
"""The assumed duration of the longest video if none of the manifest can be read."""
COMMIT = re.compile("[0-9a-f]{40}")
TRY = "try a few rows: run --limit 2"


@dataclass(frozen=True)
class Options:
    """How many videos of the manifest to open, whether to ask the models, and the thresholds."""

    videos: int = 20
    probe: bool = True
    thresholds: Thresholds = field(default_factory=Thresholds)


def run_checks(
    settings: RunConfig,
    nodes: Sequence[Node],
    root: Location,
    options: Options,
    machines: Machines | None = None,
) -> Iterator[Finding | NodeReport]:
    """All findings, each as soon as it is known, and a report for each node that was probed.

    ``machines``: of the cluster that is to run it; each is checked, and has vLLM's engines.
    """
    prompts = {name for node in nodes for name in node.prompts}
    yield Finding("config", "ok", f"{len(nodes)} nodes, {len(prompts)} prompts")
    binaries = list(machine.check_binaries())
    yield from binaries
    yield machine.check_store(root)
    if any(finding.level != "ok" for finding in binaries):
        text = "videos, engines and models are not checked without ffmpeg"
        yield Finding("the rest", "warning", text, "install it, and run the doctor again")
        return
    with TemporaryDirectory(prefix="doctor-") as name:
        folder = Path(name)
        try:
            render_scenes(folder, (TEST_SCENE,))
        except ffmpeg.Error as error:
            text = f"it cannot encode: {(error.stderr or b'').decode(errors='replace')[-200:]}"
            yield Finding("ffmpeg", "failure", text, "install one with libx264 and mpeg4")
            return
        source, n_rows, problem = _source(settings, nodes)
        yield from problem
        with DecodeProcess(source.root if source else folder) as media:
            yield from machine.check_readers(nodes, _file(folder, TEST_SCENE), media)
            videos: list[Video] = []
            if source is not None:
                entry = next(node for node in nodes if node.stage.scope == "source")
                videos, finding = machine.admit(source, n_rows, entry, media, options.videos)
                yield finding
            test = _video(folder, TEST_SCENE, media)
            sample = min(videos, key=lambda video: video.duration_s, default=test)
            cutters = (node for node in nodes if issubclass(node.stage.writes, FramedSegment))
            cutter = next(cutters, None)
            frames = _cut(cutter, sample, media) if cutter else ()
            if cutter is None or not frames:
                text = f"no frames of {sample.video_id} are made: engines are not checked"
                yield Finding("frames", "failure" if cutter else "warning", text, TRY)
                return
            durations = [video.duration_s for video in videos]
            mean_s = mean(durations)
            if source is None or mean_s is None:
                text = "the space for frames cannot be estimated without a video"
                yield Finding("space", "warning", text, "see the finding on the manifest")
            else:
                yield machine.check_space(root, n_rows, mean_s, frames)
            long = long_video(frames, sample, max(durations, default=UNKNOWN_DURATION_S))
            unfit = yield from _engines(settings, nodes, long, machines is not None)
            if machines is not None:
                yield from _machines(settings, nodes, root, source, videos, options, machines)
            if options.probe:
                fit = [config for config, _ in by_engine(nodes) if config not in unfit]
                render_scenes(folder, SCENES if fit else ())
                known = [
                    KnownVideo(video, _cut(cutter, video, media), truth)
                    for truth in load_truths(folder / "truth")
                    if truth.video_id in SCENES
                    for video in [_video(folder, truth.video_id, media)]
                ]
                yield from _probe(nodes, known, unfit, options.thresholds, machines is not None)


def check_engine(
    name: str,
    config: EngineConfig,
    longest: LongestAsk | None,
    jpeg: bytes | None,
    *,
    elsewhere: bool = False,
) -> Iterator[Finding]:
    """Whether an engine is pinned, installed and reachable, and takes the longest ask.

    ``jpeg`` is None for one that is asked about texts alone. ``elsewhere``: an engine of kind vllm
    runs on other machines, which are asked by themselves.
    """
    if not config.revision:
        text = "no revision: a run does not start without one"
        fix = "fetch-models finds it" if isinstance(config, VllmConfig) else "write what is served"
        yield Finding(name, "failure", text, fix)
    elif not isinstance(config, EmbeddedConfig) and not COMMIT.fullmatch(config.revision):
        text = f"revision {config.revision} is no commit: its model may change"
        yield Finding(name, "warning", text, "pin `revision` to the commit that answers")
    if missing := [lib for lib in EXTRAS.get(config.kind, ()) if find_spec(lib) is None]:
        fix = f"pip install 'turnwise[{config.kind}]'"
        yield Finding(name, "failure", f"not installed: {', '.join(missing)}", fix)
    elif isinstance(config, HttpConfig):
        for host in config.replica_configs():
            yield from check_server(name, host, longest, jpeg)
    elif isinstance(config, VllmConfig):
        yield from check_vllm(name, config, longest, elsewhere=elsewhere)
    elif isinstance(config, EmbeddedConfig):
        yield Finding(name, "ok", "embedded: needs no weights, no network and no GPU")
    else:
        yield Finding(name, "warning", f"there are no checks for the kind {config.kind}", TRY)


def _source(
    settings: RunConfig, nodes: Sequence[Node]
) -> tuple[Source | None, int, Sequence[Finding]]:
    """The source, its number of rows, and a finding if it cannot be read."""
    try:
        source = read_source(settings.source, refusal=refusal_of(nodes))
        return source, sum(1 for _ in source.rows), ()
    except (ConfigError, OSError) as error:
        return None, 0, [Finding("manifest", "failure", str(error), "correct source.path")]


def _engines(
    settings: RunConfig, nodes: Sequence[Node], long: KnownVideo, elsewhere: bool
) -> Generator[Finding, None, list[EngineConfig]]:
    """Findings about every engine. Returns the engines that cannot be asked."""
    unfit: list[EngineConfig] = []
    for config, asking in by_engine(nodes):
        longest: list[LongestAsk] = []
        for node in asking:
            found = _longest(node, config, long)
            if isinstance(found, Finding):
                yield found
            else:
                longest.append(found)
        most = max(longest, key=lambda ask: ask.tokens, default=None)
        name = name_of(settings, config)
        shown = any(issubclass(kind, FramedSegment) for node in asking for kind in node.stage.reads)
        jpeg = long.segments[0].jpeg if shown else None
        for finding in check_engine(name, config, most, jpeg, elsewhere=elsewhere):
            yield finding
            if finding.level == "failure":
                unfit.append(config)
    if elsewhere:
        return unfit
    for finding in check_gpus([config for config, _ in by_engine(nodes)]):
        yield finding
        if finding.level != "ok":
            unfit += (config for config, _ in by_engine(nodes) if config.gpus)
    return unfit


def _machines(
    settings: RunConfig,
    nodes: Sequence[Node],
    root: Location,
    source: Source | None,
    videos: Sequence[Video],
    options: Options,
    machines: Machines,
) -> Iterator[Finding]:
    """Findings about the machines of a cluster; ``videos`` can be read on this one."""
    rows = tuple(islice(source.rows, options.videos)) if source else ()
    engines = [
        (name_of(settings, config), config)
        for config, _ in by_engine(nodes)
        if isinstance(config, VllmConfig)
    ]
    yield from check_machines(machines, settings, root, source, rows, videos, engines)


def _longest(node: Node, config: EngineConfig, long: KnownVideo) -> LongestAsk | Finding:
    name = f"asks of {node.name}"
    try:
        found = None if _unmade(node) else longest_ask(node, config, long)
    except PromptError as error:
        return Finding(name, "failure", str(error), f"correct nodes.{node.name}.config.prompt")
    if found is None:
        why = f"its {kinds} rows cannot be made" if (kinds := _unmade(node)) else "it asked nothing"
        return Finding(name, "warning", f"not tried: {why}", TRY)
    return found


def _probe(
    nodes: Sequence[Node],
    videos: Sequence[KnownVideo],
    unfit: Sequence[EngineConfig],
    thresholds: Thresholds,
    elsewhere: bool,
) -> Iterator[Finding | NodeReport]:
    for config, asking in by_engine(nodes):
        replica_configs = config.replica_configs()
        if config in unfit:
            text = f"not asked: {', '.join(node.name for node in asking)}"
            yield Finding("probe", "warning", text, "correct the engine first")
            continue
        if elsewhere and isinstance(config, VllmConfig):
            text = f"not asked: {', '.join(node.name for node in asking)}"
            fix = "run the doctor without --executor ray on a machine with its GPUs, or a pilot"
            yield Finding("probe", "warning", text, fix)
            continue
        for node in asking:
            name = f"probe {node.name}"
            if _unmade(node):
                continue  # there is a finding about its asks
            try:
                engine = open_engine(replica_configs[0] if replica_configs else config)
                report = probe_node(node, config, engine, videos)
            except (EngineError, PromptError) as error:
                yield Finding(name, "failure", str(error), "see what the engine logs")
            else:
                yield report
                yield judge(report, thresholds)
        # The next one may need the same GPUs.
        close_engines()


def _unmade(node: Node) -> str:
    """The kinds of rows that a node reads and that cannot be made from the truth."""
    return ", ".join(kind.__name__ for kind in node.stage.reads if kind not in MADE)


def _cut(cutter: Node, video: Video, media: Media) -> tuple[FramedSegment, ...]:
    """The turns of a video as the run cuts it; none if it rejects the video, or cannot read it."""
    rows = KnownRows(video.video_id, {Video: [video]})
    made = cutter.stage.run([rows], cutter.config, Context(media=media))
    try:
        return tuple(row for row in made if isinstance(row, FramedSegment))
    except MediaError:
        return ()


def _video(folder: Path, scene: str, media: Media) -> Video:
    uri = str(_file(folder, scene))
    return Video.model_validate({"video_id": scene, "uri": uri, **asdict(media.probe(Clip(uri)))})


def _file(folder: Path, scene: str) -> Path:
    return (folder / "videos" / f"{scene}.mp4").absolute()
