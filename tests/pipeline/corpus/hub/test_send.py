"""A release on a Hub: whole or not at all, from wherever an attempt before it stopped."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.corpus.hub.client import HubClient
from pipeline.corpus.hub.release import Choice, Release, make_release
from pipeline.corpus.hub.send import Sent, send
from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.corpus.write import write_corpus
from pipeline.manifest.adapters.licences import load_licences
from pipeline.run import main
from pipeline.store.durable import unfinished
from tests.hub_repository import MADE_BY_THE_HUB, Answer
from tests.hub_server import HubServer
from tests.pipeline.corpus.hub.conftest import LICENCES, corpus_in

ROOT = Path(__file__).resolve().parents[4]
REPO = "me/demo"
# Of the Hub's client, about its own call.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def release_of(corpus: Path, copies: Path) -> Release:
    release = make_release(corpus, Choice(frames=True), LICENCES, copies)
    assert not release.refusals
    return release


def publish(release: Release, hub: HubServer, tag: str = "", private: bool = False) -> Sent:
    client = HubClient(REPO, endpoint=hub.url, token="hf_test")
    return send(release, client, lambda _: None, private=private, tag=tag, commit_files=3)


def on_main(hub: HubServer) -> dict[str, bytes]:
    files = hub.repositories[REPO].at("main")
    return {path: files[path] for path in sorted(files.keys() - MADE_BY_THE_HUB.keys())}


def contents(release: Release) -> dict[str, bytes]:
    return {file.path: file.local.read_bytes() for file in release.files}


@pytest.fixture
def first(tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings) -> Release:
    return release_of(corpus_in(tmp_path / "first", samples[:5], settings), tmp_path / "copies")


@pytest.fixture
def second(tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings) -> Release:
    """Without the one video of the split validation: its files go, those of train stay."""
    fewer = [sample for sample in samples[:5] if sample.split == "train"]
    return release_of(corpus_in(tmp_path / "second", fewer, settings), tmp_path / "copies")


def test_a_release_is_made_whole_tagged_and_found_again(hub: HubServer, first: Release) -> None:
    sent = publish(first, hub, tag="v1", private=True)
    assert on_main(hub) == contents(first)
    repository = hub.repositories[REPO]
    assert repository.is_private and repository.tags == {"v1": sent.commit}
    assert sent.uploaded == len(first.files) and sent.is_new
    assert len(repository.commits) > 3, "in several commits"
    again = publish(first, hub, tag="v1")
    assert (again.uploaded, again.is_new, again.commit) == (0, False, sent.commit)
    assert set(hub.uploads.values()) == {1}
    publish(first, hub, tag="v1-again")
    assert repository.tags["v1-again"] == sent.commit, "what is there is tagged alone"


@pytest.mark.parametrize("is_answer_lost", [False, True])
def test_cut_anywhere_it_goes_on_and_uploads_nothing_twice(
    hub: HubServer, first: Release, second: Release, is_answer_lost: bool
) -> None:
    """Five moments each. A reader of main sees the first release or the second one."""
    publish(first, hub)
    before, after = contents(first), contents(second)
    hub.uploads.clear()
    read: list[bool] = []

    def look() -> None:
        now = on_main(hub)
        assert now in (before, after)
        read.append(now == after)

    hub.seen, hub.is_answer_lost = look, is_answer_lost
    chance = random.Random(int(is_answer_lost))
    for _ in range(5):
        hub.cut_from = hub.asked + chance.randrange(1, 25)
        try:
            publish(second, hub, tag="v2")
        except CorpusError as error:
            assert "\n" not in str(error) and "again" in str(error)
    hub.cut_from = None
    publish(second, hub, tag="v2")
    assert on_main(hub) == after
    assert read == sorted(read) and not read[0] and read[-1]
    assert set(hub.uploads.values()) <= {1}
    assert hub.repositories[REPO].tags["v2"] == hub.repositories[REPO].refs["main"]
    assert len(hub.repositories[REPO].requests) <= 3, "it finds its own again"


def test_a_second_release_moves_what_changed(
    hub: HubServer, first: Release, second: Release
) -> None:
    publish(first, hub, tag="v1")
    sent_bytes = hub.upload_bytes
    sent = publish(second, hub, tag="v2")
    old, new = ({f.sha256: f.size_bytes for f in each.files} for each in (first, second))
    changed = sum(size for digest, size in new.items() if digest not in old)
    assert hub.upload_bytes - sent_bytes <= changed < second.size_bytes
    assert sent.removed and on_main(hub) == contents(second), "what is stale is gone"
    assert {f.path for f in first.files} - {f.path for f in second.files}
    repository = hub.repositories[REPO]
    assert repository.at("v1").items() >= contents(first).items(), "the old one is there by its tag"


def test_a_tag_or_repository_of_something_else_is_refused(
    hub: HubServer, first: Release, second: Release
) -> None:
    publish(first, hub, tag="v1")
    with pytest.raises(CorpusError, match=r"tag_taken.*another --revision"):
        publish(second, hub, tag="v1")
    with pytest.raises(CorpusError, match="is there and public"):
        publish(second, hub, private=True)
    assert on_main(hub) == contents(first)


def test_what_arrives_otherwise_is_not_merged(hub: HubServer, first: Release) -> None:
    hub.spoil = "counts.json"
    with pytest.raises(CorpusError, match=r"not_as_sent: counts\.json on refs/pr/1"):
        publish(first, hub)
    assert on_main(hub) == {}
    hub.spoil = ""
    publish(first, hub)
    assert on_main(hub) == contents(first)


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.corpus.hub.client import HubClient
from pipeline.corpus.hub.release import Choice, make_release
from pipeline.corpus.hub.send import send
from tests.pipeline.corpus.hub.conftest import LICENCES
corpus, copies, url = sys.argv[1:]
release = make_release(Path(corpus), Choice(frames=True), LICENCES, Path(copies))
def say(text):
    if text.startswith("commit 2"):
        os.kill(os.getpid(), signal.SIGKILL)
send(release, HubClient("me/demo", endpoint=url, token="hf_test"), say, commit_files=3)
"""


def test_a_killed_process_is_gone_on_with(hub: HubServer, first: Release, tmp_path: Path) -> None:
    arguments = [str(tmp_path / "first"), str(tmp_path / "other-copies"), hub.url]
    environment = {**os.environ, "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, *arguments]
    killed = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert hub.uploads and on_main(hub) == {}
    publish(first, hub)
    assert on_main(hub) == contents(first)
    assert set(hub.uploads.values()) == {1} and len(hub.repositories[REPO].requests) == 1


def test_a_pull_request_of_somebody_else_is_not_gone_on_with(
    hub: HubServer, first: Release
) -> None:
    """Who opened it could push to it after it was compared."""
    hub.user = "mallory"
    hub.refuse = lambda _, path: Answer(500, {}) if path.endswith("/merge") else None
    with pytest.raises(CorpusError, match="merge pull request 1"):
        publish(first, hub)
    hub.user, hub.refuse = "me", lambda *_: None
    publish(first, hub)
    assert on_main(hub) == contents(first)
    assert [each.status for each in hub.repositories[REPO].requests] == ["open", "merged"]


LOADED = """
import sys
from datasets import load_dataset
for config in sys.argv[1:]:
    print(sorted(load_dataset("me/demo", config, split="train")["sample_id"]))
"""


def test_what_is_there_loads_with_datasets(
    hub: HubServer, samples: list[VideoSample], settings: CorpusSettings, tmp_path: Path
) -> None:
    """A task, and one family of licences alone."""
    terms = [LICENCES.entries[name].licence for name in ("open", "texts")]
    dialogues = [
        dialogue.model_copy(update={"licence": terms[i % 2], "models": ["teacher@1"]})
        for i, sample in enumerate(samples[:5])
        for dialogue in sample.dialogues
    ]
    own = [VideoSample([d for d in dialogues if d.video_id == s.video_id]) for s in samples[:5]]
    write_corpus(tmp_path / "mixed", own, settings.model_copy(update={"frames": False}))
    choice = Choice(allow=frozenset({"mixed-licences"}))
    publish(make_release(tmp_path / "mixed", choice, LICENCES, tmp_path / "copies"), hub)
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    environment |= {"HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "hf_test"}
    configs = ["all", "tsqa", "licence-cc-by", "licence-cc-by-messages"]
    command = [sys.executable, "-c", LOADED, *configs]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    train = [each for each in dialogues if each.split == "train"]
    texts = [each for each in train if each.licence == terms[1]]
    wanted = [train, [each for each in train if each.task == "tsqa"], texts, texts]
    assert texts and done.stdout.splitlines() == [
        str(sorted(each.sample_id for each in of_config)) for of_config in wanted
    ]


def test_another_release_in_between_is_no_conflict(
    hub: HubServer, first: Release, second: Release
) -> None:
    hub.refuse = lambda _, path: Answer(500, {}) if path.endswith("/merge") else None
    with pytest.raises(CorpusError, match="merge pull request 1: 500"):
        publish(first, hub)
    hub.refuse = lambda *_: None
    publish(second, hub)
    publish(first, hub)
    assert on_main(hub) == contents(first)
    assert [each.status for each in hub.repositories[REPO].requests] == [
        *("closed", "merged", "merged")
    ]


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "HF_TOKEN"), (402, "space or credit"), (403, "space is used up"), (429, "wait")],
)
def test_an_error_says_what_to_do(hub: HubServer, first: Release, status: int, said: str) -> None:
    refused = Answer(status, {"error": "You are over the limit."})
    hub.refuse = lambda _, path: refused if "/create" in path else None
    with pytest.raises(CorpusError, match=said) as raised:
        publish(first, hub)
    assert "\n" not in str(raised.value)
    if status == 402:
        hub.refuse = lambda method, _: refused if method == "PUT" else None
        with pytest.raises(CorpusError, match=said):
            publish(first, hub)
        hub.refuse = lambda *_: None
        publish(first, hub)
        assert on_main(hub) == contents(first)


def test_the_verb_says_what_it_did(
    hub: HubServer,
    tmp_path: Path,
    samples: list[VideoSample],
    settings: CorpusSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api = partial(HfApi, hub.url, "hf_test")
    monkeypatch.setattr("pipeline.corpus.hub.client.HfApi", lambda **_: api())
    licence = load_licences()["finevideo"].licence
    corpus = corpus_in(tmp_path / "corpus", samples[:2], settings, licence=licence)
    command = ["publish", str(corpus), "--repo", REPO, "--revision", "v1"]
    assert main([*command, "--dry-run"]) == 0
    assert "nothing was sent" in capsys.readouterr().out and not hub.repositories
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "pull request 1: http" in said and f"publish: {hub.url}/datasets/{REPO} at v1" in said
    assert set(on_main(hub)) == {"README.md", "counts.json"} | {
        path.relative_to(corpus).as_posix()
        for kind in ("data/*", "messages", "preview", "traces")
        for path in corpus.glob(f"{kind}/*.parquet")
    }
    assert main(command) == 0 and "there already" in capsys.readouterr().out
    (corpus / "README.md").write_text("# See /home/ann/notes\n")
    assert main(command) == 1
    out, error = capsys.readouterr()
    assert "README.md, line 1" in out and error == "error: nothing was sent, see what is refused\n"
    for wrong in (["--repo", "demo"], ["--repo", REPO, "--allow", "all"], []):
        assert main(["publish", str(corpus), *wrong]) == 2


def test_what_killed_calls_left_is_removed(
    tmp_path: Path,
    samples: list[VideoSample],
    settings: CorpusSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies = tmp_path / "tmp"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    own = unfinished(copies / "turnwise-publish")  # as another call of this process would
    own.mkdir()
    call = "import sys, pathlib; from pipeline.store.durable import unfinished;"
    call += "unfinished(pathlib.Path(sys.argv[1])).mkdir()"
    subprocess.run([sys.executable, "-c", call, copies / "turnwise-publish"], cwd=ROOT, check=True)
    assert len(list(copies.iterdir())) == 2
    corpus = corpus_in(tmp_path / "corpus", samples[:1], settings)
    assert main(["publish", str(corpus), "--repo", REPO, "--dry-run"]) in (0, 1)
    assert list(copies.iterdir()) == [own]
