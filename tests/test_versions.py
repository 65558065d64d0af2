"""Code that changed under an old version is noticed.

``python tests/test_versions.py`` (``make same-meaning``) records the code as it is now.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden" / "code.json"
sys.path.insert(0, str(ROOT))

from pipeline.engines.base import EmbeddedConfig  # noqa: E402
from pipeline.workflow.stage import load_stage  # noqa: E402
from tests.code_digest import code_digest  # noqa: E402

# What a stage does beyond its own file: helpers of stages, and the libraries it is a thin face of.
FOLLOW = ("stages._", "pipeline.records.hash_sampling", "pipeline.dialogue.", "pipeline.corpus.")


def versions() -> dict[str, list[object]]:
    """Version and digest of everything that makes rows."""
    found: dict[str, list[object]] = {}
    for path in sorted((ROOT / "stages").glob("[!_]*.py")):
        stage = load_stage(path.stem)
        found[f"stages.{path.stem}"] = [stage.version, code_digest(f"stages.{path.stem}", FOLLOW)]
    embedded = code_digest("pipeline.engines.embedded.engine", ("pipeline.engines.embedded.",))
    found["pipeline.engines.embedded"] = [EmbeddedConfig().revision, embedded]
    reading = code_digest("pipeline.media.reader.decode_worker", ("pipeline.media.",))
    # Frames are rows of `segment`: what reads them moves its version.
    found["pipeline.media"] = [load_stage("segment").version, reading]
    return found


def test_no_code_changed_under_an_old_version() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    now = versions()
    assert sorted(now) == sorted(golden), "run: make same-meaning"
    for name, (version, digest) in now.items():
        before_version, before_digest = golden[name]
        assert digest == before_digest or version != before_version, (
            f"{name} changed under version {version}: raise the version if its rows change, then"
            " run `make same-meaning`"
        )


def test_comments_and_docstrings_do_not_count(tmp_path: Path) -> None:
    sys.path.insert(0, str(tmp_path))
    texts = {
        "one": 'def f(x):\n    """Doc."""\n    return x + 1  # why\n',
        "two": "def f(x):\n    return (x\n            + 1)\n",
        "three": "def f(x):\n    return x + 2\n",
    }
    digests = {}
    for name, text in texts.items():
        (tmp_path / "toy_code.py").write_text(text)
        digests[name] = code_digest("toy_code", ())
    sys.path.remove(str(tmp_path))
    assert digests["one"] == digests["two"] != digests["three"]


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(versions(), indent=2) + "\n", encoding="utf-8")
