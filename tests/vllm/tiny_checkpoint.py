"""Makes a Qwen2.5-VL checkpoint of a third of a million random weights, with no network.

    python tests/vllm/tiny_checkpoint.py FOLDER

The weights are large enough that an answer depends on what is shown, and those that end a text or
an object are larger still, so that answers come to an end. The same on every run.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

END, START_OF_TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION = {
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
}
TEMPLATE = (
    "{%- for message in messages -%}<|im_start|>{{ message.role }}"
    "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'text' -%}{{ part.text }}"
    "{%- else -%}<|vision_start|><|{{ part.type.split('_')[0] }}_pad|><|vision_end|>{%- endif -%}"
    "{%- endfor -%}{%- endif -%}<|im_end|>{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant{%- endif -%}"
)
SENTENCES = (
    "The red square moves from the left to the right, and then it stops.",
    "What is the colour of the circle at the end? Answer as JSON with these fields.",
    'Nothing changed. {"found": true, "start_s": 0.5, "end_s": 12.25, "caption": "a hand waves"}',
    "These frames were taken at these times, in seconds: 0.0, 1.0, 2.0, 10.0, 100.0.",
)
PATCH, MERGE = 14, 2
TILE = (PATCH * MERGE) ** 2
"""Pixels that become one token."""
HIDDEN, HEADS, LAYERS = 64, 2, 2
ATTENTION = 12.0
"""How much more what stands earlier in a prompt counts than in a layer of even weights."""
SPREAD = 0.3
"""Of the weights that choose a token: small enough that a warm sample differs from a cool one."""
CLOSING = {'"': 6.0, "}": 6.0, ",": 3.0}
"""How much larger they are for tokens that end something."""


def make_checkpoint(folder: Path) -> Path:
    """Writes the checkpoint into a folder, which need not exist, and gives it back."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(21)
    tokenizer = _tokenizer()
    _processor(tokenizer).save_pretrained(folder)
    model = Qwen2_5_VLForConditionalGeneration(_config(tokenizer)).to(torch.float32)
    with torch.no_grad():
        model.lm_head.weight *= SPREAD
        for mark, times in CLOSING.items():
            model.lm_head.weight[tokenizer.convert_tokens_to_ids(mark)] *= times
        for name, weights in model.named_parameters():
            if "o_proj" in name:
                weights.mul_(ATTENTION)
    model.save_pretrained(folder)
    ends = [tokenizer.convert_tokens_to_ids(mark) for mark in (END_OF_TURN, END)]
    GenerationConfig(eos_token_id=ends, pad_token_id=ends[1]).save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    pieces = Tokenizer(models.BPE())
    pieces.normalizer = normalizers.NFC()
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    pieces.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    pieces.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False),
    )
    model = json.loads(pieces.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        unk_token=None,
        eos_token=END_OF_TURN,
        pad_token=END,
        additional_special_tokens=[END, START_OF_TURN, END_OF_TURN, *VISION.values()],
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _processor(tokenizer: Any) -> Any:
    sizes: dict[str, Any] = {
        "patch_size": PATCH,
        "merge_size": MERGE,
        "temporal_patch_size": 2,
        "size": {"shortest_edge": 4 * TILE, "longest_edge": 16 * TILE},
    }
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**sizes),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**sizes, do_sample_frames=False),
        chat_template=TEMPLATE,
    )


def _config(tokenizer: Any) -> Any:
    token_id = tokenizer.convert_tokens_to_ids
    ids = {name: token_id(mark) for name, mark in VISION.items()}
    shape = {"hidden_size": HIDDEN, "intermediate_size": 2 * HIDDEN, "initializer_range": 1.0}
    text = {
        **shape,
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": 1,
        "max_position_embeddings": 32768,
        # The three parts, of time, height and width, make up half of a head.
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1e6,
            "mrope_section": [4, 6, 6],
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
        "fullatt_block_indexes": [1],
        "tokens_per_second": 2,
    }
    return Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, tie_word_embeddings=False, **ids
    )


if __name__ == "__main__":
    print(make_checkpoint(Path(sys.argv[1])))
