from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.manifest.account import Account
from pipeline.manifest.rules import Rules
from pipeline.manifest.survey import Wanted
from pipeline.records import ManifestRow
from tests.conftest import examples
from tests.pipeline.manifest.reconcile.reconciling import Make, reconciled

times = st.none() | st.integers(-2, 9) | st.sampled_from([0.5, "1", [], 1e308])
raw_annotations = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | st.sampled_from(["A.", " A.", "nan", "\ud800"]),
        "kind": st.sampled_from(["event", "step", "qa"]),
        "question": st.none() | st.sampled_from(["Q?", " "]),
        "origin": st.sampled_from(["human", "model", "asr"]),
        "start_s": st.none() | st.integers(-2, 9),
        "end_s": st.none() | st.integers(-2, 9),
    },
)
records = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "-c", "d_", "gone", "", "\ud800"]) | st.integers()},
    optional={
        "split": st.sampled_from(["train", "val", "test", "no split", "unassigned"]),
        "places": st.lists(st.sampled_from(["a", "sub/b.mp4", "x.npy", "two"]), max_size=2),
        "clip": st.lists(times, min_size=2, max_size=2),
        "platform_id": st.sampled_from(["", "youtube:1", "ego4d:2", "vimeo:3"]),
        "annotations": st.lists(raw_annotations, max_size=3),
    },
)
wishes = st.builds(
    Wanted,
    split=st.sampled_from(["", "train", "val"]),
    limit=st.none() | st.integers(1, 3),
    without=st.frozensets(st.sampled_from(["share-alike", "ego4d", "model-written"])),
)

all_rules = st.builds(
    Rules,
    reversed=st.sampled_from(["reject", "swap"]),
    unassigned=st.sampled_from(["train", "keep", "refuse"]),
)


@settings(max_examples=examples(80), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=8), wishes, all_rules)
def test_the_counts_add_up_for_any_dataset(
    make: Make,
    dataset: Callable[..., Path],
    videos: Callable[..., Path],
    rows: list[dict[str, Any]],
    wanted: Wanted,
    rules: Rules,
) -> None:
    root = videos("a.mp4", "sub/b.mkv", "-c.webm", "d_.mov", "x.npy", "1/two.mp4", "2/two.mp4")
    account, made, rejects = make(dataset(a=rows), root, wanted=wanted, rules=rules)
    reconciled(account, rejects)
    assert len(made) == account.rows.total() <= (wanted.limit or len(rows))
    assert len({row["video_id"] for row in made}) == len(made)
    for row in made:
        assert len(ManifestRow.model_validate(row).annotations) == len(row.get("annotations", []))
        assert (tuple(root.parts) == Path(row["uri"]).parts[: len(root.parts)]) and row["video_id"]


def test_the_text_has_the_sums_and_whether_the_adapter_is_proven() -> None:
    account = Account("toy", "Toy", proven=False, proof="its page")
    account.files, account.entries, account.written = {"a": 4}, 3, 2
    account.unread.update({"damaged": 1})
    account.rejected.update({"missing_file": 1})
    account.rows.update({"CC0": 2})
    account.annotations.update({("event", "human"): 5})
    account.accepted.update({("event", "human"): 4})
    account.refused.update({"empty_span": 1})
    text = account.to_text()
    for line in (
        "NOT PROVEN on real files: its page",
        "4 in 1 files = 3 entries + 1 unread (damaged 1)",
        "3 = 2 in 2 rows + 1 rejected (missing_file 1) + 0 left out",
        "5 = 4 accepted + 1 refused (empty_span 1) + 0 of entries without a row",
        "event by human: 5, 4 accepted",
        "2 rows under CC0",
    ):
        assert line in text
