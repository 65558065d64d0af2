"""The README of an export: its files, state tokens, weights, counts, and how to load it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipeline.corpus.attribution import training_warning
from pipeline.corpus.export.exporter import ExportTally, Shape
from pipeline.corpus.markdown import code, plain, table
from pipeline.dialogue.weights import NORMALISERS

_LOADING = {
    "messages": """\
ms-swift 4: `ROOT_IMAGE_DIR=. swift sft --dataset {file}` in this folder. Weights are read with
`--is_binary_loss_scale false` only; without it every weight above 0 counts 1.

LLaMA-Factory: `dataset_dir: .` and `dataset: {name}`; `dataset_info.json` has the entry. It knows
no weights. Add the state tokens with `add_special_tokens`.""",
    "qwen_vl": """\
Register `annotation_path: {file}` and `data_path: .` in `qwenvl/data/__init__.py`.""",
    "stream": """\
For Streamo's fork of ms-swift: `--dataset {file}`. `videos` are paths as the manifest has them.
The fork takes every `int(rate)`-th frame of a video: at 29.97 or 23.976 frames a second its frames
run ahead of the turns, and it drops long samples. `messages` has no such clock.""",
    "raw": """\
Times count seconds from 1 (`origin: 1`), so that the official converter at one turn a second gives
the states of these dialogues, as far as it can: it has a turn for each whole second of a video, and
holds one response in each. Where two are due in one second, or one in the rest behind the last
whole second, responses are moved to the nearest free second. `start_s`, `end_s`, `time_s` and
`respond_s` are exact seconds from 0. Of several questions in one second it keeps the last.""",
    "livecc": """\
The last line is the list of byte offsets that LiveCC's loader seeks by. What a row says of itself
stands beside the text of its question.""",
    "activation": """\
`positive_tail` is what a sampler draws P from: the last P of a segment is positive.""",
    "stride": """\
Annotations for STRIDE's own sampler, which cuts the videos. What it does not read stands beside:
`positive_tail` is as in `activation`.""",
}


def export_card(shape: Shape, tally: ExportTally, files: list[str], name: str) -> str:
    """The text of the README."""
    tokens = shape.tokens
    spelled = (tokens.silence, tokens.standby, tokens.response)
    states = ", ".join(f"`{token}`" for token in spelled if token)
    loading = _LOADING[shape.format.name].format(file=files[0] if files else "FILE", name=name)
    if tally.official:
        loading += f"\n\nOf these files {tally.official_text()}."
    weights = "None: every answer counts alike."
    if shape.preset:
        normaliser = NORMALISERS.get(shape.preset, "")
        weights = f"Preset `{shape.preset}`, seed {shape.seed}. {normaliser}".rstrip()
    elif shape.view.weights:
        weights = "As the dialogues have them; turns that repeat an earlier window count nothing."
    lengths = "Dialogues are whole."
    if shape.budget:
        lengths = f"Windows of at most {shape.budget.max_tokens} tokens"
        counted = "a tokenizer" if shape.budget.tokenizer else "an estimate"
        lengths += f", {shape.budget.overlap_turns} turns repeated; texts counted by {counted}."
    return (
        "\n\n".join(
            [
                f"# Dialogues as `{shape.format.name}`",
                *_warning(tally),
                f"Files: {', '.join(f'`{file}`' for file in files) or 'none'}. What could not be"
                " written is in `rejects.jsonl`, with the reason.",
                f"State tokens, spelling `{tokens.name}`: {states}.",
                f"Weights: {weights}",
                f"Lengths: {lengths}",
                "## Loading",
                loading,
                "## Where they come from",
                "Each row has `source`, `licence`, `models`, `for_training` and `is_negative` (what"
                " it asks for does not occur, so nothing is said). Frames and videos remain under"
                " the licence of their video.",
                _counted("source", {plain(name): n for name, n in tally.sources.items()}),
                _counted("licence", {plain(name): n for name, n in tally.licences.items()}),
                "A sample that several models had a part in counts for each.",
                _counted(
                    "model",
                    {code(name) if name else "no model": n for name, n in tally.models.items()},
                ),
                "## Counts",
                f"```json\n{json.dumps(tally.as_json(), indent=2)}\n```",
                "## System text",
                f"```text\n{shape.system}\n```",
            ]
        )
        + "\n"
    )


def _warning(tally: ExportTally) -> list[str]:
    marked = tally.not_for_training
    return [training_warning(marked, tally.written, "samples")] if marked else []


def _counted(head: str, samples: Mapping[str, int]) -> str:
    """A table of samples by name; an empty name is "not stated"."""
    rows = [(name or "not stated", f"{n:,}") for name, n in sorted(samples.items())]
    return table((head, ">samples"), rows)
