from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from markdown_it import MarkdownIt

from pipeline.corpus.card import card, with_run
from pipeline.corpus.facts import Intake, RunFacts
from pipeline.corpus.layout import CorpusSettings, VideoSample
from pipeline.corpus.tally import CorpusTally, shown_first
from pipeline.corpus.write import write_corpus
from pipeline.records import AskedQuestion, Dialogue, PlacedResponse, ShardFile, Turn, Turns

FILES = [
    ShardFile(path=path, sha256="", size_bytes=0, rows=24, task=task, split="train")
    for path, task in (("data/tsqa/train-00000-000.parquet", "tsqa"), ("messages/train", ""))
]


def counted(samples: list[VideoSample], settings: CorpusSettings) -> str:
    tally = CorpusTally()
    for sample in samples:
        tally.add(sample, list(map(shown_first, sample.dialogues)))
    return card(tally.result(), settings, tally.example, FILES)


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
    found: dict[str, list[str]] = {}
    for config in header["configs"]:
        for part in config["data_files"]:
            named = sorted(str(p.relative_to(folder)) for p in folder.glob(part["path"]))
            assert named and {f.split for f in files if f.path in named} == {part["split"]}
            found.setdefault(config["config_name"], []).extend(named)
    assert [c["config_name"] for c in header["configs"] if c.get("default")] == ["all"]
    tasks = {f.task for f in files if f.task}
    for name in tasks:
        assert found[name] == [f.path for f in files if f.task == name]
    assert sorted(found["all"]) == sorted(path for name in tasks for path in found[name])
    shown = [path for name, paths in found.items() if name != "all" for path in paths]
    assert sorted(shown) == [f.path for f in files if f.path.endswith(".parquet")]


def test_the_body_states_counts_states_models_and_fields(
    corpus: tuple[Path, list[ShardFile]],
) -> None:
    body = (corpus[0] / "README.md").read_text(encoding="utf-8")
    assert not re.search(r"[^\S\n ]|[\x00-\x08]", body.replace("\u00a0", " "))
    assert "24 dialogues about 12 videos" in body
    assert re.search(r"Silence to standby to response is [\d.]+ : [\d.]+ : 2 ", body)
    assert "| `teacher-7b@abc` | 6 |" in body
    assert "| a dataset that does not say who | 14 |" in body
    kinds = (Dialogue, Turn, AskedQuestion, PlacedResponse)
    for name in (name for kind in kinds for name in kind.model_fields):
        assert f"| `{name}` |" in body


def test_rows_of_the_embedded_model_are_not_for_training(
    samples: list[VideoSample], settings: CorpusSettings
) -> None:
    assert "**Not for training.** 4 of the 24 dialogues" in counted(samples, settings)
    assert "Not for training" not in counted(samples[:7], settings)


def test_it_shows_one_dialogue_whatever_the_order(
    samples: list[VideoSample], settings: CorpusSettings
) -> None:
    def example(of: list[VideoSample]) -> str:
        return counted(of, settings).partition("## An example")[2].partition("\n## ")[0]

    assert example(samples) == example(samples[::-1])
    shown = [d for s in samples for d in s.dialogues if d.sample_id in example(samples)]
    assert len(shown) == 1 and shown[0].responses[0].text in example(samples)


def test_an_example_stays_in_its_fence(
    samples: list[VideoSample], settings: CorpusSettings
) -> None:
    (dialogue, *_) = samples[0].dialogues
    text = "```\n# A heading\n<script>\x1b[2J" + "\nand so on" * 100
    said = [r.model_copy(update={"text": text}) for r in dialogue.responses]
    body = counted([VideoSample([dialogue.model_copy(update={"responses": said})])], settings)
    blocks = MarkdownIt("commonmark", {"html": True}).parse(body.split("---\n", 2)[2])
    (fence,) = (block for block in blocks if block.info == "text")
    assert "# A heading" in fence.content and "\x1b" not in body
    assert fence.content.endswith(" further lines)\n") and fence.content.count("\n") == 61
    assert [block.type for block in blocks].count("heading_open") == body.count("\n## ") + 1


@pytest.mark.parametrize("sizes", [[(48, 64)], [(48, 64), (36, 64), (48, 64)]])
def test_it_says_how_large_frames_are(
    samples: list[VideoSample], settings: CorpusSettings, sizes: list[tuple[int, int]]
) -> None:
    # The header tells: of these pictures there is nothing behind it.
    pictures = [cv2.imencode(".jpg", np.zeros(size, np.uint8))[1].tobytes()[:200] for size in sizes]
    shown = [
        VideoSample(s.dialogues, [f.model_copy(update={"jpeg": jpeg}) for f in s.frames])
        for s, jpeg in zip(samples, pictures, strict=False)
    ]
    said = "pixels of 1 videos: 64 x 48 in 1."
    if len(sizes) > 1:
        said = "pixels of 3 videos: 64 x 48 in 2, 64 x 36 in 1."
    assert said in counted(shown, settings)
    bare = [VideoSample(s.dialogues) for s in samples]
    assert "Frames are not part of this corpus" in counted(bare, settings)


def test_the_citation_is_bibtex_whatever_the_title(
    samples: list[VideoSample], settings: CorpusSettings
) -> None:
    assert "@misc{a_small_corpus,\n  title = {A small corpus},\n  note" in counted(
        samples, settings
    )
    odd = settings.model_copy(
        update={"title": "50% of\n``` {a_b} \\ ~", "authors": "Ä, Ö and U, X", "year": 2031}
    )
    text = counted(samples, odd).partition("```bibtex\n")[2].partition("\n```")[0]
    ours, paper = text.split("\n\n")
    assert ours == (
        "@misc{50_of_a_b,\n"
        r"  title = {50\% of ``` \{a\_b\} \textbackslash{} \textasciitilde{}},"
        "\n  author = {Ä, Ö and U, X},\n  year = {2031},\n  note = {Made with turnwise}\n}"
    )
    assert "eprint = {2512.21334}" in paper
    for entry in (ours, paper):
        bare = re.sub(r"\\[{}]", "", entry)
        assert bare.count("{") == bare.count("}")


def test_what_came_in_is_said_where_it_is_known(
    samples: list[VideoSample], settings: CorpusSettings
) -> None:
    text = counted(samples, settings)
    assert "came in" not in text
    intake = Intake(1016, 12, {"odd": 3, "too_short": 1000}, unfinished=1)
    full = with_run(text, RunFacts(intake=intake))
    assert (
        "Of 1,016 videos that came in, 12 are in the corpus and 1,003 were rejected;"
        " 1 are not finished."
    ) in full
    assert "| `too_short` | 1,000 |\n| `odd` | 3 |\n\n## Who wrote it" in full
    intake = Intake(20, 12, {}, absent={"not_drawn": 7, "no_events": 1})
    absent = with_run(text, RunFacts(intake=intake))
    assert "12 are in the corpus and 0 were rejected; 8 gave nothing, or were not drawn." in absent
    assert "| `not_drawn` | 7 |\n| `no_events` | 1 |\n\n## Who wrote it" in absent
    assert with_run(text, RunFacts(intake=Intake(12, 12, {}))).count("## What came in") == 1
    with pytest.raises(ValueError, match="Who wrote it"):
        with_run("# Another file\n", RunFacts(intake=Intake(1, 1, {})))


def test_a_source_of_any_name_keeps_to_its_cell(
    samples: list[VideoSample], settings: CorpusSettings
) -> None:
    named = [d.model_copy(update={"source": "a|b\nc"}) for d in samples[0].dialogues]
    assert r"| a\|b c | " in counted([VideoSample(named)], settings)


PAPER = "https://arxiv.org/abs/2512.21334"
HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://example.org/track.png)",
    "[click](javascript:alert(1))",
    "`code` **bold** _it_ ~~gone~~ &lt;",
    "x\n\n# A heading\n\n---\nlicense: mit\n---",
    "a | b || c",
    "http://example.org/www.example.org me@example.org $x^2$",
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
        ours = [part.attrs["href"] for part in parts if part.type == "link_open"]
        assert not kinds & {"html_inline", "image"} and ours in ([], [PAPER]), content


@pytest.mark.parametrize(
    ("rows", "size"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (465_000, "100K<n<1M"), (20_000_000, "10M<n<100M")],
)
def test_size_category(
    rows: int, size: str, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    tally = CorpusTally()
    tally.add(samples[0], list(map(shown_first, samples[0].dialogues)))
    counts = tally.result()
    whole = counts.whole.model_copy(update={"dialogues": rows})
    larger = counts.model_copy(update={"totals": [whole, *counts.totals[1:]]})
    assert f"- {size}\n" in card(larger, settings, tally.example, FILES)


def test_the_loading_instructions_work_as_printed(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample], offline_hub: None
) -> None:
    folder, _ = corpus
    text = (folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block.replace("CORPUS", str(folder)), names)
    first_task = [d for s in samples for d in s.dialogues if d.task == "event_caption"]
    assert [row["sample_id"] for row in names["dialogues"]] == [d.sample_id for d in first_task]
    every = [d for s in samples for d in s.dialogues if d.split == "train"]
    assert [row["sample_id"] for row in names["chats"]] == [d.sample_id for d in every]
    train = [sample for sample in samples if sample.split == "train"]
    assert names["jpeg"] == train[-1].frames[-1].jpeg
    last = {d.sample_id: d.turns[-1].state for d in train[-1].dialogues}
    assert names["states"] == last
    shown = sum(len(sample.frames) for sample in train)
    assert sum(1 for _ in names["frames"].decode(False)) == shown


def test_a_dialogue_that_no_trainer_can_read_is_no_chat_and_counted(
    samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    (dialogue, other) = samples[0].dialogues
    turns = [turn.model_copy(update={"text": "<image>"}) for turn in dialogue.turns]
    spoilt = dialogue.model_copy(update={"turns": Turns.of(turns)})
    sample = VideoSample([spoilt, other], samples[0].frames)
    write_corpus(tmp_path, [sample], settings)
    assert "1 dialogues are not among the `messages`" in (tmp_path / "README.md").read_text()
    rows = pq.read_table(tmp_path / "messages/train-00000-000.parquet")
    assert rows.column("sample_id").to_pylist() == [other.sample_id]
