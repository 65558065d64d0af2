"""Annotations of public datasets, as they are: what is made of them, and what would be lost."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.streamo.official_converter import official_states

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT.parent / "shared" / "annotations"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="there are no ../shared/annotations")

SPOKEN = "</Response> "
PARTLY = 3


@dataclass(frozen=True)
class Event:
    """A described span, in seconds."""

    start_s: float
    end_s: float
    text: str

    def wrong(self, duration_s: float) -> str:
        """Why no dialogue of a video so long can hold it; empty when one can."""
        if not self.text.strip():
            return "empty_text"
        if self.end_s < self.start_s:
            return "reversed_span"
        if self.end_s == self.start_s:
            return "zero_length_span"
        return "past_the_end" if self.start_s >= duration_s else ""


@dataclass(frozen=True)
class Row:
    """What is asked of a video, and when it is to be answered."""

    video: str
    duration_s: float
    question: str
    events: Sequence[Event]

    @property
    def valid(self) -> Sequence[tuple[int, Event]]:
        """The events that a dialogue can hold, with their places in the row."""
        return [(k, e) for k, e in enumerate(self.events) if not e.wrong(self.duration_s)]

    @property
    def responses(self) -> list[dict[str, Any]]:
        """As a raw row has them."""
        return [{"content": e.text, "st_time": e.start_s, "end_time": e.end_s} for e in self.events]

    def as_json(self) -> dict[str, Any]:
        """The raw row."""
        return {
            "video_name": self.video,
            "task_type": "dense",
            "source": "real",
            "question": [{"content": self.question, "time": "0"}],
            "response": self.responses,
        }


def captioned(video: str, duration_s: float, spans: Any, texts: Any) -> Row:
    events = [
        Event(start_s, end_s, text) for (start_s, end_s), text in zip(spans, texts, strict=True)
    ]
    return Row(video, duration_s, "Describe each thing when it is over.", events)


def queried(video: str, duration_s: float, query: str, spans: Any) -> Row:
    events = [Event(start_s, end_s, query) for start_s, end_s in spans]
    return Row(video, duration_s, f"Say when: {query.strip()}", events)


def read(path: str) -> Any:
    return json.loads((FOLDER / path).read_text(encoding="utf-8"))


def captions(*paths: str) -> Iterator[Row]:
    for path in paths:
        for name, video in read(path).items():
            yield captioned(name, video["duration"], video["timestamps"], video["sentences"])


def lengths(path: str, name: str, length: str) -> dict[str, float]:
    with (FOLDER / path).open(encoding="utf-8") as file:
        return {row[name]: float(row[length]) for row in csv.DictReader(file)}


def activitynet() -> Iterator[Row]:
    return captions(*(f"activitynet_captions/{name}.json" for name in ("train", "val_1", "val_2")))


def activitynet_measured() -> Iterator[Row]:
    """The same, as long as the files are and not as long as the annotations say."""
    folder = "activitynet_captions/video_durations_TSP/activitynet_v1-3"
    known: dict[str, float] = {}
    for split in ("train", "valid"):
        known |= lengths(f"{folder}_{split}_metadata.csv", "filename", "video-duration")
    return (replace(row, duration_s=known[f"{row.video}.mp4"]) for row in activitynet())


def youcook2() -> Iterator[Row]:
    # The file of the test split has "None" from 0 to 1 s for every video: nobody's words.
    return captions(*(f"youcook2/PDVC_recut/yc2_{split}.json" for split in ("train", "val")))


def coin() -> Iterator[Row]:
    for name, video in read("coin/COIN.json")["database"].items():
        steps = video["annotation"]
        spans, labels = [s["segment"] for s in steps], [s["label"] for s in steps]
        yield captioned(name, video["duration"], spans, labels)


def qvhighlights() -> Iterator[Row]:
    for split in ("train", "val"):
        path = FOLDER / "qvhighlights" / f"highlight_{split}_release.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield queried(row["vid"], row["duration"], row["query"], row["relevant_windows"])


def didemo() -> Iterator[Row]:
    """Of several annotators' chunks of 5 s, the last one included, those that most of them say."""
    for split in ("val", "test"):
        for row in read(f"didemo/{split}_data.json"):
            votes = Counter(map(tuple, row["times"]))
            first, last = max(sorted(votes), key=votes.__getitem__)
            duration_s = 5 * row["num_segments"]
            span = (5 * first, min(5 * (last + 1), duration_s))
            yield queried(row["video"], duration_s, row["description"], [span])


def charades() -> Iterator[Row]:
    for split in ("train", "test"):
        known = lengths(f"charades_sta/Charades_v1_{split}.csv", "id", "length")
        text = (FOLDER / f"charades_sta/charades_sta_{split}.txt").read_text(encoding="utf-8")
        for line in text.splitlines():
            place, _, query = line.partition("##")
            name, start, end = place.split()
            yield queried(name, known[name], query, [(float(start), float(end))])


SOURCES = (activitynet, activitynet_measured, youcook2, coin, qvhighlights, didemo, charades)


@dataclass(frozen=True)
class Made:
    """What ``convert`` said and wrote of a source, and what ``audit`` found in it."""

    rows: Sequence[Row]
    said: Any
    found: Any
    written: Sequence[Any]
    rejects: Sequence[Any]

    @property
    def invalid(self) -> dict[tuple[int, int], str]:
        """Row and place of each event that no dialogue can hold, and why."""
        places = [(n, k, row) for n, row in enumerate(self.rows) for k in range(len(row.events))]
        found = {(n, k): row.events[k].wrong(row.duration_s) for n, k, row in places}
        return {place: reason for place, reason in found.items() if reason}


@pytest.fixture(scope="module", params=SOURCES, ids=lambda source: source.__name__)
def made(
    request: pytest.FixtureRequest, cli: Any, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    folder = tmp_path_factory.mktemp("source")
    rows = list(request.param())
    known = {row.video: row.duration_s for row in rows}
    assert all(row.duration_s == known[row.video] for row in rows)
    raw, durations, out = (folder / f"{name}.json" for name in ("raw", "durations", "out"))
    raw.write_text(json.dumps([row.as_json() for row in rows]), encoding="utf-8")
    durations.write_text(json.dumps(known), encoding="utf-8")
    options = ("--durations", str(durations), "--origin", "0", "--json")
    bad = any(len(row.valid) < len(row.events) for row in rows)
    converted = cli(ROOT, "convert", str(raw), "-o", str(out), *options, expect=PARTLY * bad)
    audited = cli(ROOT, "audit", str(raw), *options)
    rejects = out.with_name("out.json.rejects.jsonl").read_text(encoding="utf-8")
    return Made(
        rows,
        json.loads(converted.stdout),
        json.loads(audited.stdout),
        json.loads(out.read_text(encoding="utf-8")),
        [json.loads(line) for line in rejects.splitlines()],
    )


def turns_of(sample: Any) -> list[tuple[float, float, str]]:
    """Start, end and answer of each turn, by its label."""
    asked, said = sample["messages"][1::2], sample["messages"][2::2]
    turns = []
    for user, assistant in zip(asked, said, strict=True):
        (label,) = re.findall(r"<([\d.]+)s-([\d.]+)s>", user["content"])
        turns.append((float(label[0]), float(label[1]), assistant["content"]))
    return turns


def lines(texts: Sequence[str]) -> list[str]:
    """In no order: texts that share a turn are joined by line breaks, and some have their own."""
    return sorted("\n".join(texts).split("\n"))


def test_every_event_stands_once_when_it_is_over(made: Made) -> None:
    kept = [row for row in made.rows if row.valid]
    assert len(made.written) == len(kept)
    for row, sample in zip(kept, made.written, strict=True):
        assert sample["video_name"] == row.video
        turns = turns_of(sample)
        assert [turn[0] for turn in turns] == list(range(ceil(row.duration_s)))
        expected: dict[int, list[str]] = {}
        for _, event in row.valid:
            after = [k for k, turn in enumerate(turns) if turn[0] >= event.end_s]
            expected.setdefault(after[0] if after else len(turns) - 1, []).append(event.text)
        for k, (_, _, said) in enumerate(turns):
            assert said.startswith(SPOKEN) == (k in expected)
            if k in expected:
                assert lines([said.removeprefix(SPOKEN)]) == lines(expected[k])


def test_every_invalid_event_is_named_and_no_other(made: Made) -> None:
    named: dict[tuple[int, int], str] = {}
    emptied = set()
    for reject in made.rejects:
        number = int(reject["sample_id"].removeprefix("raw-"))
        if "rid" in reject:
            named[number, int(reject["rid"].removeprefix("r"))] = reject["reason"]
            continue
        assert reject["reason"] == "no_valid_response"
        emptied.add(number)
        # What only the length of the video forbids is named in the detail of a row without rest.
        found = re.findall(r"r(\d+): (\w+)", reject["detail"])
        named |= {(number, int(place)): reason for place, reason in found}
    assert named == made.invalid
    assert emptied == {number for number, row in enumerate(made.rows) if not row.valid}
    assert len(made.rejects) <= len(named) + len(emptied)


def test_nothing_goes_uncounted(made: Made) -> None:
    responses = sum(len(row.events) for row in made.rows)
    valid = sum(len(row.valid) for row in made.rows)
    said, raw = made.said, made.found["raw"]
    assert said["rows"] == made.found["raw_rows"] == len(made.rows)
    assert said["responses"] == raw["responses"] == responses == valid + len(made.invalid)
    assert said["said"] == raw["valid"] == raw["ours"]["kept"] == valid
    assert said["unsaid"] + sum(said["refused"].values()) == len(made.invalid)
    assert raw["invalid"] == Counter(made.invalid.values())
    assert raw["ours"]["early"] == 0
    assert raw["durations_assumed"] == 0 == raw["counted_from_1"]
    official = raw["official"]
    outcomes = ("kept", "lost_at_the_end", "overwritten", "not_read")
    assert sum(official[outcome] for outcome in outcomes) == valid


def painted(row: Row) -> list[int | str]:
    """By turn, what the official converter leaves: the place of an event, or a state."""
    turns: list[int | str] = ["</Silence>"] * int(row.duration_s)
    for place, event in enumerate(row.events):
        first, last = (max(0, int(s) - 1) for s in (event.start_s, event.end_s))
        for k in range(first, min(last + 1, len(turns))):
            turns[k] = "</Standby>"
        if last + 1 < len(turns) and event.text:
            turns[last + 1] = place
    return turns


def test_what_the_official_converter_keeps(made: Made) -> None:
    kept, lost, early_s = 0, 0, []
    for row in made.rows:
        turns = painted(row)
        states, _ = official_states(int(row.duration_s), [], row.as_json()["response"], 1.0)
        spelled = [t if isinstance(t, str) else SPOKEN + row.events[t].text for t in turns]
        assert states == spelled
        valid = dict(row.valid)
        lost += sum(max(1, int(event.end_s)) >= len(turns) for event in valid.values())
        for k, turn in enumerate(turns):
            if isinstance(turn, int) and turn in valid:
                kept += 1
                early_s.append(valid[turn].end_s - k)
    early_s = [seconds for seconds in early_s if seconds > 1e-6]
    official = made.found["raw"]["official"]
    assert official["kept"] == kept < sum(len(row.valid) for row in made.rows)
    assert (official["lost_at_the_end"], official["early"]) == (lost, len(early_s))
    assert official["early_s"] == pytest.approx(sum(early_s) / max(1, len(early_s)))
