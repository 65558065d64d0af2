"""Reports of any number of samples, made without a run: for the benchmark and tests of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.records import AskedQuestion, Check, Dialogue, PlacedResponse, Provenance, Turn, Turns
from pipeline.reports.viewer.overview import of_samples
from pipeline.reports.viewer.samples import columns, index_row, shown_sample
from pipeline.reports.viewer.shards import CHUNK_SAMPLES
from pipeline.reports.viewer.site import put_data, put_page

TASKS = ("tsqa", "event_grounding", "offline_qa", "narration", "event_caption", "action_caption")
SAMPLES_OF_A_VIDEO = 8
TURNS = 60
RESPONSES = (12, 30, 48)

Words = Callable[[str], str]
"""What stands for a text, by what it is."""


def dialogue(number: int, words: Words) -> Dialogue:
    """A dialogue of a minute with three responses; every text in it is of ``words``."""
    task = TASKS[number % len(TASKS)] if words is plain else words("task")
    span = {"start_s": 8.0, "end_s": 12.0}
    return Dialogue(
        sample_id=f"{number:016x}",
        video_id=words(f"video-{number // SAMPLES_OF_A_VIDEO:06d}"),
        task=task,
        aspect=words("scene"),
        source=words("made"),
        licence=words("CC-BY-4.0"),
        split="train",
        sha256="",
        uri=f"videos/{words('file.mp4')}",
        clip_start_s=0.0,
        clip_end_s=None,
        duration_s=TURNS,
        width=384,
        height=216,
        turns_per_s=1.0,
        n_silence=TURNS - 15,
        n_standby=12,
        n_response=3,
        n_tail=0,
        annotation_ids=["a"],
        models=[words("model@1")],
        origins=[],
        parent_ids=[],
        checks=[
            Check(name=words("agreement"), passed=True, score=0.9, model=words("m"), rid=f"r{n}")
            for n in range(len(RESPONSES))
        ],
        provenance=[_call(words)],
        questions=[
            AskedQuestion(
                qid="q0",
                text=words(f"What is question {number} about?"),
                asked_s=0.0,
                options=[words("A")],
                kind=words("state"),
                task=task,
            )
        ],
        responses=[_response(place, turn, span, words) for place, turn in enumerate(RESPONSES)],
        turns=Turns.of(_turns(words)),
    )


def _call(words: Words) -> Provenance:
    names = ("stage", "prompt", "prompt_sha", "model", "revision", "engine", "engine_version")
    texts = {name: words(name) for name in (*names, "request_id")}
    numbers = {"max_tokens": 100, "seed": 0, "samples": 1, "tokens_in": 1000, "tokens_out": 50}
    return Provenance(**texts, **numbers, temperature=0.0)


def _response(place: int, turn: int, span: dict[str, float], words: Words) -> PlacedResponse:
    start_s, end_s = turn - span["end_s"] + span["start_s"], float(turn)
    return PlacedResponse(
        rid=f"r{place}",
        qid="q0",
        kind="event",
        text=words("Something happened."),
        start_s=start_s,
        end_s=end_s,
        respond_s=end_s,
        evidence=[{"start_s": start_s, "end_s": end_s}],
        turn=turn,
        standby_from=turn - 4,
        flags=[words("merged")],
    )


def _turns(words: Words) -> Iterator[Turn]:
    standby = {turn - back for turn in RESPONSES for back in (1, 2, 3, 4)}
    for index in range(TURNS):
        said = index in RESPONSES
        state: Any = "response" if said else "standby" if index in standby else "silence"
        yield Turn(
            index=index,
            start_s=index,
            end_s=index + 1,
            frame_s=index,
            state=state,
            question=words("What happens?") if index == 0 else "",
            qids=["q0"] if index == 0 else [],
            text=words("Something happened.") if said else "",
            rids=[f"r{RESPONSES.index(index)}"] if said else [],
            answers=["q0"] if said else [],
        )


def plain(text: str) -> str:
    """The text itself."""
    return text


def write_report(folder: Path, samples: int, words: Words = plain) -> None:
    """Write a report of so many samples, without frames."""
    put_page(folder)
    base = dialogue(0, words)
    row, shown = index_row(base), shown_sample(base)
    rows: list[dict[str, Any]] = []
    chunks: list[tuple[str, int]] = []
    for first in range(0, samples, CHUNK_SAMPLES):
        numbers = range(first, min(samples, first + CHUNK_SAMPLES))
        found: dict[str, list[dict[str, Any]]] = {}
        for number in numbers:
            own = _own(number, words)
            rows.append({**row, **own, "id": own["sample_id"], "video": own["video_id"]})
            found.setdefault(own["video_id"], []).append({**shown, **own})
        name = f"{first:08d}"
        videos = [_video(video, mine, words) for video, mine in found.items()]
        put_data(folder, f"samples/{name}", {"videos": videos})
        chunks.append((name, len(numbers)))
    index: dict[str, Any] = {"chunks": [name for name, _ in chunks]}
    index |= {"sizes": [size for _, size in chunks], "pictured": [False] * len(chunks)}
    put_data(folder, "index", index | columns(rows))
    put_data(folder, "overview", _overview(samples, words))
    note = {"sample_id": base.sample_id, "decision": "accept", "rid": ""}
    put_data(folder, "decisions", [note | {"note": words("note"), "who": words("who"), "at": ""}])


def _own(number: int, words: Words) -> dict[str, Any]:
    """What differs from sample to sample."""
    return {
        "sample_id": f"{number:016x}",
        "video_id": words(f"video-{number // SAMPLES_OF_A_VIDEO:06d}"),
        "task": TASKS[number % len(TASKS)] if words is plain else words("task"),
        "title": words(f"What is question {number} about?"),
        "negative": int(number % 10 == 0),
    }


def _video(video: str, samples: list[dict[str, Any]], words: Words) -> dict[str, Any]:
    event: dict[str, Any] = {
        "node": words("agree"),
        "event_id": "e",
        "caption": words("caption"),
        "iou": 0.4,
    }
    event |= {"start_s": 3.0, "end_s": 9.0, "grounded_start_s": 4.0, "grounded_end_s": 8.0}
    refused: dict[str, Any] = {
        "node": words("lint"),
        "reason": words("premature"),
        "detail": words("detail"),
    }
    refused |= {"ask": words("ask"), "text": words("text"), "absent": False}
    return {
        "video": video,
        "frames": "",
        "refused": [refused | {"spans": [[20.0, 25.0]]}],
        "events": [event | {"kept": False, "reason": words("low_iou")}],
        "samples": samples,
    }


def _overview(samples: int, words: Words) -> dict[str, Any]:
    node: dict[str, Any] = dict.fromkeys(
        ("shards", "shards_done", "videos_in", "videos_out", "rows_out"), samples
    ) | dict.fromkeys(("shards_failed", "videos_rejected", "videos_absent", "seconds"), 1)
    node |= {"node": words("lint"), "stage": words("lint"), "policies": []}
    node |= {"rejected": {words("premature"): 3}, "absent": {words("planted"): 2}}
    tenths = {"times": 3, "p10_s": -0.2, "median_s": 0.0, "p90_s": 0.4}
    pace = {name: [0, samples] for name in ("shards", "rows", "asks", "tokens_out")}
    teacher: dict[str, Any] = dict.fromkeys(
        ("asks", "unanswered", "tokens_in", "tokens_cached", "tokens_out", "cost"), 7
    )
    teacher |= {name: words(name) for name in ("role", "model", "revision", "currency")}
    return {
        "name": words("made"),
        "served": False,
        "can_save": False,
        "command": words("turnwise run -c made.yaml"),
        "stamp": "",
        "nodes": [node],
        "meanings": {words("premature"): words("meaning"), words("planted"): words("meaning")},
        "videos": {"in": samples, "out": samples, "open": 0, "rejected": {}, "absent": {}},
        "placed": {words("merged"): 3},
        "agreement": [
            {
                "node": words("agree"),
                "policy": "event",
                "min_iou": 0.5,
                "events": 20,
                "not_found": 0,
                "bars": [1] * 20,
                "kept": [20 - step // 5 for step in range(101)],
            }
        ],
        "offsets": [{"what": words("found"), "mean_iou": 0.8, "starts": tenths, "ends": tenths}],
        "teachers": [teacher | {"nodes": []}],
        "pace": {"at_s": [0.0, 60.0], **pace},
    } | of_samples({words("task"): samples}, {}, {"silence": 5}, {})
