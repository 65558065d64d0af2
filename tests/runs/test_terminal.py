"""What each verb writes to a terminal about hostile names and texts: no control character."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.cli.verbs import VERBS
from pipeline.media.scenes.render import render_scenes
from pipeline.run import main
from tests.conftest import RenderOnce
from tests.pipeline.engines.server_process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
HOSTILE_SERVER = ROOT / "tests" / "pipeline" / "engines" / "hostile_server.py"
HOSTILE = "\x1b[2J\x1b]0;owned\x07 \u202egpj\u2066 \x9b31m \x7f \r \u2028 [red]x[/red]"
OF_RICH = re.compile(r"\x1b\[[\d;?]*[mAKhl]|\r")
"""Colours, and moves of the bar: none of them is in ``HOSTILE``."""
Arguments = Sequence[object]


@dataclass(frozen=True)
class Place:
    """A folder with a hostile name, in which a run has ended."""

    folder: Path
    config: Path

    @property
    def corpus(self) -> Path:
        return self.folder / "run" / "corpus"


def sample_of(place: Place) -> str:
    file = next(place.corpus.glob("data/*/*.parquet"))
    return str(pq.read_table(file, columns=["sample_id"]).column(0)[0])


def of_run(verb: str, *more: object) -> Callable[[Place], list[Arguments]]:
    return lambda place: [(verb, "-c", place.config, *more)]


CALLS: dict[str, Callable[[Place], list[Arguments]]] = {
    "run": of_run("run"),
    "plan": lambda place: [
        ("plan", "-c", place.config),
        ("plan", "-c", place.folder / "none.yaml"),
        ("plan", "-c", place.config, "--set", f"nodes.{HOSTILE}=1"),
        ("plan", "-c", place.config, "--set", f"source.path={HOSTILE}.jsonl"),
        ("plan", f"--{HOSTILE}"),
    ],
    "status": lambda place: [
        ("status", "-c", place.config),
        ("status", "-c", place.config, "--json"),
        ("status", "-c", place.config, "--rejects"),
    ],
    "forecast": lambda place: [
        ("forecast", "-c", place.config),
        ("forecast", "-c", place.config, "--json"),
        ("forecast", "-c", place.config, "--pilot", place.folder / "run"),
        ("forecast", "-c", place.config, "--pilot", HOSTILE),
    ],
    "config": lambda place: [("config", "-c", place.config), ("config", HOSTILE)],
    "stages": lambda _: [("stages",), ("stages", HOSTILE)],
    "engines": lambda _: [("engines",), ("engines", HOSTILE)],
    "scenes": lambda place: [("scenes", "-o", place.config / "scenes")],
    "preview": lambda place: [
        ("preview", "-c", place.config),
        ("preview", place.corpus),
        ("preview", place.corpus, "--video", HOSTILE),
        ("preview", place.corpus, "--task", HOSTILE),
    ],
    "explain": lambda place: [
        ("explain", sample_of(place), "-c", place.config),
        ("explain", sample_of(place)[:9], "-c", place.config, "--json"),
        ("explain", HOSTILE, "-c", place.config),
    ],
    "label": lambda place: [
        ("label", "export", "-c", place.config, "-o", place.folder / "label"),
        ("label", "export", "-c", place.config, "-o", place.folder / "none", "--task", HOSTILE),
        ("label", "import", place.folder / "raw.json", "-c", place.config),
        ("label", "import", HOSTILE, "-c", place.config),
        ("label", HOSTILE, "-c", place.config),
    ],
    "report": lambda place: [
        ("report", "-c", place.config),
        ("report", "-c", place.config, "-o", place.config / "report"),
    ],
    "export": lambda place: [
        ("export", place.corpus, "-o", place.folder / "export"),
        ("export", place.corpus, "-o", place.folder / "none", "--task", HOSTILE),
    ],
    "publish": lambda place: [
        ("publish", place.corpus, "--repo", "a/b", "--dry-run"),
        ("publish", "-c", place.config, "--repo", "a/b", "--replies-to", place.folder / "replies"),
        ("publish", place.corpus, "--repo", HOSTILE, "--allow", "embedded"),
    ],
    "diff": lambda place: [
        ("diff", place.corpus, place.corpus / "data" / "offline_qa"),
        ("diff", place.corpus, place.corpus, "--json"),
    ],
    "rebuild": lambda place: [
        ("rebuild", place.corpus, "--videos", place.folder, "-o", place.folder / "rebuilt"),
        ("rebuild", HOSTILE, "--videos", place.folder, "-o", place.folder / "rebuilt"),
    ],
    "convert": lambda place: [
        ("convert", place.folder / "raw.json", "-o", place.folder / "made.jsonl"),
        ("convert", place.folder / "none.json", "-o", place.folder / "made.jsonl"),
    ],
    "audit": lambda place: [
        ("audit", place.folder / "raw.json"),
        ("audit", place.folder / "raw.json", "--json"),
        ("audit", place.corpus),
    ],
    "fetch-models": lambda place: [
        ("fetch-models", "-c", place.config),
        ("fetch-models", "-c", place.folder / "none.yaml"),
    ],
    "doctor": of_run("doctor", "--no-probe", "--videos", 1),
    "manifest": lambda place: [
        ("manifest", HOSTILE, "--annotations", place.folder, "--videos", place.folder),
        (
            *("manifest", "streamo_raw", "--annotations", place.folder / "raw"),
            *("--videos", place.folder, "-o", place.folder / "made_manifest.jsonl"),
        ),
    ],
    "gc": lambda place: [("gc", "-c", place.config, "--files"), ("gc", "-c", place.config)],
    "stream": lambda place: [
        (
            *("stream", "narrator", "-c", place.config, "--on", place.corpus),
            *("-o", place.folder / "said.jsonl"),
        ),
        ("stream", HOSTILE, "-c", place.config, "--on", place.corpus, "-o", "x"),
    ],
    "score": lambda place: [
        ("score", place.corpus, "--against", place.corpus),
        ("score", "-c", place.config),
        ("score", "-c", place.config, "--truth", place.folder / "none"),
        ("score", HOSTILE, "--against", place.corpus),
        ("score", place.corpus, "--against", place.corpus, "--measure", HOSTILE),
    ],
    "sweep": lambda place: [
        ("sweep", "-c", place.config, "--set", "nodes.dialogue.config.seed=0,1"),
        ("sweep", "-c", place.config, "--set", f"nodes.{HOSTILE}=1,2"),
        ("sweep", "-c", place.config, "--set", f"nodes.dialogue.config.seed=0,'{HOSTILE}'"),
    ],
    "rejects": lambda place: [
        ("rejects", "-c", place.config),
        ("rejects", "-c", place.config, "--json"),
        ("rejects", "-c", place.config, "--node", HOSTILE),
    ],
    "retry": of_run("retry", "--reason", "bad_request"),
}
"""What is called of each verb."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("terminal") / HOSTILE.replace("/", "")
    with render_once():
        video = render_scenes(folder, ("scene-14",)).parent / "videos" / "scene-14.mp4"
    video.rename(folder / "videos" / "\u202egpj [red].mp4")
    qa = [{"kind": "qa", "question": f"{HOSTILE}?", "text": HOSTILE, "origin": "human"}]
    row = {"source": HOSTILE, "licence": HOSTILE, "annotations": qa}
    rows = [
        {"video_id": HOSTILE, "uri": "videos/\u202egpj [red].mp4", **row},
        {"video_id": f"{HOSTILE}2", "uri": "videos/none.mp4", HOSTILE: 1},
        {"video_id": f"{HOSTILE}3", "uri": f"videos/{HOSTILE}.mp4"},
    ]
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows) + HOSTILE + "\n")
    said = [{"content": HOSTILE, "st_time": 1, "end_time": "2\x1b[2J", "time": ""}]
    raw = {
        **{"video_name": f"{HOSTILE}.mp4", "task_type": HOSTILE, "source": HOSTILE},
        "question": [{"content": HOSTILE, "time": 0}],
        **{"response": said, "duration": 5},
    }
    (folder / "raw").mkdir()
    for file in (folder / "raw.json", folder / "raw" / "raw.json"):
        file.write_text(json.dumps([raw, {HOSTILE: HOSTILE}]), encoding="utf-8")
    after = {"segment": ["ingest"], "source_annotations": ["ingest"]}
    after |= {"dialogue": ["source_annotations", "segment", "ingest"], "plan_mixture": ["dialogue"]}
    after |= {
        "apply_mixture": ["dialogue", "plan_mixture"],
        "write_files": ["apply_mixture", "segment"],
        "write_corpus": ["write_files"],
    }
    with ServerProcess(folder.parent / "port", HOSTILE_SERVER) as server:
        base_url = f"{server.root}/control_characters/v1"
        engine = {"kind": "http", "model": HOSTILE, "revision": "r", "base_url": base_url}
        sections = {
            "run": {"root": str(folder / "run"), "name": HOSTILE, "workers": 1},
            "source": {"path": str(manifest)},
            "engines": {"narrator": engine},
            "nodes": {
                "ingest": {"stage": "ingest"},
                **{name: {"stage": name, "after": before} for name, before in after.items()},
                "narrate": {
                    **{"stage": "narrate", "after": ["segment"], "engine": "narrator"},
                    "config": {"still_levels": 0},
                },
            },
        }
        config = folder / "c.yaml"
        config.write_text(yaml.safe_dump(sections), encoding="utf-8")
        assert main(["run", "-c", str(config)]) == 0
        yield Place(folder, config)


def test_each_verb_is_called() -> None:
    assert set(CALLS) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_no_control_character_reaches_the_terminal(
    place: Place, verb: str, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    for arguments in CALLS[verb](place):
        main([str(argument) for argument in arguments])
    said = "".join(capfd.readouterr())
    assert re.search(r"\\(u00|x)1b", said), "it does speak of them"
    assert harmful(said) == "", said


def test_a_traceback_is_escaped(tmp_path: Path) -> None:
    """Of a fault of this program, with a text from outside in its message."""
    code = (
        "import sys; from pipeline import run\n"
        "def fail(_): raise ValueError('\\x1b[2J')\n"
        "run.run_until_stopped = fail; sys.exit(run.main_process())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().endswith("ValueError: \\u001b[2J\n")
    assert harmful(done.stderr.decode()) == ""


@pytest.mark.parametrize("arguments", [("rejects", "--json"), ("status", "--json")])
def test_json_means_the_same_as_before(
    place: Place, arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    verb, *more = arguments
    capfd.readouterr()
    main([verb, "-c", str(place.config), *more])
    said = capfd.readouterr().out
    for text in said.splitlines() if verb == "rejects" else [said]:
        assert json.loads(text)
    assert verb != "rejects" or HOSTILE in {json.loads(t)["video_id"] for t in said.splitlines()}


def harmful(text: str) -> str:
    """The characters of a text that a terminal acts on, but for line ends."""
    kinds = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return "".join(c for c in text if unicodedata.category(c) in kinds and c != "\n")


def test_colours_of_our_own_are_all_that_a_terminal_gets(place: Place) -> None:
    """A bar, a preview in colours, and rejects, on a terminal."""
    force = ("run", "-c", place.config, "--force", "--only", "narrate", "--progress", "bar")
    calls = [force, ("preview", place.corpus), ("rejects", "-c", place.config), ("--help",)]
    program = "import sys; from pipeline.run import main\nfor c in {}: main(c)"
    code = program.format([[str(argument) for argument in call] for call in calls])
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    environment = {**environment, "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        said = b"".join(iter(lambda: read_some(ours), b"")).decode()
    os.close(ours)
    assert process.returncode == 0, said
    assert "\x1b[" in said, "in colours"
    assert r"\u001b[2J" in OF_RICH.sub("", said)
    assert harmful(OF_RICH.sub("", said)) == ""


def read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed
        return b""
