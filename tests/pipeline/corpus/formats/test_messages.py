from __future__ import annotations

from typing import Any

import pytest

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.messages import dataset_info
from pipeline.records import Question, Response, Turns
from tests.pipeline.corpus.formats.samples import as_json, dialogue_of, view

QUESTION = Question(qid="q", text="What happens?", asked_s=0.5)
RESPONSE = Response(
    rid="r", qid="q", kind="event", text="A door opens.", start_s=1, end_s=2.2, respond_s=2.2
)
DIALOGUE = dialogue_of(4.5, 1, [QUESTION], [RESPONSE])
SAID = ["</Silence>", "</Standby>", "</Standby>", "</Response> A door opens.", "</Silence>"]


def test_a_stream_row_in_full() -> None:
    users = [f"<{i}s-{i + 1}s>\n<stream>" for i in range(5)]
    users[0] = f"What happens?\n{users[0]}"
    chat = [{"role": "system", "content": "Watch.\nAnswer."}]
    for user, said in zip(users, SAID, strict=True):
        chat += [{"role": "user", "content": user}, {"role": "assistant", "content": said}]
    assert FORMATS["stream"].write(DIALOGUE, view()) == [
        {
            "messages": chat,
            "videos": ["videos/v.mp4"],
            "video_name": "v.mp4",
            "task_type": "tsqa",
            "source": "films",
            "licence": "CC0",
            "models": "",
            "for_training": True,
            "is_negative": False,
            "fps": 1.0,
            "duration": 4.5,
            "sample_id": "v-a",
            "flags": "",
        }
    ]


def test_a_stream_file_of_others_says_less() -> None:
    (row,) = as_json(FORMATS["stream"].write(DIALOGUE, view()))
    for key in ("fps", "duration", "sample_id"):
        del row[key]
    read = FORMATS["stream"].read(row)
    assert [turn.state for turn in read.turns] == [turn.state for turn in DIALOGUE.turns]
    assert (read.turns_per_s, read.duration_s, read.turns[-1].end_s) == (1.0, None, 5.0)


def test_a_message_row_in_full() -> None:
    (row,) = as_json(FORMATS["messages"].write(DIALOGUE, view("paper", system="")))
    assert row["messages"][:2] == [
        {"role": "user", "content": "What happens?\n<0s-1s>\n<image>"},
        {"role": "assistant", "content": "<Silence>"},
    ]
    assert row["images"] == [f"frames/v/{i:06d}.jpg" for i in range(5)]
    del row["messages"], row["images"]
    assert row == {
        "video_path": "videos/v.mp4",
        "video_name": "v.mp4",
        "task_type": "tsqa",
        "source": "films",
        "licence": "CC0",
        "models": "",
        "for_training": True,
        "is_negative": False,
        "fps": 1.0,
        "duration": 4.5,
        "sample_id": "v-a",
        "flags": "",
        "whole_id": "",
        "context_turns": 0,
        "memory": "",
    }


def test_the_system_text_heads_the_first_human_value() -> None:
    (row,) = as_json(FORMATS["qwen_vl"].write(DIALOGUE, view()))
    assert row["system"] == "Watch.\nAnswer."
    assert row["conversations"][0] == {
        "from": "human",
        "value": "Watch.\nAnswer.\nWhat happens?\n<0s-1s>\n<image>",
    }
    assert [said["value"] for said in row["conversations"][1::2]] == SAID
    row["conversations"][0]["value"] = "What happens?\n<0s-1s>\n<image>"
    with pytest.raises(ValueError, match="does not begin with the system text"):
        FORMATS["qwen_vl"].read(row)


@pytest.mark.parametrize("name", ["stream", "messages"])
def test_weights_stand_on_every_answer_and_nowhere_else(name: str) -> None:
    turns = list(DIALOGUE.turns)
    turns[0] = turns[0].model_copy(update={"loss": True, "loss_scale": 0.3})
    turns[1] = turns[1].model_copy(update={"loss": False, "loss_scale": 1.3})
    turns[3] = turns[3].model_copy(update={"loss": True, "loss_scale": 2.0})

    def weights(context_turns: int, *, shown: bool = True) -> list[Any]:
        weighted = DIALOGUE.model_copy(
            update={"turns": Turns.of(turns), "context_turns": context_turns}
        )
        (row,) = as_json(FORMATS[name].write(weighted, view(weights=shown)))
        keys = [(m["role"], "loss" in m, "loss_scale" in m) for m in row["messages"][1:]]
        assert keys == [("user", False, False), ("assistant", shown, shown)] * 5
        return [(m.get("loss"), m.get("loss_scale")) for m in row["messages"][2::2]]

    plain = (True, 1.0)
    assert weights(0) == [(True, 0.3), (False, 1.3), plain, (True, 2.0), plain]
    assert weights(2) == [(False, 0.0), (False, 0.0), plain, (True, 2.0), plain]
    assert set(weights(2, shown=False)) == {(None, None)}


def test_the_dataset_info_of_llama_factory() -> None:
    entry = dataset_info("films", "films.jsonl")["films"]
    assert entry["file_name"] == "films.jsonl"
    (row,) = FORMATS["messages"].write(DIALOGUE, view())
    assert isinstance(row, dict)
    assert set(entry["columns"].values()) <= set(row)
    tags = entry["tags"]
    assert {m["role"] for m in row["messages"]} == {
        tags["user_tag"],
        tags["assistant_tag"],
        tags["system_tag"],
    }
    assert {tags["role_tag"], tags["content_tag"]} == set(row["messages"][0])
