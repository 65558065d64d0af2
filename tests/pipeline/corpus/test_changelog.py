"""The changelog of a corpus: an entry a version, and in it what changed, each change planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.corpus.changelog import entry, first_entry, newest, version_of, with_entry
from pipeline.corpus.counts import CorpusCounts, Slice
from pipeline.corpus.facts import CONFIG, RUN, Intake, NodeFacts, RunFacts, Turned, Withdrawn
from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from tests.refusing import refuse


def written(folder: Path, samples: list[VideoSample]) -> Slice:
    write_corpus(folder, samples, CorpusSettings(frames=False))
    return CorpusCounts.model_validate_json((folder / "counts.json").read_bytes()).whole


def facts(min_iou: float, refused: int, withdrawn: int = 0) -> RunFacts:
    low = Turned(reason="low_iou", rows=refused, absence=False, settings={"min_iou": min_iou})
    node = NodeFacts(
        node="agree", stage="agree", version=1, videos_in=3, videos_out=3, rows_out=9,
        turned_down=[low],
    )  # fmt: skip
    gone = [Withdrawn(reason="its owner | asked", videos=withdrawn, samples=2 * withdrawn)]
    return RunFacts(
        intake=Intake(3, 3, {}),
        nodes=[node],
        withdrawn=gone if withdrawn else [],
        config=f"nodes:\n  agree:\n    config: {{min_iou: {min_iou}, policy: video}}\n",
    )


def test_same_rows_are_the_same_version_whatever_else_lies_there() -> None:
    rows = {"data/tsqa/train-0.parquet": "a", "wds/train/0.tar": "b"}
    assert version_of(rows) == version_of({**rows, "README.md": "c", "counts.json": "d"})
    assert version_of(rows) != version_of({**rows, "data/tsqa/train-1.parquet": "a"})
    assert len(version_of(rows)) == 12


def test_entries_stand_newest_first() -> None:
    changelog = ""
    for version, text in (("0" * 12, "One."), ("1" * 12, "Two.\n\n| a |\n"), ("2" * 12, "Three.")):
        changelog = with_entry(changelog, version, text)
        assert newest(changelog) == (version, text.strip())
    assert changelog.count("# Changelog") == 1
    assert changelog.index("Three.") < changelog.index("Two.") < changelog.index("One.")
    assert newest("") == newest("# Something else\n") == ("", "")


def test_an_entry_says_what_changed_in_rows_settings_and_yields(
    tmp_path: Path, samples: list[VideoSample]
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    assert first_entry(written(old, samples[:3])).startswith("6 dialogues about 3 videos.")
    (old / RUN).write_text(facts(0.5, 4).model_dump_json(), encoding="utf-8")
    (old / CONFIG).write_text(facts(0.5, 4).config, encoding="utf-8")
    whole = written(new, samples[1:3])
    text = entry(old, new, whole, "f" * 12, facts(0.7, 11, withdrawn=1))
    assert text.startswith(
        "4 dialogues about 2 videos. Since `ffffffffffff`: 4 the same, 2 gone, 0 new, 0 changed."
    )
    assert "Withdrawn: 1 videos, 2 dialogues: its owner | asked." in text
    assert "| `tsqa` | gone | video | 1 |" in text
    assert "| all | 6 → 4 | 3 → 2 |" in text
    assert "| `nodes.agree.config.min_iou` | `0.5` | `0.7` |" in text
    assert "| `agree` | `low_iou` | min_iou `0.7` | 4 → 11 |" in text
    assert "policy" not in text, "what is the same is not listed"

    (old / RUN).write_text(facts(0.7, 11, withdrawn=1).model_dump_json(), encoding="utf-8")
    again = entry(old, new, whole, "f" * 12, facts(0.7, 11, withdrawn=1))
    assert "Withdrawn" not in again, "it was withdrawn before"


def test_an_old_corpus_that_cannot_be_read_stops_nothing(
    tmp_path: Path, samples: list[VideoSample]
) -> None:
    old = tmp_path / "old"
    written(old, samples[:1])
    (old / "counts.json").write_text('{"format": 99}', encoding="utf-8")
    (old / RUN).write_text("{}", encoding="utf-8")
    text = entry(old, tmp_path, written(tmp_path / "new", samples[:1]), "", facts(0.5, 0))
    assert text == (
        "2 dialogues about 1 videos. Since the one before nobody can say what changed:"
        " `newer_format`."
    )


@pytest.mark.parametrize("name", ["counts.json", RUN, CONFIG])
def test_what_the_system_refuses_is_not_taken_for_a_damaged_corpus(
    tmp_path: Path, samples: list[VideoSample], name: str
) -> None:
    """The entry stays for ever, and the next run may well read the file."""
    old = tmp_path / "old"
    written(old, samples[:1])
    (old / name).unlink(missing_ok=True)
    (old / name).mkdir()
    whole = written(tmp_path / "new", samples[:1])
    with pytest.raises(OSError, match=str(old / name)):
        entry(old, tmp_path / "new", whole, "f" * 12, facts(0.5, 0))


def test_nor_is_a_folder_of_rows_that_it_does_not_list(
    tmp_path: Path, samples: list[VideoSample], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    written(old, samples[:1])
    whole = written(tmp_path / "new", samples[:1])
    refuse(monkeypatch, old / "data")
    with pytest.raises(PermissionError, match=str(old / "data")):
        entry(old, tmp_path / "new", whole, "f" * 12, facts(0.5, 0))
