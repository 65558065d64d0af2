"""A checkpoint of ``transformers`` on this machine as a model of chats.

It needs ``turnwise[train]``. The state of a turn is the one of the three tokens that is most
likely, whatever else is; the text of a response is what is likeliest token by token. What was
read of a chat is kept (keys and values), so that a turn costs its own tokens; a chat that does not
go on from the last one is read anew.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from pipeline.dialogue.state_tokens import StateTokens
from pipeline.errors import ConfigError
from pipeline.records.turns import STATES
from pipeline.scoring.chat import Chat, Decision


class Checkpoint:
    """A model with its processor. It holds one chat at a time."""

    def __init__(
        self, model: Any, processor: Any, tokens: StateTokens, max_tokens: int = 256
    ) -> None:
        """A model that is loaded already; it is put into evaluation mode.

        Raises:
            ConfigError: a state is not one token of the tokenizer.
        """
        self._model = model.eval()
        self._processor = processor
        self._max_tokens = max_tokens
        self._states = [_one_token(processor.tokenizer, tokens.token(state)) for state in STATES]
        self._ends = _ends(model, processor.tokenizer)
        self._never = _never_said(processor.tokenizer, self._states, self._ends)
        self.forget()

    @classmethod
    def load(
        cls,
        folder: Path,
        tokens: StateTokens,
        max_tokens: int = 256,
        *,
        device: str = "auto",
        dtype: str = "auto",
    ) -> Checkpoint:
        """The checkpoint of a folder, on a GPU where there is one.

        Raises:
            ConfigError: it cannot be loaded; or as the constructor.
        """
        from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: PLC0415

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
            model = AutoModelForImageTextToText.from_pretrained(
                folder, local_files_only=True, dtype=dtype
            )
        except (OSError, ValueError) as error:
            raise ConfigError(f"{folder}: no checkpoint that can be loaded: {error}") from None
        return cls(model.to(device), processor, tokens, max_tokens)

    def forget(self) -> None:
        """Reads the next chat anew."""
        self._read = ""
        """The text that the cache has read, with the last answer."""
        self._frames: tuple[bytes, ...] = ()
        self._position = 0
        """Of the next token."""
        self._waiting: list[int] = []
        """Tokens of the last answer that the model has not read yet."""
        self._cache: Any = None

    def decide(self, chat: Chat) -> Decision:
        """Its answer to the last turn of a chat.

        Raises:
            RuntimeError: as PyTorch has it, such as for a lack of memory.
        """
        with torch.inference_mode():
            text, frames = self._rendered(chat), tuple(jpeg for _, jpeg in chat.shown)
            known = len(self._frames)
            if not text.startswith(self._read) or frames[:known] != self._frames:
                self.forget()
                known = 0
            logits = self._see(text[len(self._read) :], frames[known:])
            shares = torch.softmax(logits[self._states].float(), dim=0)
            state = int(shares.argmax())
            self._waiting = [self._states[state]]
            said = self._say() if STATES[state] == "response" else ""
            token = self._processor.tokenizer.convert_ids_to_tokens(self._states[state])
            self._read = text + token + (f" {said}" if STATES[state] == "response" else "")
            self._frames = frames
            silence, standby, response = shares.tolist()
            return Decision(STATES[state], said, (silence, standby, response))

    def _rendered(self, chat: Chat) -> str:
        messages: list[dict[str, Any]] = []
        if chat.system:
            messages.append(_message("system", chat.system))
        for place, (shown, _) in enumerate(chat.shown):
            messages.append(_message("user", shown, {"type": "image"}))
            if place < len(chat.answers):
                messages.append(_message("assistant", chat.answers[place]))
        rendered = self._processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return str(rendered)

    def _see(self, text: str, jpegs: Sequence[bytes]) -> Tensor:
        images = [Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in jpegs]
        given = dict(
            self._processor(
                text=[text],
                images=images or None,
                add_special_tokens=False,
                return_mm_token_type_ids=True,
                return_tensors="pt",
            )
        )
        ids = given.pop("input_ids")[0].tolist()
        del given["attention_mask"]
        return self._feed(ids, given)

    def _feed(self, ids: Sequence[int], given: Mapping[str, Tensor] | None = None) -> Tensor:
        """Reads what waits and some more tokens; the logits of what comes next, (vocabulary,)."""
        given = dict(given or {})
        fresh = [*self._waiting, *ids]
        types = [0] * len(fresh)
        if (of_ids := given.pop("mm_token_type_ids", None)) is not None:
            types[len(self._waiting) :] = of_ids[0].tolist()
        self._waiting = []
        found = self._model(
            input_ids=self._tensor([fresh]),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
            **self._positions(fresh, types, given.get("image_grid_thw")),
            **{key: value.to(self._model.device) for key, value in given.items()},
        )
        self._cache = found.past_key_values
        last: Tensor = found.logits[0, -1]
        return last

    def _positions(
        self, ids: Sequence[int], types: Sequence[int], grid: Tensor | None
    ) -> dict[str, Tensor]:
        """Of a model that places the tokens of a frame side by side (Qwen-VL and its kin), which
        counts them right in a first reading only; others count on by themselves."""
        count = getattr(getattr(self._model, "model", None), "get_rope_index", None)
        if count is None:
            return {}
        positions, _ = count(
            input_ids=self._tensor([ids]),
            mm_token_type_ids=self._tensor([types]),
            image_grid_thw=None if grid is None else grid.to(self._model.device),
        )
        positions = positions + self._position
        # What is read ends with text, so the last position is the highest.
        self._position = int(positions.max()) + 1
        return {"position_ids": positions}

    def _tensor(self, rows: Sequence[Sequence[int]]) -> Tensor:
        return torch.tensor(rows, device=self._model.device)

    def _say(self) -> str:
        said: list[int] = []
        logits = self._feed([])
        while len(said) < self._max_tokens:
            logits[len(self._processor.tokenizer) :] = -torch.inf
            logits[self._never] = -torch.inf
            best = int(logits.argmax())
            if best in self._ends:
                break
            said.append(best)
            self._waiting = [best]
            if len(said) < self._max_tokens:
                logits = self._feed([])
        return str(self._processor.tokenizer.decode(said, skip_special_tokens=True)).strip()


def _message(role: str, text: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}, *more]}


def _one_token(tokenizer: Any, token: str) -> int:
    ids = tokenizer.encode(token, add_special_tokens=False)
    if len(ids) != 1:
        raise ConfigError(
            f"not supported: {token} is {len(ids)} tokens of this tokenizer, not one: a checkpoint"
            " that was trained with the state tokens as tokens of their own has each as one"
        )
    return int(ids[0])


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer."""
    own = getattr(model.generation_config, "eos_token_id", None)
    given = own if isinstance(own, list) else [own]
    return frozenset(each for each in (*given, tokenizer.eos_token_id) if each is not None)


def _never_said(tokenizer: Any, states: Sequence[int], ends: Set[int]) -> list[int]:
    """The tokens that no text has: states, and what means something else than text to a model."""
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return sorted(added.union(tokenizer.all_special_ids, states) - ends)
