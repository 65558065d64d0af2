"""What the pipeline costs an engine of vLLM: tokens a second, beside vLLM driven bare.

    python benchmarks/engine.py [--engine FILE] [--source FOLDER] [--shards N] [--in-flight N]
                                [--repeats N] [--json FILE]

Narrates videos twice in one run: the scripted scenes, or the videos of a folder. ``bare`` hands
vLLM every prompt of every video at once, decoded before the clock starts, and waits for the last.
``pipeline`` runs the shards of the node ``narrate`` through ``run_shard``, a few at once: it reads
parts, builds asks, decodes frames, asks, parses, and writes parts. Each has an engine of its own,
fresh and warmed by one ask; they take turns at going first.

``--engine`` is a YAML file with the fields of an engine of kind vllm. Without it, a tiny random
model runs on the CPU (the environment of ``make test-vllm``). ``frames encoded`` over ``frames
shown`` is what overlapping windows save; at best each distinct frame is encoded once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.engines import close_engines, open_engine
from pipeline.engines.answer import answer_schema
from pipeline.engines.base import Ask, Sampling
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.prompt import shown
from pipeline.engines.vllm.schema import decoding_schema
from pipeline.execution.worker import run_shard
from pipeline.media.scenes.render import render_scenes
from pipeline.records import DenseSegment, Record
from pipeline.store.location import Location
from pipeline.store.parts import write_manifest
from pipeline.store.video_rows import read_videos
from pipeline.workflow.annotation_stage import Case, ask_of
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import build_graph
from pipeline.workflow.plan import NodePlan, make_plan, parts_made, planned_again
from pipeline.workflow.source import read_source
from pipeline.workflow.task import ShardTask
from stages import narrate
from stages._narration import ChangeSeen

COUNTS_VARIABLE = "TURNWISE_FRAME_COUNTS"
SETTINGS = narrate.Config(still_levels=0)
SCHEMA = answer_schema(ChangeSeen)
WARMING = Ask("warming", "Say something.", SCHEMA)


@dataclass(frozen=True)
class Measured:
    """One way, once."""

    tokens: int
    seconds: float
    cpu_s: float
    """Of this process, which is all but vLLM's own."""
    encoded: int


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", type=Path)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--shards", type=int, default=12)
    parser.add_argument("--in-flight", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as raw:
        folder = Path(raw)
        engine = engine_of(given.engine, folder)
        source = given.source or render_scenes(folder / "scenes").parent
        tasks = prepared(engine, source, given.shards, folder / "run")
        asks = [ask for task in tasks for ask in asks_of(task)]
        distinct = {frame.jpeg for ask in asks for frame in ask.frames}
        print(
            f"{len(asks)} asks in {len(tasks)} shards, {given.in_flight} at once;"
            f" {sum(len(ask.frames) for ask in asks)} frames shown, {len(distinct)} distinct"
        )
        found: dict[str, list[Measured]] = {"bare": [], "pipeline": []}
        for repeat in range(given.repeats):
            for way in sorted(found, reverse=repeat % 2 == 1):
                counts = fresh_counts(folder, f"{way}-{repeat}")
                if way == "bare":
                    measured = asyncio.run(bare(engine, asks, counts))
                else:
                    measured = through_pipeline(engine, tasks, given.in_flight, counts)
                found[way].append(measured)
    figures = report(found, len(asks))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def report(found: Mapping[str, Sequence[Measured]], asks: int) -> Mapping[str, Any]:
    """A row a way, then the ratios of the medians and of the best, which other work on the machine
    disturbed least."""
    rates, best, figures = {}, {}, dict[str, Any]()
    for way, each in found.items():
        every = [measured.tokens / measured.seconds for measured in each]
        cpu_ms = statistics.median(measured.cpu_s for measured in each) / asks * 1000
        rates[way], best[way] = statistics.median(every), max(every)
        figures[way] = {
            "tokens_per_s": every,
            "tokens": each[-1].tokens,
            "encoded": each[-1].encoded,
            "cpu_ms_an_ask": cpu_ms,
        }
        print(
            f"{way:9} {rates[way]:8.1f} tokens/s ({min(every):.1f} to {max(every):.1f}),"
            f" {each[-1].tokens} tokens, {each[-1].encoded} frames encoded,"
            f" {cpu_ms:.1f} CPU ms an ask"
        )
    ratios = {
        "medians": rates["pipeline"] / rates["bare"],
        "best": best["pipeline"] / best["bare"],
    }
    print("pipeline over bare:", ", ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items()))
    return {"asks": asks, **figures, **ratios}


def engine_of(path: Path | None, folder: Path) -> VllmConfig:
    """The engine to measure; it notes the frames that it encodes."""
    if path is not None:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        engine = VllmConfig.model_validate(fields)
    else:
        from tests.vllm.conftest import CPU_ENVIRONMENT, tiny  # noqa: PLC0415  sets nothing by itself
        from tests.vllm.tiny_checkpoint import make_checkpoint  # noqa: PLC0415  needs torch

        os.environ.update(CPU_ENVIRONMENT)
        engine = tiny(make_checkpoint(folder / "tiny"), max_images=8)
    args = {**engine.engine_args, "worker_extension_cls": "tests.vllm.frame_counts.Counting"}
    return engine.model_copy(update={"engine_args": args})


def prepared(engine: VllmConfig, source: Path, shards: int, root: Path) -> Sequence[ShardTask]:
    """The shards of the node ``narrate``, with all that they read in place."""
    manifest = source / "manifest.jsonl"
    kind, path = ("manifest", manifest) if manifest.exists() else ("folder", source)
    config = RunConfig.model_validate(
        {
            "source": {"kind": kind, "path": path},
            "engines": {"narrator": engine},
            "nodes": {
                "ingest": {"stage": "ingest", "config": {"min_duration_s": 0}},
                "segment": {"stage": "segment", "after": ["ingest"]},
                "narrate": {
                    "stage": "narrate",
                    "after": ["segment"],
                    "engine": "narrator",
                    "config": {"still_levels": SETTINGS.still_levels},
                },
            },
        }
    )
    videos = read_source(config.source)
    per_shard = -(-sum(1 for _ in videos.rows) // shards)
    plans = make_plan(build_graph(config), videos, per_shard, Location.of(root))
    for slot, shard in zip(plans[0].slots.values(), plans[0].manifest or (), strict=True):
        write_manifest(slot, shard.rows)
    for number in range(len(plans) - 1):
        for task in startable(plans, number):
            done(task)
        plans = planned_again(plans)
    return startable(plans, -1)


def startable(plans: Sequence[NodePlan], number: int) -> Sequence[ShardTask]:
    """The missing tasks of a node whose inputs exist."""
    found = map(parts_made(plans).resolve, plans[number].missing)
    return [task for task in found if isinstance(task, ShardTask)]


def done(task: ShardTask) -> Mapping[str, Any]:
    """The counts of a shard, once it was run."""
    result = run_shard(task)
    if result.error is not None:
        raise SystemExit(result.error)
    return result.counts


def asks_of(task: ShardTask) -> Iterator[Ask]:
    """The asks of a shard, as the stage makes them."""
    (inputs,) = task.inputs
    parts: dict[type[Record], list[Location]] = {DenseSegment: [path for _, path in inputs]}
    for rows in read_videos([DenseSegment], parts):
        for case in narrate.cases(rows, SETTINGS):
            if isinstance(case, Case):
                prompt = task.prompts[SETTINGS.prompt]
                system = prompt.render_system({"language": SETTINGS.language})
                yield ask_of(case, "ask", prompt, SCHEMA, system, timed_frames=True)


async def bare(config: VllmConfig, asks: Sequence[Ask], counts: Path) -> Measured:
    """All prompts at once, straight into vLLM."""
    from vllm import SamplingParams  # noqa: PLC0415  only in this way
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams  # noqa: PLC0415
    from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

    from pipeline.engines.vllm.model import engine_args, prompt_of  # noqa: PLC0415  needs vllm

    sampling = SETTINGS.sampling()
    model = AsyncLLM.from_engine_args(engine_args(config))
    renderer, tokenizer = model.renderer, model.get_tokenizer()

    async def answer(number: int, prompt: Any, schema: Mapping[str, Any]) -> int:
        params = SamplingParams(
            temperature=sampling.temperature,
            seed=sampling.seed,
            max_tokens=sampling.max_tokens,
            output_kind=RequestOutputKind.FINAL_ONLY,
            structured_outputs=StructuredOutputsParams(json=decoding_schema(schema)),
        )
        (given,) = await renderer.render_cmpl_async([prompt], renderer.default_chat_tok_params)
        tokens = 0
        async for output in model.generate(given, params, str(number)):
            tokens = len(output.outputs[0].token_ids)
        return tokens

    seen = [shown(ask, config, even_only=True) for ask in (WARMING, *asks)]
    prompts = [prompt_of(tokenizer, each, config.chat_template_args) for each in seen]
    await answer(0, prompts[0], WARMING.answer_schema)
    start_s, start_cpu_s = time.monotonic(), time.process_time()
    tokens = await asyncio.gather(
        *(
            answer(number, prompt, ask.answer_schema)
            for number, (prompt, ask) in enumerate(zip(prompts[1:], asks, strict=True), 1)
        )
    )
    seconds, cpu_s = time.monotonic() - start_s, time.process_time() - start_cpu_s
    model.shutdown(timeout=5)
    return Measured(sum(tokens), seconds, cpu_s, encoded(counts))


def through_pipeline(
    config: VllmConfig, tasks: Sequence[ShardTask], in_flight: int, counts: Path
) -> Measured:
    """All shards through the worker, a few at once."""
    list(open_engine(config).generate([WARMING], Sampling()))
    folder = Location.of(counts.with_suffix(""))
    fresh = [replace(task, slot=folder / task.slot.name) for task in tasks]
    start_s, start_cpu_s = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(in_flight) as pool:
        tokens = sum(counts["tokens_out"] for counts in pool.map(done, fresh))
    seconds, cpu_s = time.monotonic() - start_s, time.process_time() - start_cpu_s
    close_engines()
    return Measured(tokens, seconds, cpu_s, encoded(counts))


def fresh_counts(folder: Path, name: str) -> Path:
    """An empty file for the frames that the next engine encodes."""
    path = folder / f"{name}.counts"
    path.touch()
    os.environ[COUNTS_VARIABLE] = str(path)
    return path


def encoded(counts: Path) -> int:
    """How many frames were encoded."""
    return sum(map(int, counts.read_text(encoding="ascii").split()))


if __name__ == "__main__":
    main()
