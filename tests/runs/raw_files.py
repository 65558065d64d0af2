"""Small raw files, the command line over them, and what comes out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import main
from tests.conftest import LONG

Row = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT.parent / "shared" / "annotations" / "streamo_target_example"
MANY_ROWS = 40_000 if LONG else 10_000
"""Through which memory must stay flat."""
LETTERS = {"</Silence>": "S", "</Standby>": "B", "<Silence>": "S", "<Standby>": "B"}


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the command line."""
    capsys.readouterr()
    status = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def event(text: str, st_time: Any, end_time: Any, **more: Any) -> Row:
    return {"content": text, "st_time": st_time, "end_time": end_time, "time": "", **more}


def instant(text: str, time: Any, **more: Any) -> Row:
    return {"content": text, "st_time": "", "end_time": "", "time": time, **more}


def asked(text: str, time: Any = "", **more: Any) -> Row:
    return {"content": text, "time": time, **more}


def row(name: str, responses: Any, questions: Any = None, **more: Any) -> Row:
    """A row of ``videos/<name>``, which asks one question at the beginning."""
    fields = {
        "video_name": name,
        "video_path": f"videos/{name}",
        "task_type": "QA",
        "source": "made",
        "question": [asked("What?", 1)] if questions is None else questions,
        "response": responses,
    }
    return fields | more


def write(path: Path, value: Any) -> Path:
    """The path, where the value stands now: rows as JSON Lines if its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        if path.suffix == ".jsonl":
            file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in value)
        else:
            json.dump(value, file, ensure_ascii=False)
    return path


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def rejects_of(out: Path) -> list[Any]:
    return lines_of(out.with_name(f"{out.name}.rejects.jsonl"))


def states_of(sample: Row) -> str:
    """A letter a turn: S, B (standby), or the text of the response, joined texts with a plus."""
    said = (m["content"] for m in sample["messages"] if m["role"] == "assistant")
    return "".join(LETTERS.get(text) or text.partition(" ")[2].replace("\n", "+") for text in said)


def questions_of(sample: Row) -> dict[int, str]:
    """What is asked, by the place of the turn."""
    shown = [m["content"] for m in sample["messages"] if m["role"] == "user"]
    parts = [text.rsplit("\n", 2) for text in shown]
    return {place: part[0] for place, part in enumerate(parts) if len(part) == 3}


def reconciled(said: Any, written: Iterable[Any], rejects: Iterable[Any]) -> bool:
    """Whether what was counted is what lies there, and nothing is missing."""
    rejects = list(rejects)
    refused = sum("rid" in reject for reject in rejects)
    noted = sum(reject["reason"].startswith("question_") for reject in rejects)
    counted = {name: sum(said[name].values()) for name in ("rejected", "refused", "noted")}
    found = {"rejected": len(rejects) - refused - noted, "refused": refused, "noted": noted}
    balanced: bool = said["responses"] == said["said"] + said["unsaid"] + refused
    return balanced and counted == found and said["written"] == len(list(written))


def audited(capsys: pytest.CaptureFixture[str], path: Path, *options: object) -> Any:
    """The report as data, whose numbers stand in the report as text too; the exit status says
    whether all, some or none of the rows could be read."""
    status, text, error = call(capsys, "audit", path, *options, "--json")
    found = json.loads(text)
    bad, rows = sum(found["bad_rows"].values()), found["rows"]
    assert status == (0 if not bad else 1 if bad == rows else 3)
    assert bool(error) == bool(status)
    again, text, _ = call(capsys, "audit", path, *options)
    assert again == status
    assert text.count("\n  row ") == len(found["first_bad_rows"]) == min(bad, 10)
    assert f"rows: {found['rows']} = {found['raw_rows']} raw" in text
    if found["raw_rows"]:
        raw, official, ours = found["raw"], found["raw"]["official"], found["raw"]["ours"]
        lines = {line.strip()[:34].strip(): line.strip()[34:].split() for line in text.splitlines()}
        assert f"responses: {raw['responses']} = {raw['valid']} valid" in text
        kept = lines["responses kept"]
        assert kept[0] == str(official["kept"]) and str(ours["kept"]) in kept
        assert str(official["overwritten"]) in text and str(official["questions_early"]) in text
        assert f"{official['early_s']:.2f} s" in text
        assert ours["states"]["response"] <= raw["valid"]
    for part in found["states"]:
        assert f"{part['task']}, {part['source'] or 'no source'}, {part['duration']}:" in text
    return found


def peak_mib(*arguments: str) -> float:
    """The most memory that the command line held, in a process of its own."""
    code = (
        "import sys; from pipeline.run import main; from tests.peak_memory import peak_kib;"
        "status = main(sys.argv[1:]); print(status, peak_kib(), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    status, peak_kib = done.stderr.split()[-2:]
    assert status == "0", done.stderr
    return int(peak_kib) / 1024
