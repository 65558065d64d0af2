"""What changed between two corpora, each change planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.corpus.compare import Comparison, compare_corpora, text_of_comparison
from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from pipeline.records import Dialogue


def compared(
    folder: Path, before: list[VideoSample], after: list[VideoSample]
) -> tuple[Comparison, dict[tuple[str, str, str], int]]:
    for name, samples in (("before", before), ("after", after)):
        write_corpus(folder / name, samples, CorpusSettings(frames=False))
    comparison = compare_corpora(folder / "before", folder / "after")
    return comparison, {(c.task, c.what, c.why): c.samples for c in comparison.changes}


def with_first(sample: VideoSample, update: Mapping[str, object]) -> VideoSample:
    first, *rest = sample.dialogues
    return VideoSample([first.model_copy(update=update), *rest], sample.frames)


def test_gone_new_and_the_same(tmp_path: Path, samples: list[VideoSample]) -> None:
    """Video 0 is gone, video 2 new, and of video 1 one dialogue is gone."""
    one_less = VideoSample(samples[1].dialogues[1:])
    comparison, changes = compared(tmp_path, samples[:2], [one_less, samples[2]])
    assert changes == {
        ("event_caption", "gone", "video"): 1,
        ("event_caption", "new", "video"): 1,
        ("tsqa", "gone", "sample"): 1,
        ("tsqa", "gone", "video"): 1,
        ("tsqa", "new", "video"): 1,
    }
    assert comparison.same == 1
    whole = comparison.tasks[0]
    assert (whole.task, whole.before.dialogues, whole.after.dialogues) == ("", 4, 3)
    assert (whole.before.videos, whole.after.videos) == (2, 2)
    turns = sum(dialogue.n_silence for each in samples[:2] for dialogue in each.dialogues)
    assert whole.before.silence == turns
    text = text_of_comparison(comparison)
    assert text.startswith("samples: 1 the same, 3 gone, 2 new, 0 changed\n")
    assert "4 > 3" in text


def changed_texts(dialogue: Dialogue) -> dict[str, object]:
    said = {at: each._replace(text="Otherwise.") for at, each in dialogue.turns.said.items()}
    return {"turns": replace(dialogue.turns, said=said)}


def changed_states(dialogue: Dialogue) -> dict[str, object]:
    states = dialogue.turns.states.replace(b"\1", b"\0")
    silence = states.count(b"\0")
    counts = {"n_silence": silence, "n_standby": 0}
    return {**changed_texts(dialogue), "turns": replace(dialogue.turns, states=states), **counts}


@pytest.mark.parametrize(
    ("why", "update"),
    [
        ("states", changed_states),
        ("texts", changed_texts),
        ("responses", lambda _: {"questions": []}),
        ("video", lambda _: {"sha256": "1"}),
        ("models", lambda _: {"models": ["other@2"]}),
        ("provenance", lambda _: {"parent_ids": ["p"]}),
    ],
)
def test_a_change_counts_once_for_what_matters_most(
    tmp_path: Path, samples: list[VideoSample], why: str, update: object
) -> None:
    assert callable(update)
    changed = with_first(samples[0], update(samples[0].dialogues[0]))
    comparison, changes = compared(tmp_path, samples[:1], [changed])
    task = samples[0].dialogues[0].task
    assert changes == {(task, "changed", why): 1} and comparison.same == 1
    assert comparison.changes[0].examples == [samples[0].dialogues[0].sample_id]


def test_a_corpus_is_itself_and_no_corpus_is_said(
    tmp_path: Path, samples: list[VideoSample]
) -> None:
    comparison, changes = compared(tmp_path, samples, samples)
    assert changes == {} and comparison.same == 24
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison
    with pytest.raises(CorpusError, match="no_corpus"):
        compare_corpora(tmp_path / "before", tmp_path / "none")
