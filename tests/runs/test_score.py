"""The verb ``score`` over the corpus of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.read import read_corpus
from pipeline.records import Dialogue
from pipeline.scoring.items import prediction_of
from pipeline.scoring.registry import measure_names
from tests.pipeline.scoring.test_properties import MAIN
from tests.runs.raw_files import call


@pytest.fixture
def corpus(finished_config: Callable[..., Path], tmp_path: Path) -> Path:
    finished_config("run")
    return tmp_path / "run" / "corpus"


def dialogues(corpus: Path) -> list[Dialogue]:
    return [each for sample in read_corpus(corpus, frames=False) for each in sample.dialogues]


def scored(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    status, out, error = call(capsys, "score", *map(str, arguments), "--json")
    assert (status, error) == (0, "")
    report: dict[str, Any] = json.loads(out)
    return report


def main_values(report: dict[str, Any], task: str = "all") -> dict[str, Any]:
    return {
        score["measure"]: each["values"][MAIN[score["measure"]]]
        for score in report["scores"]
        for each in score["tasks"]
        if each["task"] == task or len(score["tasks"]) == 1
    }


def test_a_corpus_says_what_it_expects(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = scored(capsys, corpus, "--against", corpus)
    assert report["predicted"] == report["samples"] == len(dialogues(corpus)) > 0
    expected = dict.fromkeys(measure_names(), 1.0)
    del expected["false_alarms"]  # the draw of so few leaves no negative
    assert main_values(report) == expected


def test_who_is_silent_late_or_wrong_scores_less(
    corpus: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text("")
    silent = scored(capsys, nothing, "--against", corpus)
    assert silent["predicted"] == 0
    values = main_values(silent)
    assert 0 < values.pop("ovo_forward") < 0.6, "before an answer is due, silence is right"
    assert "state_f1" not in values, "nothing says which states"
    assert set(values.values()) == {0.0}

    wrong = tmp_path / "wrong.jsonl"
    rows = [prediction_of(dialogue).model_dump(mode="json") for dialogue in dialogues(corpus)]
    for row in rows:
        for response in row["responses"]:
            response["text"] = "something else"
    wrong.write_text("".join(json.dumps(row) + "\n" for row in rows))
    values = main_values(scored(capsys, wrong, "--against", corpus))
    assert values["sw_f1"] == values["streampro_f1"] == values["real_stream_eval"] == 0
    assert values["ovo_timing"] == values["state_f1"] == 1
    values = main_values(scored(capsys, wrong, "--against", corpus, "--text", "any"))
    assert values["sw_f1"] == values["streampro_f1"] == 1


def test_what_is_no_prediction_costs_itself_alone(
    corpus: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, second, third, *_ = map(prediction_of, dialogues(corpus))
    early = {"sample_id": second.sample_id, "responses": [{"time_s": 1e6, "text": "x"}]}
    short = {"sample_id": third.sample_id, "states": ["silence"]}
    lines = [
        first.model_dump_json(),
        "{half",
        json.dumps(early),
        json.dumps(short),
        json.dumps({"sample_id": "nobody"}),
        json.dumps({"sample_id": first.sample_id}),
        json.dumps({"sample_id": "x", "responses": [{"time_s": -1, "text": ""}]}),
    ]
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(lines))
    report = scored(capsys, path, "--against", corpus, "--only-predicted")
    assert (report["predicted"], report["refused"]) == (3, 6)
    said = "\n".join(report["problems"])
    for part in ("line 2: ", "line 6: ", "stands above already", "line 7: responses.0.time_s"):
        assert part in said
    assert main_values(report)["ovo_timing"] == 1.0, "the first is scored"


def test_a_protocol_says_what_was_chosen(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("--measure", "sw_f1", "--set", "sw_f1.window_s=2.5")
    report = scored(capsys, corpus, "--against", corpus, *chosen)
    assert "for 2.5 s" in report["scores"][0]["protocol"]
    status, out, _ = call(capsys, "score", str(corpus), "--against", str(corpus), *chosen)
    assert status == 0 and "for 2.5 s" in out
    for arguments, message in (
        (("--measure", "sw_f2"), "did you mean 'sw_f1'"),
        (("--set", "sw_f1.window=2"), "did you mean 'window_s'"),
        (("--set", "sw_f1.window_s=-1"), "sw_f1.window_s"),
        (("--set", "sw_f1"), "measure.key=value"),
        (("--measure", "sw_f1", "--set", "ovo_timing.tolerance_s=1"), "no measure 'ovo_timing'"),
        (("--text", "exactly"), "did you mean 'exact'"),
    ):
        status, _, error = call(capsys, "score", str(corpus), "--against", str(corpus), *arguments)
        assert status == 2 and message in error, error
    status, _, error = call(capsys, "score", "none.jsonl", "--against", str(corpus))
    assert status == 2 and "none.jsonl" in error
