"""A tiny Qwen2.5-VL with random weights and a tokenizer of its own: nothing is fetched."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

STATE_TOKENS = ("</Silence>", "</Standby>", "</Response>")
LABEL = re.compile(r"<\d+s-\d+s>\n")
ROLES = ("system", "user", "assistant")
END, START_OF_TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION = {
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
}
IMAGE = VISION["vision_start_token_id"] + VISION["image_token_id"] + VISION["vision_end_token_id"]
TEMPLATE = (
    "{%- for message in messages -%}<|im_start|>{{ message.role }}"
    "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for part in message.content -%}{%- if part.type == 'text' -%}{{ part.text }}"
    "{%- else -%}" + IMAGE + "{%- endif -%}{%- endfor -%}{%- endif -%}<|im_end|>{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant{%- endif -%}"
)
PATCH, MERGE = 14, 2
TILE = (PATCH * MERGE) ** 2
"""Pixels that become one token."""
TILES = 4
"""Most tokens of a frame."""
VOCABULARY, HIDDEN, HEADS, LAYERS = 512, 64, 4, 3
SPREAD = HIDDEN**-0.5
"""Standard deviation of the random weights: a layer gives what is as large as what it takes."""


def make_processor(texts: Iterable[str]) -> Any:
    """For frames, and for the words of these texts. Each state is a token of its own, and so is the
    label of each turn, which keeps dialogues short."""
    tokenizer = _tokenizer([*texts, *ROLES * 100])
    sizes: dict[str, Any] = {
        "patch_size": PATCH,
        "merge_size": MERGE,
        "temporal_patch_size": 2,
        "size": {"shortest_edge": TILE, "longest_edge": TILES * TILE},
    }
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**sizes),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**sizes, do_sample_frames=False),
        chat_template=TEMPLATE,
    )


def _tokenizer(texts: list[str]) -> Any:
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    pieces.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False
    )
    pieces.train_from_iterator(texts, trainer)
    model = json.loads(pieces.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        unk_token=None,
        eos_token=END_OF_TURN,
        pad_token=END,
        additional_special_tokens=[END, START_OF_TURN, END_OF_TURN, *VISION.values()],
    )
    labels = {label for text in texts for label in LABEL.findall(text)}
    tokenizer.add_tokens([*STATE_TOKENS, *sorted(labels)])
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(tokenizer: Any) -> Any:
    """Weights drawn by PyTorch's generator."""
    token_id = tokenizer.convert_tokens_to_ids
    shape = {
        "hidden_size": HIDDEN,
        "intermediate_size": 4 * HIDDEN,
        "initializer_range": SPREAD,
    }
    half = HIDDEN // HEADS // 2
    text = {
        **shape,
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": 32768,
        # The parts of time, height and width make up half of a head.
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1e4,
            "mrope_section": [half // 4, 3 * half // 8, 3 * half // 8],
        },
        "bos_token_id": token_id(END),
        "eos_token_id": token_id(END_OF_TURN),
        "pad_token_id": token_id(END),
    }
    vision = {
        **shape,
        "depth": LAYERS,
        "num_heads": HEADS,
        "out_hidden_size": HIDDEN,
        "patch_size": PATCH,
        "window_size": 4 * PATCH * MERGE,
        "fullatt_block_indexes": [LAYERS - 1],
        "tokens_per_second": 2,
    }
    ids = {name: token_id(mark) for name, mark in VISION.items()}
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=False, **ids)
    )
