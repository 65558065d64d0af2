"""What changed between two corpora, each change planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.corpus.compare import PARTS, Comparison, compare_corpora, text_of_comparison
from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.row_digests import leaf_names
from pipeline.corpus.write import write_corpus, write_group
from pipeline.records import Check, Dialogue
from pipeline.records.schema import schema_of

CHECK = Check(name="answerable", passed=True, score=0.5, model="judge@2", rid="r0")


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
        ("times", lambda d: {"turns": replace(d.turns, ends=(*d.turns.ends[:-1], 99.0))}),
        ("responses", lambda _: {"questions": []}),
        ("responses", lambda d: {"turns": replace(d.turns, flags={0: ("merged",)})}),
        (
            "weights",
            lambda d: {"turns": d.turns.weighed([False] * len(d.turns), [None] * len(d.turns))},
        ),
        ("split", lambda _: {"aspect": "other"}),
        ("video", lambda _: {"sha256": "1"}),
        ("video", lambda _: {"clip_end_s": 0.0}),  # it had none
        ("models", lambda _: {"models": ["other@2"]}),
        ("models", lambda _: {"checks": [CHECK]}),
        ("provenance", lambda _: {"parent_ids": ["p"]}),
        ("provenance", lambda _: {"parent_ids": [""]}),
        ("provenance", lambda _: {"annotation_ids": ["a", "b"]}),
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


def test_every_column_belongs_to_one_part() -> None:
    found = {
        name: sum(
            name == each or name.startswith(f"{each}.") for part in PARTS.values() for each in part
        )
        for name in leaf_names(schema_of(Dialogue))
    }
    assert {name for name, parts in found.items() if parts != 1} == {"turns.transition"}


def test_equal_rows_are_the_same_wherever_they_lie(
    tmp_path: Path, samples: list[VideoSample]
) -> None:
    """In another order, in other groups, and in columns of a wider type."""
    write_corpus(tmp_path / "before", samples, CorpusSettings(frames=False))
    for group, of_group in enumerate((samples[7:], samples[:7][::-1])):
        write_group(tmp_path / f"{group}", group, of_group, CorpusSettings(frames=False))
        for file in (tmp_path / f"{group}").glob("data/*/*.parquet"):
            rows = pq.read_table(file)
            at = rows.schema.get_field_index("source")
            wide = rows.column("source").cast(pa.large_string())
            place = tmp_path / "after" / file.relative_to(tmp_path / f"{group}")
            place.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows.set_column(at, "source", wide), place, row_group_size=2)
    comparison = compare_corpora(tmp_path / "before", tmp_path / "after")
    assert (comparison.same, comparison.changes) == (24, [])


def test_a_corpus_is_itself_and_no_corpus_is_said(
    tmp_path: Path, samples: list[VideoSample]
) -> None:
    comparison, changes = compared(tmp_path, samples, samples)
    assert changes == {} and comparison.same == 24
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison
    with pytest.raises(CorpusError, match="no_corpus"):
        compare_corpora(tmp_path / "before", tmp_path / "none")
