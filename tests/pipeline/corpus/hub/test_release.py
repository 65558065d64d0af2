"""What leaves, and what never does: everything that is planted is found, and named."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.corpus.hub import release as release_module
from pipeline.corpus.hub.leaks import ADVICE, MEANING, PATTERNS, LeakPatterns, Own
from pipeline.corpus.hub.release import Choice, Release, make_release
from pipeline.corpus.hub.rows import read_rows
from pipeline.corpus.hub.text import SCREEN_REFUSALS, text_of_release
from pipeline.corpus.hub.uris import published_uri
from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.read import read_corpus
from pipeline.corpus.write import write_corpus
from pipeline.records import Dialogue
from pipeline.store.durable import put_folder
from tests.pipeline.corpus.hub.conftest import LICENCES, corpus_in

OWN = Own(["ann", "gpu-box-7", "root"], ["correct horse battery"])
LEAKS = {
    "key": [
        "token hf_AbCdEfGhIjKlMnOpQrStUvWx",
        "sk-proj-0123456789abcdef0123",
        "AKIAABCDEFGHIJKLMNOP",
        "https://ann:hunter2@example.org/v1",
        "-----BEGIN RSA PRIVATE KEY-----",
        "Authorization: Bearer abcdefghijklmnop1234",
        "say correct horse battery now",
        "https://x.example.org/a.mp4?X-Amz-Signature=0f",
    ],
    "bucket": ["s3://lab-videos/a.mp4", "see gs://b/c", "https://lab.s3.eu-west-1.amazonaws.com/a"],
    "path": [
        "/home/ann/videos/a.mp4",
        "in '/mnt/data/x'",
        "file:///tmp/a.mp4",
        "~/videos/a.mp4",
        r"C:\Users\ann\a.mp4",
        r"\\server\share",
    ],
    "host": [
        "http://10.0.0.7:8000/v1",
        "at 192.168.1.20.",
        "http://localhost/v1",
        "http://gpu7:8000",
        "vllm.cluster.internal",
        "http://[fe80::1]:80/",
    ],
    "user": ["ann@example", "models/ann/mine", "gpu-box-7:"],
}
HARMLESS = [
    "A red square appears and/or leaves at 12:30; 3.5 s later, 24/7, 1/2, 10.11.2025.",
    "He said: /shrug. Ann waves; anna@1, a planned plan. </Silence>, <b>bold</b>",
    "videos/scene-01.mp4 teacher-7b@abc org/name@0123456789abcdef v1.2.3",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ https://arxiv.org/abs/2512.21334",
    "A root grows; the risk-free task-based sk-learn. The local time is 10:15.",
]


def refusals(release: Release) -> list[str]:
    return [str(refusal) for refusal in release.refusals]


def release_of(corpus: Path, **choice: Any) -> Release:
    return make_release(corpus, Choice(own=OWN, **choice), LICENCES, corpus / ".." / "copies")


@pytest.mark.parametrize("kind", LEAKS)
def test_each_kind_is_found_and_shown_without_a_key(kind: str) -> None:
    leaks = LeakPatterns(OWN)
    for text in LEAKS[kind]:
        found = {leak.kind: leak.shown for leak in leaks.leaks(text)}
        assert kind in found, text
        assert kind != "key" or len(found["key"]) <= 5
    assert set(ADVICE) == set(MEANING) == {*PATTERNS, "user"}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_leaves(text: str) -> None:
    assert not list(LeakPatterns(OWN).leaks(text))


def test_a_clean_corpus_leaves_without_its_frames(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    corpus = corpus_in(tmp_path / "corpus", samples[:4], settings)
    (corpus / "replies.jsonl").write_text("{}")
    file = next(corpus.glob("data/tsqa/*.parquet"))
    rows = pq.read_table(file)
    frames = pa.array([{"bytes": b"\xff\xd8"}] * len(rows))
    pq.write_table(rows.append_column("frame", frames), file.with_name("frames-0-of-1.parquet"))
    release = release_of(corpus)
    assert not release.refusals
    sent = {file.path for file in release.files}
    assert {"README.md", "counts.json"} < sent
    assert {"messages/train-00000-000.parquet", "traces/train-00000-000.parquet"} < sent
    assert not [path for path in sent if path.startswith(("wds/", "frames/")) or "frames-" in path]
    assert sorted(why.partition(":")[0] for why in release.left_out) == [
        *("frames", "no file of a corpus")
    ]
    (card,) = (file.local.read_text() for file in release.files if file.path == "README.md")
    assert "annotations, not the frames" in card and card.startswith("---\n")
    header = yaml.safe_load(card.split("---\n")[1])
    patterns = [part["path"] for each in header["configs"] for part in each["data_files"]]
    assert all(any(fnmatchcase(path, pattern) for path in sent) for pattern in patterns)
    (shown,) = (f.local for f in release.files if f.path == "preview/train-00000-000.parquet")
    rows, whole_rows = (pq.read_table(p) for p in (shown, corpus / "preview" / shown.name))
    assert rows.equals(whole_rows.drop(["frames"])) and b"Image" not in shown.read_bytes()
    whole = release_of(corpus, frames=True)
    assert sum("wds" in file.path for file in whole.files) == len(list(corpus.glob("wds/*/*.tar")))
    assert "frames/train-00000-000.parquet" in {file.path for file in whole.files}
    assert whole.digest != release.digest == release_of(corpus).digest


@pytest.mark.parametrize("place", ["question", "response", "source", "models", "video_id"])
def test_what_is_planted_in_rows_is_refused_with_its_place(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings, place: str
) -> None:
    spoilt = {
        kind: planted(sample.dialogues[0], place, texts[0])
        for sample, (kind, texts) in zip(samples, LEAKS.items(), strict=False)
    }
    rows = [VideoSample([dialogue]) for dialogue in spoilt.values()]
    without = settings.model_copy(update={"frames": False})
    corpus = tmp_path / "corpus"
    write_corpus(corpus, rows, without)
    found = refusals(release_of(corpus, allow=frozenset({"embedded", "unlisted-licence"})))
    for kind, dialogue in spoilt.items():
        # The first of a kind is named with its row; a path may have named the user before.
        row = "" if kind == "user" else dialogue.sample_id
        said = [each for each in found if MEANING[kind] in each and ".parquet, " in each]
        assert any(row in each for each in said), (kind, found)
        assert all(ADVICE[kind] in each for each in said)
    assert "AbCdEfGh" not in "".join(found)


def planted(dialogue: Dialogue, place: str, text: str) -> Dialogue:
    if place == "question":
        asked = [q.model_copy(update={"text": text}) for q in dialogue.questions]
        return dialogue.model_copy(update={"questions": asked})
    if place == "response":
        said = [r.model_copy(update={"text": text}) for r in dialogue.responses]
        return dialogue.model_copy(update={"responses": said})
    value: object = [text] if place == "models" else text
    return dialogue.model_copy(update={place: value})


def test_what_is_planted_in_card_counts_and_tars_is_refused(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    titled = settings.model_copy(update={"title": "Made in /home/ann/runs/demo"})
    corpus = corpus_in(tmp_path / "corpus", samples[:2], titled, source="s3://lab/videos")
    file = next(corpus.glob("data/narration/*.parquet"))
    rows = pq.read_table(file)
    pq.write_table(rows.replace_schema_metadata({"made": "at /home/ann/runs"}), file)
    found = "\n".join(refusals(release_of(corpus, frames=True)))
    assert f"{file.name}, footer holds a path" in found
    assert "README.md, line 2 (" in found.replace("line 2 holds", "line 2 (")
    assert "counts.json, line" in found and "wds/train/00000-000.tar, source" in found
    assert not [refusal for refusal in refusals(release_of(corpus)) if "wds" in refusal]


def test_uris_leave_as_rules(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    corpus = corpus_in(tmp_path / "corpus", samples[:2], settings, uri="/home/ann/videos/day/a.mp4")
    release = release_of(corpus, frames=True, roots=["/home/ann/videos"])
    assert not release.refusals and release.uris == sum(release.rows.values())
    for file in release.files:
        if file.path.startswith("data/"):
            rows, before = pq.read_table(file.local), pq.read_table(corpus / file.path)
            assert set(rows.column("uri").to_pylist()) == {"day/a.mp4"}
            assert rows.drop(["uri"]).equals(before.drop(["uri"]))
            stored = pq.ParquetFile(file.local).metadata.row_group(0).column(0)
            assert stored.has_offset_index, "written as the corpus is"
        elif file.path != "README.md":
            assert file.local == corpus / file.path, "nothing else has a uri"
    again = release_of(corpus, frames=True, roots=["/home/ann/videos"])
    assert again.digest == release.digest
    sent = tmp_path / "sent"
    for file in release.files:
        (sent / file.path).parent.mkdir(parents=True, exist_ok=True)
        (sent / file.path).write_bytes(file.local.read_bytes())
    assert len(list(read_corpus(sent, frames=True))) == 2


@pytest.mark.parametrize(
    ("uri", "leaves"),
    [
        ("videos/a.mp4", "videos/a.mp4"),
        ("/data/v/a.mp4", "a.mp4"),
        ("s3://lab/v/a.mp4", "a.mp4"),
        ("s3://lab/roots/v/a.mp4", "v/a.mp4"),
        ("file:///x/a.mp4", "a.mp4"),
        ("../v/a.mp4", "a.mp4"),
        (r"C:\v\a.mp4", "a.mp4"),
        ("http://gpu7:80/v/a.mp4", "a.mp4"),
        ("https://www.youtube.com/watch?v=abc", "https://www.youtube.com/watch?v=abc"),
    ],
)
def test_the_rule_of_a_uri(uri: str, leaves: str) -> None:
    assert published_uri(uri, ["s3://lab/roots/"], LeakPatterns(OWN)) == leaves


def test_licences_models_and_splits_decide(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    def refused(name: str, changed: Mapping[str, object], **choice: Any) -> list[str]:
        folder = tmp_path / name
        if not folder.exists():
            corpus_in(folder, samples[:1], settings, **changed)
        return refusals(release_of(folder, **choice))

    texts = {"licence": LICENCES.entries["texts"].licence}
    assert refused("texts", texts) == []
    (said,) = refused("texts", texts, frames=True)
    assert "without frames only" in said and "no --frames" in said
    (said,) = refused("closed", {"licence": LICENCES.entries["closed"].licence})
    assert "may not be published" in said and "leave the source out" in said
    unlisted = {"licence": "somebody's"}
    (said,) = refused("unlisted", unlisted)
    assert "made_up (somebody's) have no entry" in said
    allow = frozenset({"unlisted-licence"})
    assert refused("unlisted", unlisted, allow=allow) == []
    assert len(refused("unlisted", unlisted, allow=allow, frames=True)) == 1, "frames never"
    embedded = {"models": ["embedded@1", "teacher@2"]}
    (said,) = refused("embedded", embedded)
    assert "models: the embedded engine wrote 2 of 2 rows" in said
    assert refused("embedded", embedded, allow=frozenset({"embedded"})) == []
    (said,) = refused("test", {"split": "test"})
    assert "split: 2 of 2 rows are of tests" in said
    assert refused("test", {"split": "test"}, allow=frozenset({"test"})) == []


def test_mixed_licences_need_a_flag(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    corpus = corpus_in(tmp_path / "a", samples[:1], settings)
    other = corpus_in(tmp_path / "b", samples[4:5], settings, licence="texts")
    for file in other.glob("data/*/*.parquet"):
        to = corpus / "data" / file.parent.name / "train-00001-000.parquet"
        to.parent.mkdir(exist_ok=True)
        file.rename(to)
    (said,) = refusals(release_of(corpus))
    assert "2 families" in said and "--by-licence" in said
    release = release_of(corpus, allow=frozenset({"mixed-licences"}))
    assert not release.refusals and set(release.families) == {"cc", "cc-by"}


def test_a_screen_shows_it(
    tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings
) -> None:
    corpus = corpus_in(
        tmp_path / "corpus", samples[:2], settings, source="s3://lab/v", models=["embedded@1"],
        split="test", licence="/home/ann/licence.txt", aspect="http://10.0.0.1/",
    )  # fmt: skip
    release = release_of(corpus)
    lines = text_of_release(release, corpus, "me/demo", SCREEN_REFUSALS).splitlines()
    assert len(lines) <= 23 and max(map(len, lines)) <= 80
    assert len(release.refusals) > SCREEN_REFUSALS and "more" in lines[-1]


def test_no_corpus_is_said(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# nothing\n")
    with pytest.raises(CorpusError, match="no_corpus"):
        release_of(tmp_path)


def test_a_corpus_that_is_replaced_while_it_is_read_is_said(
    tmp_path: Path,
    samples: list[VideoSample],
    settings: CorpusSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else files of two corpora would be released as one."""
    corpus = corpus_in(tmp_path / "corpus", samples[:4], settings)
    other = corpus_in(tmp_path / "other", samples[:2], settings, source="another")

    def replaced(*arguments: Any) -> bool:
        if other.exists():
            put_folder(other, corpus)
        return read_rows(*arguments)

    monkeypatch.setattr(release_module, "read_rows", replaced)
    with pytest.raises(CorpusError, match=r"changed: .*call the same command again"):
        release_of(corpus)
    assert release_of(corpus).rows
