"""A checkpoint of transformers watches. It needs PyTorch: ``make test-vllm`` has one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="make test-vllm runs these")
transformers: Any = pytest.importorskip("transformers", reason="make test-vllm runs these")

from PIL import Image  # noqa: E402  comes with transformers

from pipeline.dialogue.state_tokens import STATE_TOKENS  # noqa: E402
from pipeline.errors import ConfigError  # noqa: E402
from pipeline.records import FramedSegment, Question, Response  # noqa: E402
from pipeline.records.turns import STATES  # noqa: E402
from pipeline.scoring.chat import Chat, ChatSettings, watch_chat  # noqa: E402
from pipeline.scoring.checkpoint import Checkpoint  # noqa: E402
from pipeline.scoring.items import Prediction  # noqa: E402
from tests.pipeline.corpus.formats.samples import dialogue_of  # noqa: E402

TOKENS = STATE_TOKENS["official"]
TURNS = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint, with the state tokens as tokens of their own."""
    from tests.vllm.tiny_checkpoint import make_checkpoint

    bare = make_checkpoint(tmp_path_factory.mktemp("bare"))
    processor = transformers.AutoProcessor.from_pretrained(bare)
    names = [TOKENS.token(state) for state in STATES]
    assert processor.tokenizer.add_tokens(names, special_tokens=True) == 3
    model = transformers.AutoModelForImageTextToText.from_pretrained(bare)
    assert len(processor.tokenizer) <= model.config.text_config.vocab_size
    made = tmp_path_factory.mktemp("with-states")
    model.save_pretrained(made)
    processor.save_pretrained(made)
    return made


def jpeg(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (96, 64), (37 * number % 256, 91 * number % 256, 80)).save(file, "JPEG")
    return file.getvalue()


SHOWN = tuple((f"<{i}s-{i + 1}s>\n", jpeg(i)) for i in range(TURNS))


class Saying(Checkpoint):
    """Its responses are one word, whose tokens are those that a tokenizer gives."""

    def _say(self) -> str:
        self._waiting += self._processor.tokenizer.encode(" Nothing")
        return "Nothing"


def test_what_was_read_before_counts_as_if_it_were_read_anew(folder: Path) -> None:
    kept, anew = Saying.load(folder, TOKENS), Saying.load(folder, TOKENS)
    answers: tuple[str, ...] = ()
    found = set()
    for turn in range(TURNS):
        chat = Chat("Watch.", SHOWN[: turn + 1], answers)
        anew.forget()
        first, second = kept.decide(chat), anew.decide(chat)
        assert first.state == second.state
        assert first.shares == pytest.approx(second.shares, abs=1e-4)
        assert sum(first.shares) == pytest.approx(1)
        said = " Nothing" if first.state == "response" else ""
        answers += (TOKENS.token(first.state) + said,)
        found.add(first.state)
    assert len(found) > 1, "the frames make a difference"


def test_its_logits_are_those_of_the_whole_chat_in_one_pass(folder: Path) -> None:
    """What the trainer sees: one sequence, with the positions that the model itself gives it."""
    model = Saying.load(folder, TOKENS)
    answers: tuple[str, ...] = ()
    for turn in range(4):
        decided = model.decide(Chat("", SHOWN[: turn + 1], answers))
        said = " Nothing" if decided.state == "response" else ""
        answers += (TOKENS.token(decided.state) + said,)
    processor, own = model._processor, model._model
    messages = [
        message
        for (text, _), answer in zip(SHOWN[:4], [*answers[:3], ""], strict=True)
        for message in (
            {"role": "user", "content": [{"type": "text", "text": text}, {"type": "image"}]},
            {"role": "assistant", "content": answer},
        )
    ]
    text = processor.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
    images = [Image.open(io.BytesIO(data)) for _, data in SHOWN[:4]]
    inputs = processor(
        text=[text], images=images, return_tensors="pt", return_mm_token_type_ids=True
    )
    with torch.inference_mode():
        logits = own(**inputs).logits[0, -1]
    ids = [processor.tokenizer.convert_tokens_to_ids(TOKENS.token(state)) for state in STATES]
    assert decided.shares == pytest.approx(torch.softmax(logits[ids], 0).tolist(), abs=1e-4)


def test_a_chat_that_does_not_go_on_from_the_last_is_read_anew(folder: Path) -> None:
    model, fresh = Saying.load(folder, TOKENS), Saying.load(folder, TOKENS)
    model.decide(Chat("", SHOWN[:1], ()))
    for other in (
        Chat("", SHOWN[1:2], ()),
        Chat("Watch.", SHOWN[1:2], ()),
        Chat("Watch.", ((SHOWN[1][0], jpeg(7)),), ()),
    ):
        fresh.forget()
        assert model.decide(other).shares == pytest.approx(fresh.decide(other).shares, abs=1e-6)


def test_it_watches_a_sample_and_says_no_token_of_a_state(folder: Path) -> None:
    dialogue = dialogue_of(
        TURNS, 1, [Question(qid="q0", text="What?", asked_s=0)], [Response.instant("r", "red", 3)]
    )
    frames = [
        FramedSegment(
            video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1, jpeg=jpeg(i)
        )
        for i in range(TURNS)
    ]
    model = Checkpoint.load(folder, TOKENS, max_tokens=5)
    # Its random weights prefer another state; a response is what this is about.
    with torch.no_grad():
        model._model.lm_head.weight[model._states[2]] *= -1
    settings = ChatSettings(window_s=4, overlap_s=1, max_tokens=5)
    first, again = (next(watch_chat([(dialogue, frames)], model, settings)) for _ in range(2))
    assert isinstance(first, Prediction) and isinstance(again, Prediction)
    assert len(first.states) == len(first.latencies_s) == TURNS
    assert (first.states, first.responses) == (again.states, again.responses)
    assert first.responses, "a random model says something"
    for one in first.responses:
        assert first.states[int(one.time_s)] == "response"
        assert not any(TOKENS.token(state) in one.text for state in STATES)


def test_states_that_are_several_tokens_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"not supported: <Silence> is \d tokens"):
        Checkpoint.load(folder, STATE_TOKENS["paper"])


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no checkpoint that can be loaded"):
        Checkpoint.load(tmp_path, TOKENS)
