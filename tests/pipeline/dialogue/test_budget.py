"""Tokens of frames, of texts and of dialogues, and the settings that ask for them."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.dialogue.budget import (
    FRAME_ENDS,
    FRAME_RULES,
    MAX_ASPECT,
    MESSAGE_TOKENS,
    Budget,
    FixedRule,
    PixelRule,
    estimate_tokens,
    frame_tokens,
    tokenizer_counter,
    turn_costs,
)
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import DialogueError
from pipeline.media.reader.stills import target_size
from pipeline.records import Dialogue, State
from tests.pipeline.dialogue.samples import dialogues

QWEN = FRAME_RULES["qwen2_5_vl"]
SIDES = st.integers(1, 3000)


@pytest.mark.parametrize(
    ("width", "height", "name", "cells"),
    [
        (448, 224, "qwen2_5_vl", 16 * 8),  # just within 100352 pixels
        (1920, 1080, "qwen2_5_vl", 15 * 8),  # stored at 448x252: 16x9 cells are too many
        (448, 448, "qwen2_5_vl", 11 * 11),  # 316.8 pixels a side, rounded down
        (640, 480, "qwen2_5_vl", 13 * 9),
        (320, 240, "qwen2_5_vl", 11 * 9),  # 11.43 and 8.57 cells, rounded
        (70, 70, "qwen2_5_vl", 2 * 2),  # two and a half cells: to the even number
        (20, 20, "qwen2_5_vl", 2 * 2),  # enlarged to 56 a side
        (30, 90, "qwen2_5_vl", 2 * 4),  # 3 cells are too few: 32.3 and 97 pixels, rounded up
        (1920, 1080, "qwen3_vl", 13 * 7),  # 422.4 by 237.6 in cells of 32
        (448, 224, "qwen3_vl", 14 * 7),
        (9, 4000, "internvl", 256),
    ],
)
def test_a_frame_is_counted_as_the_model_resizes_it(
    width: int, height: int, name: Any, cells: int
) -> None:
    assert frame_tokens(width, height, FRAME_RULES[name]) == cells + FRAME_ENDS
    assert frame_tokens(height, width, FRAME_RULES[name]) == cells + FRAME_ENDS


@pytest.mark.parametrize(
    ("name", "most"), [("qwen2_vl", 128), ("qwen2_5_vl", 128), ("qwen3_vl", 98), ("internvl", 256)]
)
def test_a_frame_of_unknown_size_costs_the_most_of_its_model(name: Any, most: int) -> None:
    assert frame_tokens(0, 0, FRAME_RULES[name]) == most + FRAME_ENDS


@given(
    SIDES,
    SIDES,
    st.sampled_from([14, 28, 32]),
    st.integers(1, 200_000),
    st.integers(1, 400_000),
    st.integers(16, 2000),
)
def test_no_frame_costs_more_than_the_most(
    width: int, height: int, grid_px: int, least: int, more: int, longer_px: int
) -> None:
    rule = PixelRule(grid_px, least, least + more, longer_px)
    stored = target_size((width, height), longer_px)
    if max(stored) > MAX_ASPECT * min(stored):
        with pytest.raises(DialogueError, match="bad_frame_size"):
            rule.tokens(width, height)
        return
    cells = rule.tokens(width, height)
    assert 1 <= cells <= rule.most
    assert cells == rule.tokens(*stored), "a frame is counted as it is stored"
    if max(stored) < 100 * min(stored) and more > 400 * grid_px**2:
        assert least <= cells * grid_px**2 <= least + more


def test_a_frame_that_no_model_takes() -> None:
    with pytest.raises(DialogueError, match="thinner"):
        frame_tokens(402, 2, QWEN)
    with pytest.raises(DialogueError, match="bad_frame_size"):
        frame_tokens(-1, 2, QWEN)
    assert frame_tokens(-0, 2, FixedRule(7)) == 7 + FRAME_ENDS


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("cat", 1),
        ("cats", 2),
        ("The cat sits.", 1 + 1 + 2 + 1),
        ("at 12 s", 1 + 1 + 2 + 1),
        ("a\n\nb", 4),
        ("a  b", 3),
        ("<0s-1s>\n", 8),
        ("猫坐着", 3),
        ("naïve", 2),
        ("—", 2),
        ("🙂", 3),
        ("\ud800", 1),
    ],
)
def test_the_estimate_by_its_rule(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_the_estimate_grows_with_the_text(one: str, two: str) -> None:
    assert estimate_tokens(one) <= estimate_tokens(one + two)
    assert estimate_tokens(one + "\n" + two) == sum(map(estimate_tokens, (one, "\n", two)))


PEOPLE = ["A man", "The woman in red", "A child", "The chef", "Two players", "Someone off screen"]
DOES = ["picks up", "slowly puts down", "is chopping", "passes", "walks towards", "points at"]
THINGS = ["the knife", "a ball", "the pan", "carrots", "the door", "a whiteboard", "2 cups"]
TAILS = [".", ", then turns around.", " at 0:12.", "; the crowd cheers!", " (again).", "."]
ASKS = [
    "What is happening now?",
    "Tell me when the man picks up the knife.",
    "How many cups are on the table? If the answer changes over time, update your response.",
    "Please answer by letter.\nA. the pan\nB. a ball",
]


def said(chance: random.Random) -> str:
    """A text as dialogues hold them."""
    if chance.random() < 0.2:
        return chance.choice(ASKS)
    parts = (PEOPLE, DOES, THINGS)
    return " ".join(chance.choice(words) for words in parts) + chance.choice(TAILS)


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level BPE with digits apart, as the models' own, trained on such texts."""
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Digits(individual_digits=True),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=[STATE_TOKENS["official"].token(state) for state in get_args(State)],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    chance = random.Random(0)
    tokenizer.train_from_iterator([said(chance) for _ in range(400)], trainer)
    path = tmp_path_factory.mktemp("model") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@given(st.integers(1, 10**6))
@settings(deadline=None)
def test_the_estimate_is_a_little_more_than_a_tokenizer_counts(
    tokenizer_json: Path, seed: int
) -> None:
    count = tokenizer_counter(tokenizer_json)
    chance = random.Random(seed)
    texts = [said(chance) for _ in range(20)]
    for text in [*texts, "\n".join(texts[:2]), "<12s-13s>\n"]:
        assert count(text) <= estimate_tokens(text)
    assert sum(map(estimate_tokens, texts)) <= 2 * sum(map(count, texts))


def test_a_tokenizer_counts_no_special_tokens(tokenizer_json: Path) -> None:
    count = tokenizer_counter(tokenizer_json)
    assert count("") == 0
    assert count("</Silence>") == 1
    assert count("zzzzqqqq") == 8, "bytes never seen together"


def test_what_is_no_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tokenizers")
    for content in ("{", "[]", '{"version": "1.0"}'):
        path = tmp_path / "tokenizer.json"
        path.write_text(content)
        with pytest.raises(DialogueError, match="bad_tokenizer"):
            tokenizer_counter(path)
    with pytest.raises(FileNotFoundError):
        tokenizer_counter(tmp_path / "absent.json")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ModuleNotFoundError, match=r"turnwise\[tokenizer\]"):
        tokenizer_counter(tmp_path / "tokenizer.json")


@pytest.mark.parametrize(
    ("wrong", "detail"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 150}, "leaves no space beside system_tokens"),
        ({"overlap_turns": -1}, "overlap_turns"),
        ({"frames": "qwen"}, "'qwen2_5_vl'"),
        ({"frames": "internvl", "max_pixels": 9000}, "cost the same at any size: no max_pixels"),
        ({"frame_tokens": 0}, "frame_tokens"),
        ({"frame_tokens": 64, "min_pixels": 900}, "min_pixels has nothing to limit"),
        ({"min_pixels": 200_000}, "the least is more than the most"),
        ({"max_pixels": 3000}, r"min_pixels \(3136\), max_pixels \(3000\)"),
        ({"longer_px": 8}, "longer_px"),
        ({"tokens": 5}, "tokens"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], detail: str) -> None:
    with pytest.raises(ValidationError, match=detail):
        Budget.model_validate({"max_tokens": 32768} | wrong)


def test_settings_make_a_rule_and_a_count(tokenizer_json: Path) -> None:
    assert Budget(max_tokens=32768).rule == QWEN
    assert Budget(max_tokens=32768).counter is estimate_tokens
    assert Budget(max_tokens=999, frames="internvl", longer_px=224).rule == FixedRule(256)
    assert Budget(max_tokens=999, frame_tokens=64).rule == FixedRule(64)
    changed = Budget(max_tokens=999, frames="qwen3_vl", longer_px=320, max_pixels=51200)
    assert changed.rule == PixelRule(32, 3136, 51200, 320)
    counted = Budget(max_tokens=999, tokenizer=tokenizer_json)
    assert counted.counter("</Response>") == 1
    assert Budget.model_validate_json(counted.model_dump_json()) == counted
    assert all(field.description for field in Budget.model_fields.values())


@given(dialogues())
@settings(deadline=None)
def test_a_dialogue_costs_what_its_pieces_cost(dialogue: Dialogue) -> None:
    budget = Budget(max_tokens=999, frame_tokens=30, system_tokens=50)
    costs = turn_costs(dialogue, budget)
    count = len(dialogue.turns)
    assert len(costs.before) == count + 1 and costs.before[0] == 0
    silent = 2 * MESSAGE_TOKENS + 30 + FRAME_ENDS + 1
    for number, turn in enumerate(dialogue.turns):
        alone = costs.before[number + 1] - costs.before[number]
        label = alone - silent - sum(costs.questions[qid] for qid in turn.qids)
        assert estimate_tokens("<0s-1s>\n") <= label <= estimate_tokens("<12.345s-67.890s>\n")
    texts = [text for turn in dialogue.turns for text in (turn.question, turn.text) if text]
    written = sum(estimate_tokens(text) + 1 for text in texts)
    pieces = sum(costs.questions.values()) + sum(costs.responses.values())
    assert pieces == written, "the break between two texts is counted with one of them"
    assert costs.total == 50 + costs.before[-1] + sum(costs.responses.values())
