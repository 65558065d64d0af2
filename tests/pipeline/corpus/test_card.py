from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from pipeline.corpus.card import card
from pipeline.corpus.counts import CorpusTally
from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.records import Dialogue, ShardFile, Turn


def counted(samples: list[VideoSample], settings: CorpusSettings) -> str:
    tally = CorpusTally()
    for sample in samples:
        tally.add(sample.dialogues)
    return card(tally.result(), settings)


def test_the_header_names_every_file_of_the_parquet_form(
    corpus: tuple[Path, list[ShardFile]],
) -> None:
    folder, files = corpus
    _, text, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    header = yaml.safe_load(text)
    assert header["pretty_name"] == "A small corpus"
    assert header["license"] == "cc-by-4.0"
    assert header["language"] == ["en"]
    assert header["size_categories"] == ["n<1K"]
    for config in header["configs"]:
        for part in config["data_files"]:
            named = sorted(str(p.relative_to(folder)) for p in folder.glob(part["path"]))
            mine = (config["config_name"], part["split"])
            assert named == [f.path for f in files if (f.task, f.split) == mine]
    assert len(header["configs"]) == 3


def test_the_body_states_counts_states_models_and_fields(
    corpus: tuple[Path, list[ShardFile]],
) -> None:
    body = (corpus[0] / "README.md").read_text(encoding="utf-8")
    assert "24 dialogues about 12 videos" in body
    assert re.search(r"Silence to standby to response is [\d.]+ : [\d.]+ : 2 ", body)
    assert "| `teacher-7b@abc` | 6 |" in body
    assert "| a dataset that does not say who | 14 |" in body
    for name in (*Dialogue.model_fields, *Turn.model_fields):
        assert f"| `{name}` |" in body


def test_rows_of_the_embedded_model_are_not_for_training(
    samples: list[VideoSample], settings: CorpusSettings
) -> None:
    assert "**Not for training.** 4 of the 24 dialogues" in counted(samples, settings)
    assert "Not for training" not in counted(samples[:7], settings)


def test_a_source_of_any_name_keeps_to_its_cell(
    samples: list[VideoSample], settings: CorpusSettings
) -> None:
    named = [d.model_copy(update={"source": "a|b\nc"}) for d in samples[0].dialogues]
    assert r"| a\|b c | " in counted([VideoSample(named)], settings)


HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://example.org/track.png)",
    "[click](javascript:alert(1))",
    "`code` **bold** _it_ ~~gone~~ &lt;",
    "x\n\n# A heading\n\n---\nlicense: mit\n---",
    "a | b || c",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_show_as_text_and_do_nothing(
    samples: list[VideoSample], settings: CorpusSettings, name: str
) -> None:
    """As a renderer of Markdown sees it that lets HTML through."""
    fields = {"source": name, "licence": name, "models": [name]}
    named = [d.model_copy(update=fields) for d in samples[0].dialogues]
    titled = settings.model_copy(update={"title": name})
    _, header, body = counted([VideoSample(named)], titled).split("---\n", 2)
    shown = " ".join(name.split())
    assert yaml.safe_load(header)["pretty_name"] == shown
    assert yaml.safe_load(header)["license"] == "cc-by-4.0"
    inline = [
        (
            block.content,
            [part for part in block.children or () if part.content or part.nesting == 1],
        )
        for block in MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
        if block.type == "inline"
    ]
    texts = ["".join(part.content for part in parts) for _, parts in inline]
    assert texts[0] == shown
    assert texts.count(shown) >= 4  # the title, a source with its states, a source, its licence
    assert shown.replace("`", "'") in texts  # a model
    for content, parts in inline:
        kinds = {part.type for part in parts}
        assert not kinds & {"html_inline", "image", "link_open"}, content


@pytest.mark.parametrize(
    ("rows", "size"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (465_000, "100K<n<1M"), (20_000_000, "n>10M")],
)
def test_size_category(
    rows: int, size: str, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    tally = CorpusTally()
    tally.add(samples[0].dialogues)
    counts = tally.result()
    whole = counts.whole.model_copy(update={"dialogues": rows})
    larger = counts.model_copy(update={"totals": [whole, *counts.totals[1:]]})
    assert f"- {size}\n" in card(larger, settings)


def test_the_loading_instructions_work_as_printed(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample], offline_hub: None
) -> None:
    folder, _ = corpus
    text = (folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block.replace("CORPUS", str(folder)), names)
    first_task = [d for s in samples for d in s.dialogues if d.task == "event_caption"]
    assert [row["sample_id"] for row in names["dialogues"]] == [d.sample_id for d in first_task]
    train = [sample for sample in samples if sample.split == "train"]
    assert names["shown"] == train[-1].frames[-1].jpeg
    for row, sample in zip(names["videos"], train, strict=True):
        back = [Dialogue.model_validate(dialogue) for dialogue in row["json"]["dialogues"]]
        assert back == sample.dialogues
        assert bytes(row["npz"]["jpeg"]) == b"".join(frame.jpeg for frame in sample.frames)
