"""The card by the Hub's own client and by ``datasets``, what leaves with it, and two revisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from pipeline.corpus.card import CARD, with_run
from pipeline.corpus.changelog import CHANGELOG
from pipeline.corpus.facts import CONFIG, RUN, Intake, RunFacts
from pipeline.corpus.hub.client import HubClient
from pipeline.corpus.hub.release import Choice, make_release
from pipeline.corpus.hub.send import send
from pipeline.corpus.layout import CONFIGS, CorpusSettings, VideoSample
from pipeline.corpus.picture import PICTURE
from pipeline.run import main
from tests.hub_server import HubServer
from tests.pipeline.corpus.hub.conftest import LICENCES, corpus_in

REPO = "me/scenes"
# Of the Hub's client, about its own call.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def corpus(tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings) -> Path:
    """With frames that are pictures, and the texts of a run."""
    jpeg = cv2.imencode(".jpg", np.zeros((36, 64), np.uint8))[1].tobytes()
    seen = [
        VideoSample(s.dialogues, [f.model_copy(update={"jpeg": jpeg}) for f in s.frames])
        for s in samples[:4]
    ]
    folder = corpus_in(tmp_path / "corpus", seen, settings)
    facts = RunFacts(intake=Intake(5, 4, {"odd": 1}))
    text = with_run((folder / CARD).read_text(encoding="utf-8"), facts, "The first.")
    for name, content in {
        CARD: text, RUN: facts.model_dump_json(), CONFIG: "run: {name: small}\n",
        CHANGELOG: "# Changelog\n", "prompts/ground.md": "Find it.", "prompts/a/b.md": "Say it.",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_the_client_of_the_hub_and_datasets_read_the_header(
    corpus: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard, DatasetCardData

    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    card = DatasetCard.load(corpus / CARD)
    assert isinstance(card.data, DatasetCardData)
    asked = hub.asked
    card.validate(repo_type="dataset")  # the rest is the server's: ours takes all
    assert hub.asked == asked + 1
    header = yaml.safe_load(card.data.to_yaml())
    known = vars(DatasetCardData()).keys() | {"configs", "tags"}
    assert header.keys() <= known, "no key that the Hub does not know"
    assert yaml.safe_load(DatasetCardData(**header).to_yaml()) == header
    assert (header["size_categories"], header["language"]) == (["n<1K"], ["en"])
    configs = MetadataConfigs.from_dataset_card_data(card.data)
    assert configs.keys() - CONFIGS == {"event_caption", "narration", "tsqa"}
    for config in configs.values():
        splits = [each["split"] for each in config["data_files"]]
        assert splits and all(split.replace("_", "").isalnum() for split in splits)


@pytest.mark.parametrize("frames", [True, False])
def test_the_picture_leaves_with_the_frames_alone_and_texts_always(
    corpus: Path, tmp_path: Path, frames: bool
) -> None:
    release = make_release(corpus, Choice(frames=frames), LICENCES, tmp_path / "copies")
    assert release.refusals == []
    leaving = {file.path: file.local for file in release.files}
    assert (PICTURE in leaving) == frames
    assert leaving.keys() >= {CARD, RUN, CONFIG, CHANGELOG, "prompts/ground.md", "prompts/a/b.md"}
    assert (f"]({PICTURE})" in leaving[CARD].read_text(encoding="utf-8")) == frames


def test_a_path_in_a_text_of_the_run_keeps_all_here(corpus: Path, tmp_path: Path) -> None:
    (corpus / CONFIG).write_text("source: {path: /home/me/videos}\n", encoding="utf-8")
    release = make_release(corpus, Choice(), LICENCES, tmp_path / "copies")
    assert [str(each).partition(" ")[0] for each in release.refusals] == [f"{CONFIG},"]


def test_diff_of_two_revisions(
    corpus: Path,
    hub: HubServer,
    tmp_path: Path,
    samples: list[VideoSample],
    settings: CorpusSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token="hf_test")
    monkeypatch.setattr("pipeline.corpus.hub.client.HfApi", lambda **_: api)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    later = corpus_in(tmp_path / "later", samples[1:4], settings)
    (later / CONFIG).write_text("run: {name: larger}\n", encoding="utf-8")
    for folder, tag in ((corpus, "v1"), (later, "v2")):
        release = make_release(folder, Choice(), LICENCES, tmp_path / f"copies-{tag}")
        send(release, HubClient(REPO), lambda _: None, tag=tag)

    def diff(before: str, after: str) -> Any:
        assert main(["diff", before, after, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    found = diff(f"{REPO}@v1", f"{REPO}@v2")
    assert found == diff(str(corpus), str(later)) == diff(f"{REPO}@v1", f"{REPO}@main")
    assert [(c["task"], c["what"], c["why"]) for c in found["changes"]] == [
        ("event_caption", "gone", "video"),
        ("tsqa", "gone", "video"),
    ]
    assert found["run"]["settings"] == [{"key": "run.name", "before": "small", "after": "larger"}]
    assert main(["diff", f"{REPO}@v1", f"{REPO}@v3"]) != 0
    assert "v3" in capsys.readouterr().err
