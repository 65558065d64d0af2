from __future__ import annotations

from pathlib import Path
from typing import Any

from data_manifest.activitynet_captions import ADAPTER as ACTIVITYNET
from data_manifest.tacos import ADAPTER
from pipeline.manifest.adapters.entry import Place, Unread
from tests.data_manifest.reading import only, spans, texts, written

NAME = "s34-d28.avi"


def described(**more: Any) -> dict[str, Any]:
    """A record of 2D-TAN's val.json, with other sentences."""
    sentences = ["A knife is taken out.", "An orange is peeled."]
    record = {"timestamps": [[201, 487], [1537, 2980]], "sentences": sentences}
    return {NAME: {**record, "fps": 29.4, "num_frames": 11800, **more}}


def test_frames_become_seconds(tmp_path: Path) -> None:
    entry = only(written(ADAPTER, tmp_path, "val.json", described()))
    assert (entry.name, entry.split, entry.places) == (NAME, "val", (Place(NAME),))
    assert spans(entry) == [(201 / 29.4, 487 / 29.4), (1537 / 29.4, 2980 / 29.4)]
    assert texts(entry) == ["A knife is taken out.", "An orange is peeled."]
    assert entry.annotations[1].pointer == f"{NAME}/timestamps/1"


def test_a_record_that_cannot_be_used_is_unread(tmp_path: Path) -> None:
    for wrong, reason in (({"fps": 0.0}, "bad_rate"), ({"sentences": ["One."]}, "malformed")):
        (item,) = written(ADAPTER, tmp_path, "val.json", described(**wrong))
        assert isinstance(item, Unread) and item.reason == reason


def test_frames_are_not_taken_for_seconds_by_the_adapter_of_another(tmp_path: Path) -> None:
    (item,) = written(ACTIVITYNET, tmp_path, "train.json", described())
    assert isinstance(item, Unread) and item.reason == "malformed"
