from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.manifest.adapters.platform_ids import aliases, flickr_id
from pipeline.manifest.reconcile.hold_out import HeldOut, read_ids


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


LISTS = [
    # name, content, ids
    ("ids.txt", "\ufeffv_abc\n\n -dash \n# 1\n", ["v_abc", "-dash", "# 1"]),
    ("ids", "a b.mp4\r\n", ["a b.mp4"]),
    ("ids.json", ["v_a", "v_b", 7], ["v_a", "v_b", "7"]),
    ("splits.json", {"val": ["a"], "test": ["b", "c"]}, ["a", "b", "c"]),
    # As ActivityNet Captions, and as ActivityNet, COIN and YouCook2.
    ("val_1.json", {"v_a": {"duration": 3, "sentences": ["x"]}, "v_b": {}}, ["v_a", "v_b"]),
    ("all.json", {"version": "1", "taxonomy": [], "database": {"-a": {"subset": "x"}}}, ["-a"]),
    (
        "COIN.json",
        {"database": {"a": {"video_url": "https://www.youtube.com/embed/-a_bcdefghi"}}},
        ["https://www.youtube.com/embed/-a_bcdefghi"],
    ),
    # As OVO-Bench and StreamingBench, and a benchmark in Streamo's own form.
    (
        "ovo.json",
        [{"id": 0, "video": "COIN/x.mp4", "question": "Q?"}, {"video": "Ego4D/y.mp4"}],
        ["COIN/x.mp4", "Ego4D/y.mp4"],
    ),
    ("nested.json", {"data": [{"info": {"video_path": "v/1.mp4"}, "q": [1]}]}, ["v/1.mp4"]),
    ("streamo.jsonl", '{"video_name": "n", "video_path": "p/n.mp4"}\n', ["n", "p/n.mp4"]),
    # A manifest, whose ids need not be those of its platform, nor need they be there.
    ("manifest.jsonl",
     '{"video_id": "x/a", "uri": "v/a.mp4", "platform_id": "youtube:-a_bcdefghi", "source": "x"}\n'
     '{"uri": "s3://bench/b.mp4"}\n',
     ["x/a", "v/a.mp4", "youtube:-a_bcdefghi", "s3://bench/b.mp4"]),
    ("lines.jsonl", '"a"\n\n{"vid": "b_1.0_2.0"}\n{"videos": ["c", {"path": "d.mp4"}]}\n',
     ["a", "b_1.0_2.0", "c", "d.mp4"]),
    ("bench.csv", "question_id,Video-ID,answer\n1,a,x\n2,,y\n3,b,z\n", ["a", "b"]),
    ("numbers.json", [{"video_id": 12}, {"video_id": True}, {"video": None}], ["12"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "ids"), LISTS, ids=[row[0] for row in LISTS])
def test_ids_of_every_form_are_read(
    tmp_path: Path, name: str, content: Any, ids: list[str]
) -> None:
    path = written(tmp_path, name, content)
    assert list(read_ids(path)) == ids
    with HeldOut([path], tmp_path) as held_out:
        assert [(one.name, one.ids) for one in held_out.lists] == [(name, len(ids))]
        for one in ids:
            found = held_out.find(["other", one])
            # Two ids of one video may share an alias.
            assert found is not None and found[0] == 0 and set(aliases(found[1])) & {*aliases(one)}
        assert held_out.find(["other"]) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", "\n \n", "no id of a video was found"),
        ("none.csv", "question,answer\na,b\n", "no id of a video .* are .*videoid"),
        ("none.json", {"question": "Q?", "n": 3}, "no id of a video"),
        ("broken.json", "[1, ", "broken.json: not JSON"),
        ("broken.jsonl", '{"video": "a"}\n{"video": \n', "broken.jsonl#2: not JSON"),
        ("short.csv", "video,answer\na\n", "short.csv#1: 1 fields, the header has 2"),
        ("\udcffid.txt", None, "cannot be read: No such file"),
    ],
)
def test_a_list_that_cannot_be_read_in_full_is_refused(
    tmp_path: Path, name: str, content: Any, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        written(tmp_path, name, content)
    with pytest.raises(ConfigError, match=message), HeldOut([path], tmp_path):
        pass


def test_a_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"a\n\xff\n")
    with pytest.raises(ConfigError, match=r"x\.txt: not UTF-8"):
        list(read_ids(tmp_path / "x.txt"))


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        ("-a_bcdefghi", "youtube:-a_bcdefghi"),
        ("v_-a_bcdefghi", "youtube:-a_bcdefghi"),
        ("x/ytb_-a_bcdefghi.mp4", "youtube:-a_bcdefghi"),
        ("-a_bcdefghi_210.0_360.0", "youtube:-a_bcdefghi"),
        ("COIN\\-a_bcdefghi.MKV", "youtube:-a_bcdefghi"),
        ("youcook2/101/-a_bcdefghi/split_2.mp4", "youtube:-a_bcdefghi"),
        ("https://youtu.be/-a_bcdefghi?t=3", "youtube:-a_bcdefghi"),
        ("https://www.youtube.com/watch?t=3&v=-a_bcdefghi", "youtube:-a_bcdefghi"),
        ("youtube:-a_bcdefghi", "youtube:-a_bcdefghi"),
        (
            "0a1b2c3d-0000-1111-2222-0a1b2c3d4e5f_12.mp4",
            "ego4d:0a1b2c3d-0000-1111-2222-0a1b2c3d4e5f",
        ),
        ("12@N00_345_6f.mov", "flickr:345"),
        ("12@N00_345_6f.", "flickr:345"),
        ("a/b/whatever.3gp", "whatever"),
        ("Cafe\u0301.mp4", "Caf\u00e9"),
    ],
)
def test_a_video_is_known_by_what_its_names_hold(listed: str, known: str) -> None:
    assert known in set(aliases(listed))


def test_folders_that_many_videos_lie_in_are_no_names() -> None:
    # The first folder has as many letters as an id of YouTube.
    for one, other in (
        ("/data/activitynet/v_-a_bcdefghi.mp4", "activitynet/v_-b_bcdefghi.mp4"),
        ("youcook2/101/-a_bcdefghi/split_2.mp4", "youcook2/102/-b_bcdefghi/split_2.mp4"),
        ("StreamingBench/sample_1/video.mp4", "videos/3/video.mp4"),
        ("a/0001.mp4", "b/0001.mp4"),
    ):
        assert not set(aliases(one)) & set(aliases(other))
    assert "3/video" in set(aliases("videos/3/video.mp4")) & set(aliases("/x/3/video.webm"))
    assert set(aliases("0001.mp4")) >= {"0001"}


def test_names_that_hold_no_id_give_none() -> None:
    found = set(aliases("a/LEwayCpIk20.78"))
    assert found == {"a/LEwayCpIk20.78", "LEwayCpIk20.78"}
    assert flickr_id("12@N00_x_6f.mov") == flickr_id("345") == ""
