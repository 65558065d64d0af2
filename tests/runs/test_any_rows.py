"""Whatever a raw file holds, ``convert`` and ``audit`` account for all of it."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.corpus.formats import FORMATS
from pipeline.run import main
from tests.conftest import examples
from tests.runs.raw_files import lines_of, reconciled, rejects_of, write

odd = st.sampled_from(
    [None, "", -1, 0, 3.5, 10**30, 1e300, float("nan"), float("inf"), True, [], {}, [1], {"a": 1},
     "5s", "1:30", "é\u2028", "\ud800", "<image>", "a\0b", "../v"]
)  # fmt: skip
times = st.sampled_from([1, 2, 3, "4", 5.0, 5.5, 7, "0:06", 12]) | odd
texts = st.sampled_from(["It goes.", "It stops.", "A. red\nB. red"]) | odd
entries = st.fixed_dictionaries(
    {"content": texts},
    optional={
        **dict.fromkeys(["time", "st_time", "end_time", "start_s", "end_s", "respond_s"], times),
        "kind": st.sampled_from(["event", "instant"]) | odd,
        "qid": odd,
        "rid": odd,
        "evidence": st.lists(st.lists(times, min_size=2, max_size=2), max_size=1) | odd,
    },
)
several = st.lists(entries, max_size=3) | odd | entries
names = st.sampled_from(["a.mp4", "b.mp4", "d/c.mp4"]) | odd
rows = odd | st.fixed_dictionaries(
    {"video_name": names, "response": several},
    optional={
        "video_path": names,
        "question": several,
        "duration": st.sampled_from([5, 8, 12.5, 0.3]) | odd,
        "origin": st.sampled_from([0, 1]) | odd,
        "messages": odd,
        "source": odd,
        "task_type": odd,
    },
)
OPTIONS = (
    ("--fps", "2"),
    ("--fps", "0.5"),
    ("--origin", "0"),
    ("--collision", "split"),
    ("--max-tokens", "600"),
    ("--weights", "transitions"),
    ("--durations", "{known}"),
)


def called(*arguments: object) -> tuple[int, Any]:
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()):
        status = main([str(argument) for argument in arguments])
    return status, json.loads(text.getvalue())


@settings(max_examples=examples(20))
@given(
    made=st.lists(rows, max_size=6),
    form=st.sampled_from(sorted(FORMATS)),
    options=st.sampled_from(OPTIONS),
)
def test_everything_is_accounted_for(
    made: list[Any], form: str, options: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    known = write(folder / "known.json", {"a.mp4": 9, "b.mp4": 0.4, "c.mp4": 7.5})
    raw, out = folder / "raw.jsonl", folder / "out.jsonl"
    raw.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    if not FORMATS[form].needs_images:
        check_conversion(raw, out, form, *(option.format(known=known) for option in options))

    status, report = called("convert", raw, "-o", out, "--compat", "--durations", known, "--json")
    assert status == (3 if report["rejected"] else 0)
    assert report["rows"] == report["written"] + sum(report["rejected"].values())
    assert len(lines_of(out)) == report["written"]

    status, found = called("audit", raw, "--durations", known, "--json")
    bad = sum(found["bad_rows"].values())
    assert status == (0 if not bad else 1 if bad == found["rows"] else 3)
    counted = found["raw_rows"] + found["turn_rows"] + bad
    assert found["rows"] == report["rows"] == counted
    official, ours = found["raw"]["official"], found["raw"]["ours"]
    outcomes = ("kept", "lost_at_the_end", "overwritten", "not_read")
    valid = found["raw"]["valid"]
    assert valid == sum(official[outcome] for outcome in outcomes) == ours["kept"]
    assert found["raw"]["responses"] == valid + sum(found["raw"]["invalid"].values())
    assert ours["early"] == 0


def check_conversion(raw: Path, out: Path, form: str, *options: str) -> None:
    status, report = called("convert", raw, "-o", out, "--to", form, "--json", *options)
    load = FORMATS[form].load
    written = lines_of(out) if load is None else list(load(out))
    for row in written:
        FORMATS[form].read(row)
    rejects = rejects_of(out)
    assert status == (3 if rejects else 0)
    if form not in ("activation", "stride"):  # which write a row a question
        assert reconciled(report, written, rejects)
