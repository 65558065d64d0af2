"""The card of a corpus: what it holds, in words and as the HF Hub's header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from pipeline.corpus.counts import CorpusCounts, Slice
from pipeline.corpus.layout import CorpusSettings
from pipeline.records import Dialogue, Record, Turn
from pipeline.schema import schema_of

_DRY_RUN_MODEL = "embedded"
_SIZES = ((10**3, "1K"), (10**4, "10K"), (10**5, "100K"), (10**6, "1M"), (10**7, "10M"))

_DIALOGUE: Mapping[str, str] = {
    "sample_id": "name of the dialogue",
    "video_id": "name of the video at its platform",
    "task": "what the assistant is asked to do; also the name of the config",
    "aspect": "for a task with kinds of question, which kind this is",
    "source": "the collection that the video comes from",
    "licence": "of the video",
    "split": "all dialogues of a video are in one split",
    "sha256": "of the video file, to know it again",
    "clip_start_s": "where in the file the clip begins",
    "clip_end_s": "where in the file it ends; null for the end of the file",
    "duration_s": "of the video or clip",
    "turns_per_s": "turns a second",
    "n_silence": "turns in silence",
    "n_standby": "turns on standby",
    "n_response": "turns with a response",
    "models": "all that wrote or verified it, as `model@revision`; empty when a dataset said it",
    "annotation_ids": "what it was made from",
    "parent_ids": "what that was made from: events, or the requests that found them",
    "checks": "verifications: what was checked, passed or not, by which model",
    "provenance": "every model call that had a part in it: prompt, model, sampling, seed, tokens",
    "turns": "the dialogue, one turn a segment of the video",
}
_TURN: Mapping[str, str] = {
    "index": "number of the turn, from 0; also of its frame",
    "start_s": "start of the segment",
    "end_s": "end of the segment",
    "frame_s": "when the frame on screen at `start_s` was presented",
    "state": "`silence`, `standby` or `response`",
    "question": "what the user asks in this turn; mostly empty",
    "text": "what the assistant says; empty but in a response",
    "qids": "names of the questions asked in this turn",
    "rids": "names of the responses given in this turn",
    "flags": "`merged`, `shifted` or `clamped`, where a response stands otherwise than it asked to",
}


def card(counts: CorpusCounts, settings: CorpusSettings) -> str:
    """The text of ``README.md``: a YAML header and a plain body."""
    header = yaml.safe_dump(_header(counts, settings), sort_keys=False, allow_unicode=True)
    sections = [
        f"# {settings.title}",
        _what(counts),
        *_warning(counts),
        "## What it holds\n\n" + _slices(counts.slices) + "\n\n" + _totals(counts),
        "## States\n\n" + _states(counts.whole),
        "## Where the videos come from\n\n" + _sources(counts),
        "## Who wrote it\n\n" + _models(counts),
        "## Fields\n\n" + _fields(),
        "## Loading\n\n" + _loading(counts, settings),
    ]
    return f"---\n{header}---\n\n" + "\n\n".join(sections) + "\n"


def _header(counts: CorpusCounts, settings: CorpusSettings) -> dict[str, Any]:
    return {
        "pretty_name": settings.title,
        "license": settings.licence,
        "language": [settings.language],
        "task_categories": ["video-text-to-text"],
        "tags": ["video", "streaming", "dialogue", "instruction-tuning"],
        "size_categories": [_size(counts.whole.dialogues)],
        "configs": [
            {
                "config_name": task,
                "data_files": [
                    {"split": part.split, "path": f"data/{task}/{part.split}-*.parquet"}
                    for part in counts.slices
                    if part.task == task
                ],
            }
            for task in _tasks(counts)
        ],
    }


def _what(counts: CorpusCounts) -> str:
    whole = counts.whole
    return (
        f"{whole.dialogues:,} dialogues about {whole.videos:,} videos "
        f"({_hours(whole)} hours), made for training assistants that watch a video as it plays. "
        "A dialogue has one turn for each segment of its video. In every turn the assistant "
        "is silent, stands by (what it was asked about is under way, but not over), or responds. "
        "A response stands at the first frame that shows all it depends on; only where a video "
        "ends before there is such a frame, it stands at the last one and is marked `clamped`."
    )


def _warning(counts: CorpusCounts) -> list[str]:
    dry = sum(m.dialogues for m in counts.models if m.model.partition("@")[0] == _DRY_RUN_MODEL)
    if not dry:
        return []
    return [
        f"**Not for training.** {dry:,} of the {counts.whole.dialogues:,} dialogues were written "
        f"with `{_DRY_RUN_MODEL}`, a baseline that stands in for a model in dry runs. They show "
        "the form of the corpus, and nothing that is worth learning."
    ]


def _slices(slices: Sequence[Slice]) -> str:
    rows = [
        (
            f"`{part.task}`",
            part.split,
            f"{part.dialogues:,}",
            f"{part.videos:,}",
            _hours(part),
            f"{part.turns:,}",
            f"{part.silence:,}",
            f"{part.standby:,}",
            f"{part.response:,}",
        )
        for part in slices
    ]
    names = ("task", "split", "dialogues", "videos", "hours", "turns")
    return _table((*names, "silence", "standby", "response"), rows)


def _totals(counts: CorpusCounts) -> str:
    rows = [
        (part.split or "all", f"{part.dialogues:,}", f"{part.videos:,}", _hours(part))
        for part in (*counts.totals[1:], counts.whole)
    ]
    note = "A video with several tasks counts once in each of them, and once here:"
    return f"{note}\n\n{_table(('split', 'dialogues', 'videos', 'hours'), rows)}"


def _states(whole: Slice) -> str:
    ratio = "There is no response to compare with."
    if whole.response:
        silence, standby = (2 * n / whole.response for n in (whole.silence, whole.standby))
        ratio = f"Silence to standby to response is {silence:.1f} : {standby:.1f} : 2"
        ratio += " (Streamo-Instruct-465K reports 12 : 3 : 2)."
    return (
        f"{ratio} {whole.merged:,} turns join several responses that were due together, "
        f"{whole.shifted:,} hold one that gave way to another, and {whole.clamped:,} hold one "
        "whose evidence ends after the last frame. No response was dropped to fit."
    )


def _sources(counts: CorpusCounts) -> str:
    rows = [
        (source.source or "not stated", source.licence or "not stated", f"{source.videos:,}")
        for source in counts.sources
    ]
    note = (
        "Frames remain under the licence of their video; the header's is that of the annotations."
    )
    return _table(("source", "licence", "videos"), rows) + f"\n\n{note}"


def _models(counts: CorpusCounts) -> str:
    rows = [
        (f"`{model.model}`" if model.model else "a dataset's annotators", f"{model.dialogues:,}")
        for model in counts.models
    ]
    note = "A dialogue that several models had a part in counts for each."
    return _table(("model", "dialogues"), rows) + f"\n\n{note}"


def _fields() -> str:
    return (
        f"A row is a dialogue. Times are seconds from the first frame; spans are half-open.\n\n"
        f"{_described(Dialogue, _DIALOGUE)}\n\nA turn:\n\n{_described(Turn, _TURN)}"
    )


def _described(kind: type[Record], meanings: Mapping[str, str]) -> str:
    schema = schema_of(kind)
    rows = []
    for name in kind.model_fields:
        arrow = str(schema.field(name).type)
        shown = "list of structs" if "struct" in arrow else arrow
        shown = "list of strings" if shown.startswith("list<") else shown
        rows.append((f"`{name}`", shown, meanings[name]))
    return _table(("field", "type", "meaning"), rows)


def _loading(counts: CorpusCounts, settings: CorpusSettings) -> str:
    first = counts.slices[0]
    parquet = f"""\
Parquet, one config a task, annotations only:

```python
from datasets import load_dataset

dialogues = load_dataset("CORPUS", "{first.task}", split="{first.split}")
```

`CORPUS` is the name of this repository, or a folder that holds it."""
    if not settings.frames:
        return f"{parquet} Frames are not part of this corpus."
    split = counts.totals[1].split
    return f"""{parquet}

WebDataset, one sample a video, with all its dialogues and each frame once:

```python
from pathlib import Path

from webdataset import WebDataset

tars = [str(tar) for tar in sorted(Path("CORPUS/wds/{split}").glob("*.tar"))]
for sample in WebDataset(tars, shardshuffle=False).decode():
    video, frames = sample["json"], sample["npz"]
    jpeg, offset = frames["jpeg"], frames["offset"]
    jpegs = [jpeg[a:b].tobytes() for a, b in zip(offset[:-1], offset[1:])]
    for dialogue in video["dialogues"]:
        for turn in dialogue["turns"]:
            shown = jpegs[turn["index"]]
```

The key of a sample is the first 32 hex digits of the SHA-256 of its `video_id`. `datasets` reads
the tars too, when it is told the types, which it would otherwise guess from the first five samples:

```python
from datasets import Features, List, Value, load_dataset

text, number = Value("string"), Value("float64")
video = {{name: text for name in ("video_id", "source", "licence", "split")}}
video |= {{"duration_s": number, "turns_per_s": number, "frame_s": List(number)}}
video |= {{"dialogues": List(dict(dialogues.features))}}
frames = {{"jpeg": List(Value("uint8")), "offset": List(Value("int64")), "frame_s": List(number)}}
names = {{"__key__": text, "__url__": text}}
videos = load_dataset(
    "webdataset",
    data_files={{"{split}": "CORPUS/wds/{split}/*.tar"}},
    features=Features({{"json": video, "npz": frames, **names}}),
    split="{split}",
    streaming=True,
)
```"""


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    """The text on one line, with nothing that ends a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _tasks(counts: CorpusCounts) -> list[str]:
    return sorted({part.task for part in counts.slices})


def _hours(part: Slice) -> str:
    return f"{part.duration_s / 3600:,.2f}"


def _size(rows: int) -> str:
    lower = ""
    for limit, name in _SIZES:
        if rows < limit:
            return f"{lower}<n<{name}" if lower else f"n<{name}"
        lower = name
    return f"n>{lower}"
