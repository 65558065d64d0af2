"""Raw replies leave beside a release: those of its rows, without what names hosts."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.corpus.hub.leaks import LeakPatterns, Own
from pipeline.corpus.hub.replies import make_replies
from pipeline.corpus.layout import CorpusError, CorpusSettings, VideoSample
from pipeline.records import ModelReply
from pipeline.records.base import THIS_CALL
from pipeline.records.schema import to_table
from pipeline.run import main
from pipeline.store.location import Location
from tests.pipeline.corpus.hub.conftest import corpus_in

LEAKS = LeakPatterns(Own())


def reply(request_id: str, text: str = '{"number": 2}', detail: str = "") -> ModelReply:
    return ModelReply(
        request_id=request_id, sample=0, text=None if detail else text,
        error="timeout" if detail else None, detail=detail, tokens_in=9, tokens_out=1,
        tokens_cached=0, latency_s=1.0, engine_version="1", ask="", attempts=1, first_at="",
        last_at="",
    )  # fmt: skip


@pytest.fixture
def corpus(tmp_path: Path, samples: list[VideoSample], settings: CorpusSettings) -> Path:
    """Rows that were made of the requests a and b."""
    calls = [THIS_CALL.model_copy(update={"request_id": name}) for name in ("a", "b")]
    return corpus_in(tmp_path / "corpus", samples[:2], settings, provenance=calls)


def parts(folder: Path, *replies: ModelReply) -> list[tuple[str, Location]]:
    """Of two nodes; nothing of the second had a part in the corpus."""
    found = []
    for node, rows in (("caption", replies), ("near_miss", [reply("of another video")])):
        place = folder / "run" / node / "replies-00000-1-2-3.parquet"
        place.parent.mkdir(parents=True)
        table = to_table(ModelReply, rows).replace_schema_metadata({"counts": "{}"})
        pq.write_table(table, place)
        found.append((node, Location.of(place)))
    return found


def test_replies_of_the_rows_are_copied_and_no_others(tmp_path: Path, corpus: Path) -> None:
    failed = reply("b", detail="no answer of 10.0.0.7:8000")
    own = parts(tmp_path, reply("a"), failed, reply("withdrawn", "of a withdrawn video"))
    replies = make_replies(own, corpus, LEAKS, tmp_path / "copies")
    assert (replies.rows, replies.refusals) == (2, [])
    replies.copy_to(Location.of(tmp_path / "out"))
    replies.copy_to(Location.of(tmp_path / "out"))  # called again
    (file,) = [each for each in (tmp_path / "out").rglob("*") if each.is_file()]
    assert file.relative_to(tmp_path / "out").as_posix() == "caption/replies-00000-1-2-3.parquet"
    table = pq.read_table(file)
    assert table.column("request_id").to_pylist() == ["a", "b"]
    assert table.column("text").to_pylist() == ['{"number": 2}', None]
    assert "detail" not in table.column_names and not table.schema.metadata


def test_a_reply_that_leaks_keeps_all_here(tmp_path: Path, corpus: Path) -> None:
    own = parts(tmp_path, reply("a"), reply("b", "It says /home/ann/videos on the screen."))
    (refusal,) = make_replies(own, corpus, LEAKS, tmp_path / "copies").refusals
    assert "caption/replies-00000-1-2-3.parquet, text of b holds a path" in str(refusal)


def test_a_file_that_is_none_of_replies_is_named(tmp_path: Path, corpus: Path) -> None:
    ((node, place), _) = parts(tmp_path, reply("a"))
    Path(place).write_bytes(b"PAR1")
    with pytest.raises(CorpusError, match="replies-00000"):
        make_replies([(node, place)], corpus, LEAKS, tmp_path / "copies")


def test_where_replies_can_go(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb = ["publish", "--repo", "me/demo", "--replies-to"]
    assert main([*verb, "out", str(corpus)]) == 2
    assert "of a run alone" in capsys.readouterr().err
    assert main([*verb, "hf://buckets/me/replies", "-c", "configs/demo.yaml"]) == 2
    assert "not supported: --replies-to a bucket of the Hub" in capsys.readouterr().err
