"""Runs over scenes that an erring teacher annotates: what it stated, and what became of it."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from benchmarks.many_scenes import render_many
from benchmarks.teacher_answers import held_by, true_tracks
from benchmarks.teacher_errors import RIGHT, Errors
from pipeline.cli.options import planned
from pipeline.records import Annotation, Event, Record
from pipeline.run import main as turnwise
from pipeline.workflow.outputs import done_parts, rows_of
from pipeline.workflow.plan import NodePlan

R = TypeVar("R", bound=Record)
ROOT = Path(__file__).resolve().parents[1]
SERVER = Path(__file__).with_name("erring_teacher.py")
WRITERS = ("captioner", "change_detector", "editor")
CHECKERS = ("grounder", "verifier")
CAPTIONS, QUESTIONS = "event_caption", "multiple_choice"
"""The nodes whose annotations dialogues are made of."""
ALTERED = "altered"
"""The kind of what stands in the dialogues otherwise than a writer stated it: by the repair of
broken JSON, or by another wording."""
EVENTS = "caption"
"""The node whose events writers stated."""


@dataclass(frozen=True)
class Item:
    """What a writer stated, whether it was spoilt and how, and whether it reached the dialogues."""

    family: str
    """``event``, ``action`` or ``question``."""
    kind: str
    kept: bool
    off: float
    """Of a span its true IoU, of a question how many seconds one of its answers is off."""


@dataclass(frozen=True)
class Trial:
    """Who errs how, and the settings of the filters."""

    errors: Errors
    samples: int = 1
    policy: str = "event"
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further ones, by path."""

    @property
    def writer(self) -> Errors:
        """How writers err, whoever checks them."""
        own = replace(self.errors, checker=0.0, alike=0.0, follows=0.0)
        return replace(own, left_out=0.0, exchanged=0.0)

    @property
    def checker(self) -> Errors:
        """How checkers err; what the writers say wrong they have to know to believe it."""
        return replace(self.errors, broken=0.0, foreign=0.0, reworded=0.0, language="zh")

    def erring(self, **fields: Any) -> Trial:
        """The same with other errors."""
        return replace(self, errors=replace(self.errors, **fields))

    def overrides(self) -> list[str]:
        """As the command line has them."""
        found: dict[str, Any] = {f"engines.{role}.model": self.writer.name for role in WRITERS}
        found |= {f"engines.{role}.model": self.checker.name for role in CHECKERS}
        for node in (EVENTS, "agree"):
            found[f"nodes.{node}.config.policy"] = self.policy
        for node in ("ground", "verify"):
            found[f"nodes.{node}.config.samples"] = self.samples
            found[f"nodes.{node}.config.temperature"] = 0.7 if self.samples > 1 else 0.0
        found |= self.settings
        return [part for key, value in found.items() for part in ("--set", f"{key}={value}")]


class Bench:
    """Scenes, a server, and the runs over them; parts of one run serve the next."""

    def __init__(self, folder: Path, scenes: int, seed: int) -> None:
        """Renders the scenes, and starts the server."""
        folder.mkdir(parents=True, exist_ok=True)
        self._statements = folder / "statements.jsonl"
        self._config = folder / "config.yaml"
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        manifest = render_many(folder / "scenes", scenes, seed)
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), str(port_file), str(self._statements)],
            stdin=subprocess.PIPE,
        )
        while not port_file.exists():
            if self._process.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port_file.read_text()}/v1"
        server = {"kind": "http", "base_url": url, "revision": "1", "model": Errors(seed).name}
        config = {
            "extends": str(ROOT / "configs" / "streamo.yaml"),
            "run": {"root": str(folder / "run"), "workers": 1, "videos_per_shard": 25},
            "source": {"path": str(manifest)},
            "engines": dict.fromkeys((*WRITERS, *CHECKERS), server),
            "nodes": {
                "segment": {"config": {"frames_per_turn": 1, "longer_px": 192, "jpeg_quality": 70}},
                # A filter that is not on trial: every thing that changes is asked about.
                "change_points": {"config": {"max_points": 48, "max_tokens": 12000}},
                "change_questions": {"config": {"max_questions": 12}},
                # The teacher reads the number of the scene and the time of the last frame, no more.
                "verify": {"config": {"max_frames": 1}},
                **{node: {"config": {"max_frames": 2}} for node in (EVENTS, "ground")},
            },
        }
        self._config.write_text(yaml.safe_dump(config), encoding="utf-8")

    def close(self) -> None:
        """Ends the server."""
        self._process.communicate()

    def items(self, trial: Trial, *, questions: bool = True) -> list[Item]:
        """What the writers of a trial stated, and what became of it."""
        ends = (CAPTIONS, QUESTIONS) if questions else (CAPTIONS,)
        until = [part for node in ends for part in ("--until", node)]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = turnwise(["run", "-c", str(self._config), *until, *trial.overrides()])
        if status:
            raise SystemExit(f"the run ended with {status}:\n{said.getvalue()}")
        sets = [part for part in trial.overrides() if part != "--set"]
        plans = {plan.node.name: plan for plan in planned(self._config, sets, None)[1]}
        stated = [
            line
            for text in self._statements.read_text(encoding="utf-8").splitlines()
            if (line := json.loads(text))["model"] == trial.writer.name
        ]
        found = [*_events(plans, stated)]
        return [*found, *_questions(plans, stated, trial.writer.seed)] if questions else found


def _rows(kind: type[R], plan: NodePlan) -> Iterator[R]:
    for made in done_parts([plan]):
        yield from rows_of(kind, made.part)


def _events(plans: Mapping[str, NodePlan], stated: Sequence[Mapping[str, Any]]) -> Iterator[Item]:
    """What was stated, by video, family, caption and span; then what stands in the dialogues and
    nobody stated."""
    listed = {e.event_id: e for e in _rows(Event, plans[EVENTS])}
    kept = {
        (event.video_id, event.family, response.text.rstrip("."), event.start_s, event.end_s)
        for annotation in _rows(Annotation, plans[CAPTIONS])
        for response, event_id in zip(annotation.responses, annotation.parent_ids, strict=True)
        for event in [listed[event_id]]
    }
    found = {
        (_video(e), e["family"], e["caption"], e["start_s"], e["end_s"]): e
        for e in stated
        if "family" in e
    }
    for key, each in found.items():
        yield Item(each["family"], each["kind"], key in kept, each["true_iou"])
    for _, family, *_ in kept - found.keys():
        yield Item(family, ALTERED, kept=True, off=0.0)


def _video(stated: Mapping[str, Any]) -> str:
    return f"scene-{stated['scene']:04}"


def _questions(
    plans: Mapping[str, NodePlan], stated: Sequence[Mapping[str, Any]], seed: int
) -> Iterator[Item]:
    kept = {row.annotation_id for row in _rows(Annotation, plans[QUESTIONS])}
    tracks = {(_video(t), t["aspect"], t["subject"]): t for t in stated if "aspect" in t}
    for asked in _rows(Annotation, plans["change_questions"]):
        scene, question = int(asked.video_id.partition("-")[2]), asked.questions[0].text
        true = true_tracks(scene, seed)
        right = all(
            held_by(question, true, response.respond_s) == response.text
            for response in asked.responses
        ) and not any(
            held_by(question, true, response.respond_s - 1) == response.text
            for response in asked.responses
            if response.respond_s >= 1
        )
        (track,) = (
            track
            for (video, aspect, subject), track in tracks.items()
            if video == asked.video_id and f" {aspect} {subject}" in question
        )
        kind = RIGHT if right else track["kind"]
        yield Item("question", kind, asked.annotation_id in kept, track["shift_s"])
