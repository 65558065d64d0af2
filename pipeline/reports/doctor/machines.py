"""Checks of every machine of a cluster: what each lacks of what a run needs there.

Each is done by a task on the machine itself, and compared with what the machine that asks has.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata

from pipeline.engines.placement import matches
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.model_files import absent_files, cache_folder
from pipeline.media.decode import DecodeProcess
from pipeline.records import Video
from pipeline.reports.doctor import machine as this_machine
from pipeline.reports.doctor.findings import Finding
from pipeline.reports.doctor.gpu import check_library, check_memory, files_of, gpus_of_machine
from pipeline.store.location import Location
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import build_graph
from pipeline.workflow.machine import Machine, MachineError, Machines
from pipeline.workflow.raw_rows import RawRow
from pipeline.workflow.source import Source

FETCH = "fetch-models --executor ray downloads to each machine what it lacks"
NAMED_FILES = 3
"""Of those that are missing, so many are named."""


@dataclass(frozen=True)
class Needed:
    """What one machine is asked."""

    settings: RunConfig
    root: Location
    mark: Location | None
    """A file that was just written into the root."""
    source_root: Location | None
    rows: tuple[RawRow, ...]
    """The first rows of the manifest."""
    readable: frozenset[str]
    """Ids of those of their videos that the machine that asks can read."""
    packages: Mapping[str, str]
    """The version that it has of each package of turnwise."""
    engines: tuple[tuple[str, VllmConfig], ...]
    """Those that may come to live on the machine."""
    gpus: float
    """How many the cluster counts there."""


def check_machines(
    machines: Machines,
    settings: RunConfig,
    root: Location,
    source: Source | None,
    rows: Sequence[RawRow],
    videos: Sequence[Video],
    engines: Sequence[tuple[str, VllmConfig]],
) -> Iterator[Finding]:
    """Findings about each machine: one where all is well, else one for each thing that is not."""
    yield from check_sizes(machines.all, engines)
    packages = packages_here()
    if not packages:
        text = "turnwise is not installed here: packages of the machines are not compared"
        yield Finding("packages", "warning", text, "install it: make install")
    with _marked(root) as mark:
        asked = {
            each: Needed(
                settings=settings,
                root=root,
                mark=mark,
                source_root=source.root if source else None,
                rows=tuple(rows),
                readable=frozenset(video.video_id for video in videos),
                packages=packages,
                engines=tuple((name, e) for name, e in engines if each.may_hold(e)),
                gpus=each.gpus,
            )
            for each in machines.all
        }
        for each, answer in machines.call(check_machine, asked):
            for found in [_unchecked(answer)] if isinstance(answer, MachineError) else answer:
                check = f"{each.name} {found.check}".strip()
                yield Finding(check, found.level, found.text, found.fix)


def _unchecked(error: MachineError) -> Finding:
    fix = "see whether Python, turnwise and its packages are the same there"
    return Finding("", "failure", f"it cannot be checked: {error}", fix)


def check_sizes(
    machines: Sequence[Machine], engines: Sequence[tuple[str, VllmConfig]]
) -> Iterator[Finding]:
    """The GPUs of the cluster against those of each engine: Ray waits for a machine that fits."""
    whole, most = _gpus_in_all(machines)
    has = f"{len(machines)} machines have {whole:g} GPUs, the largest {most:g}"
    lacking = []
    for name, engine in engines:
        across, labels = engine.placement.across_machines, engine.placement.label_selector
        all_here, most_here = _gpus_in_all([m for m in machines if matches(m.labels, labels)])
        if engine.gpus > (all_here if across else most_here):
            lacking.append(name)
            where = "in all" if across else "on one machine"
            where += "".join(f", {key}={value}" for key, value in sorted(labels.items()))
            needs = f"{name} needs {engine.gpus} {where}"
            fix = "lower tensor_parallel, or add such a machine: a run waits for one"
            yield Finding("GPUs", "failure", f"{needs}; {has}", fix)
    if not lacking:
        needed = sum(engine.gpus * engine.least_replicas for _, engine in engines)
        turns = ": they take turns" if needed > whole else ""
        yield Finding("GPUs", "ok", f"all engines need {needed}; {has}{turns}")


def _gpus_in_all(machines: Sequence[Machine]) -> tuple[float, float]:
    """Of all of them, and of the largest."""
    gpus = [machine.gpus for machine in machines]
    return sum(gpus), max(gpus, default=0)


def check_machine(needed: Needed) -> list[Finding]:
    """What the machine of this process lacks; one finding that all is well if nothing."""
    found = [*_packages(needed.packages), *this_machine.check_binaries()]
    has_ffmpeg = all(finding.level == "ok" for finding in found if finding.check.startswith("ff"))
    found += _gpus(needed.gpus)
    found += [*_root(needed)]
    if needed.engines:
        found.append(check_library("vllm"))
    for name, engine in needed.engines:
        found.append(_engine(name, engine))
    if has_ffmpeg and needed.source_root is not None:
        found.append(_videos(needed, needed.source_root))
    faults = [finding for finding in found if finding.level != "ok"]
    if faults:
        return faults
    return [Finding("", "ok", "; ".join(finding.text for finding in found))]


def packages_here() -> dict[str, str]:
    """The installed version of each package that turnwise needs, and of it; empty if it is not
    installed but lies in a folder."""
    try:
        lines = metadata.requires("turnwise") or ()
    except metadata.PackageNotFoundError:
        return {}
    names = {line.split(";")[0].split("[")[0].split(">")[0].strip() for line in lines}
    return {name: version for name in sorted(names) if (version := _version(name))}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _packages(wanted: Mapping[str, str]) -> Iterator[Finding]:
    has = {name: _version(name) for name in wanted}
    if absent := [name for name, version in has.items() if not version]:
        fix = "install there what is installed here"
        yield Finding("packages", "failure", f"missing: {', '.join(absent)}", fix)
    other = [
        f"{name} {version} and not {wanted[name]}"
        for name, version in has.items()
        if version and version != wanted[name]
    ]
    if other:
        fix = "install the same everywhere: rows may differ with where they are made"
        yield Finding("packages", "warning", f"others than here: {', '.join(other)}", fix)


def _gpus(counted: float) -> list[Finding]:
    if not counted:
        return []
    gpus = gpus_of_machine()
    if len(gpus) < counted:
        text = f"counted by Ray {counted:g}, listed by nvidia-smi {len(gpus)}"
        fix = "see whether the driver is there, and how Ray was started"
        return [Finding("GPUs", "failure", text, fix)]
    return [Finding("GPUs", "ok", f"{len(gpus)} GPUs, driver {gpus[0].driver}")]


def _root(needed: Needed) -> Iterator[Finding]:
    if needed.mark is not None and not needed.mark.exists():
        text = f"{needed.mark.parent} is another folder than here"
        fix = "set run.root to storage that all machines share"
        yield Finding("store", "failure", text, fix)
    else:
        yield this_machine.check_store(needed.root)


def _engine(name: str, engine: VllmConfig) -> Finding:
    """The weights of an engine, and their fit into the GPUs of this machine."""
    absent = absent_files(engine.model, engine.revision)
    if absent:
        cache = cache_folder()
        free = shutil.disk_usage(this_machine.nearest(cache)).free / this_machine.GIGABYTE
        more = f" and {len(absent) - NAMED_FILES} more" if len(absent) > NAMED_FILES else ""
        text = (
            f"{engine.model} at {engine.revision or 'no revision'} lacks"
            f" {', '.join(absent[:NAMED_FILES])}{more} in {cache}, which has {free:.0f} GB free"
        )
        return Finding(name, "failure", text, FETCH)
    if engine.gpus and (gpus := gpus_of_machine()):
        size_bytes, _ = files_of(engine.model, engine.revision)
        return check_memory(name, engine, size_bytes, [gpu.memory_bytes for gpu in gpus])
    return Finding(name, "ok", f"the files of {engine.model} are there")


def _videos(needed: Needed, root: Location) -> Finding:
    """The first videos, as the run admits them on this machine."""
    entry = next(n for n in build_graph(needed.settings) if n.stage.scope == "source")
    source = Source(needed.rows, root)
    with DecodeProcess(root) as media:
        videos, finding = this_machine.admit(
            source, len(needed.rows), entry, media, len(needed.rows)
        )
    lost = sorted(needed.readable - {video.video_id for video in videos})
    if not lost:
        text = f"{len(videos)} of the first {len(needed.rows)} videos read"
        return Finding("videos", "ok", text)
    text = f"{len(lost)} of {len(needed.readable)} videos that can be read here cannot there"
    fix = "put them on storage that all machines share"
    return Finding("videos", "failure", f"{text}: {finding.text}", fix)


@contextmanager
def _marked(root: Location) -> Iterator[Location | None]:
    """A file where the root is to be, as long as the block lasts; None where it cannot be."""
    folder = root if root.path is None else Location.of(this_machine.nearest(root.path))
    mark = folder / f".doctor-{uuid.uuid4().hex}"
    try:
        mark.write_bytes(b"x")
    except OSError:
        yield None  # there is a finding about the store
        return
    try:
        yield mark
    finally:
        mark.remove()
