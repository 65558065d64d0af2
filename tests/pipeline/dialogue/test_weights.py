"""What each turn counts under every preset."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dialogue.silence import masked, trimmed
from pipeline.dialogue.state_counts import StateCounts
from pipeline.dialogue.tiling import even_tiling
from pipeline.dialogue.weights import Preset, class_balanced, weigh
from pipeline.records import Dialogue, Question, Response
from tests.pipeline.dialogue.annotations import made_of
from tests.pipeline.dialogue.samples import dialogue_of, dialogues

PRESETS: tuple[Preset, ...] = get_args(Preset)
CORPUS = StateCounts(silence=12_000, standby=3_000, response=2_000)


@pytest.fixture
def dialogue() -> Dialogue:
    said = Response(
        rid="r", qid="q", kind="event", text="x", start_s=3, end_s=5, respond_s=5, evidence=[]
    )
    asked = Question(qid="q", text="?", asked_s=0)
    return dialogue_of(made_of([asked], [said]), even_tiling("v", 9, 1))  # SSSBBRSSS


def scales(dialogue: Dialogue) -> list[float]:
    return [turn.loss_scale or 0.0 for turn in dialogue.turns]


def test_fixed_weights_of_the_paper(dialogue: Dialogue) -> None:
    made = weigh(dialogue, "streamo_fixed")
    assert scales(made) == [0.3, 0.3, 0.3, 1.3, 1.3, 2.0, 0.3, 0.3, 0.3]
    assert all(turn.loss for turn in made.turns)


def test_the_first_silence_of_a_run_counts_more(dialogue: Dialogue) -> None:
    assert scales(weigh(dialogue, "first_silence")) == [1, 0.8, 0.8, 1, 1, 1.5, 1, 0.8, 0.8]


def test_all_transitions_and_as_many_persistences(dialogue: Dialogue) -> None:
    made = weigh(dialogue, "transitions")
    learned = [turn for turn in made.turns if turn.loss]
    assert sum(turn.transition for turn in learned) == 4
    assert len(learned) == 8
    seeds = {tuple(turn.loss for turn in weigh(dialogue, "transitions", seed=s).turns) for s in
             range(20)}  # fmt: skip
    assert len(seeds) > 1, "drawn by the seed"
    assert weigh(dialogue, "transitions") == made


def test_silence_counts_one_in_all(dialogue: Dialogue) -> None:
    made = scales(weigh(dialogue, "inverse_silence"))
    assert sum(scale for scale, turn in zip(made, dialogue.turns, strict=True)
               if turn.state == "silence") == pytest.approx(1)  # fmt: skip
    assert made[3:6] == [1, 1, 1]


def test_class_balanced_weights_average_one_and_rise_with_rarity(dialogue: Dialogue) -> None:
    weights = class_balanced(CORPUS)
    assert sum(weights.values()) == pytest.approx(3)
    assert weights["silence"] < weights["standby"] < weights["response"]
    # effective numbers, by the definition of the loss
    expected = (1 - 0.9999**12_000) / (1 - 0.9999**2_000)
    assert weights["response"] / weights["silence"] == pytest.approx(expected)
    assert class_balanced(StateCounts(silence=5))["response"] == 0
    with pytest.raises(ValueError, match="whole corpus"):
        weigh(dialogue, "class_balanced")


@given(dialogues(), st.sampled_from(PRESETS), st.data())
@settings(deadline=None)
def test_what_a_window_repeats_is_never_learned(
    dialogue: Dialogue, preset: Preset, data: st.DataObject
) -> None:
    context = data.draw(st.integers(0, len(dialogue.turns) - 1))
    window = dialogue.model_copy(update={"context_turns": context})
    made = weigh(window, preset, corpus=CORPUS)
    assert [t.index for t in made.turns] == [t.index for t in dialogue.turns]
    assert all(t.loss is False and t.loss_scale == 0 for t in made.turns[:context])
    assert all((t.loss_scale or 0) >= 0 and t.loss is not None for t in made.turns)
    assert all(bool(t.loss_scale) <= bool(t.loss) for t in made.turns)


@given(dialogues(), st.data())
@settings(deadline=None)
def test_less_silence_and_nothing_else(dialogue: Dialogue, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, dialogue.n_tail))
    less = trimmed(dialogue, count)
    kept = max(1, len(dialogue.turns) - count)
    assert less.turns == dialogue.turns[:kept]
    assert less.n_silence == sum(turn.state == "silence" for turn in less.turns)
    assert less.responses == dialogue.responses
    with pytest.raises(ValueError, match="silent turns"):
        trimmed(dialogue, dialogue.n_tail + 1)
    count = data.draw(st.integers(0, dialogue.n_silence))
    standby = data.draw(st.integers(0, dialogue.n_standby))
    quiet = masked(dialogue, count, standby, seed=0)
    left_out = Counter(turn.state for turn in quiet.turns if not turn.loss)
    assert left_out == Counter(silence=count, standby=standby)
    assert [t.text for t in quiet.turns] == [t.text for t in dialogue.turns]


def test_masking_keeps_the_weights_of_a_preset(dialogue: Dialogue) -> None:
    made = masked(weigh(dialogue, "streamo_fixed"), 2, 0, seed=1)
    assert sorted(scales(made)) == [0, 0, 0.3, 0.3, 0.3, 0.3, 1.3, 1.3, 2.0]
