"""The card of a corpus: what it holds, in words and as the HF Hub's header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from pipeline.corpus.card_fields import code, fields, plain, table
from pipeline.corpus.counts import CorpusCounts, Slice
from pipeline.corpus.layout import CorpusSettings
from pipeline.dialogue.state_counts import StateSlice, total

_DRY_RUN_MODEL = "embedded"
_ORIGINS = {
    "": "a dataset that does not say who",
    "human": "a dataset's annotators",
    "model": "a model, for a dataset",
    "asr": "speech recognition, for a dataset",
}
_SIZES = ((10**3, "1K"), (10**4, "10K"), (10**5, "100K"), (10**6, "1M"), (10**7, "10M"))


def card(counts: CorpusCounts, settings: CorpusSettings) -> str:
    """The text of ``README.md``: a YAML header and a plain body."""
    header = yaml.safe_dump(_header(counts, settings), sort_keys=False, allow_unicode=True)
    sections = [
        f"# {plain(settings.title)}",
        _what(counts),
        *_warning(counts),
        "## What it holds\n\n" + _slices(counts.slices) + "\n\n" + _totals(counts),
        "## States\n\n" + _states(counts.whole, counts.states),
        "## Where the videos come from\n\n" + _sources(counts),
        "## Who wrote it\n\n" + _models(counts),
        "## Fields\n\n" + fields(),
        "## Loading\n\n" + _loading(counts, settings),
    ]
    return f"---\n{header}---\n\n" + "\n\n".join(sections) + "\n"


def _header(counts: CorpusCounts, settings: CorpusSettings) -> dict[str, Any]:
    return {
        "pretty_name": " ".join(settings.title.split()),
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
        "ends before there is such a frame, it stands at the last one and is marked `clamped`; "
        "where its question is asked only after that frame, it stands with the question and is "
        "marked `postponed`."
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
    return table((*names, "silence", "standby", "response"), rows)


def _totals(counts: CorpusCounts) -> str:
    rows = [
        (part.split or "all", f"{part.dialogues:,}", f"{part.videos:,}", _hours(part))
        for part in (*counts.totals[1:], counts.whole)
    ]
    note = "A video with several tasks counts once in each of them, and once here:"
    return f"{note}\n\n{table(('split', 'dialogues', 'videos', 'hours'), rows)}"


def _states(whole: Slice, states: Sequence[StateSlice]) -> str:
    rows = [
        (
            f"`{part.task}`",
            plain(part.source) or "not stated",
            part.duration,
            f"{part.dialogues:,}",
            part.states.ratio(),
            " / ".join(f"{alpha:.2f}" for alpha in part.alpha.values()) or "a state is absent",
        )
        for part in states
    ]
    names = ("task", "source", "duration", "dialogues", "silence : standby : response", "alpha")
    return (
        f"Silence to standby to response is {total(states).ratio()} "
        "(Streamo-Instruct-465K reports 12 : 3 : 2). "
        f"{whole.merged:,} responses were due together with another and share its turn "
        f"({whole.repeated:,} say the same as another, which is said once), "
        f"{whole.shifted:,} gave way to another, {whole.split_off:,} are in a dialogue apart, "
        f"the evidence of {whole.clamped:,} ends after the last frame, and that of "
        f"{whole.postponed:,} is complete before their question is asked. "
        "A response that no dialogue could hold is a reject of the run, with its reason.\n\n"
        f"{table(names, rows)}\n\n"
        "alpha weighs the states in a focal loss: turns over three times those in the state "
        "(arXiv:2512.21334, equation 4). Turns name their state; how the states are spelled as "
        "tokens (`</Silence>` or `<Silence>`) is chosen when dialogues are exported."
    )


def _sources(counts: CorpusCounts) -> str:
    rows = [
        (
            plain(source.source) or "not stated",
            plain(source.licence) or "not stated",
            f"{source.videos:,}",
        )
        for source in counts.sources
    ]
    note = (
        "Frames remain under the licence of their video; the header's is that of the annotations."
    )
    return table(("source", "licence", "videos"), rows) + f"\n\n{note}"


def _models(counts: CorpusCounts) -> str:
    rows = [
        (code(model.model) if model.model else _ORIGINS[model.origin], f"{model.dialogues:,}")
        for model in counts.models
    ]
    note = "A dialogue that several models had a part in counts for each."
    return table(("model", "dialogues"), rows) + f"\n\n{note}"


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
