"""What rows, cards and previews say of where dialogues come from, and whether to train on them."""

from __future__ import annotations

from typing import Any

from pipeline.engines.base import BASELINE, for_training
from pipeline.records import Dialogue

_BETWEEN = ", "


def attribution_of(dialogue: Dialogue) -> dict[str, Any]:
    """The keys of a row in every format; trainers read none of them.

    ``models`` is one text, because loaders that guess types take an empty list for one of nulls.
    """
    return {
        "source": dialogue.source,
        "licence": dialogue.licence,
        "models": _BETWEEN.join(dialogue.models),
        "for_training": for_training(dialogue.models),
        "is_negative": dialogue.is_negative,
    }


def models_of(text: str) -> tuple[str, ...]:
    """The models in ``models`` of a row."""
    return tuple(filter(None, text.split(_BETWEEN)))


def training_warning(marked: int, whole: int, what: str) -> str:
    """In Markdown, that ``marked`` of the ``whole`` (dialogues or samples) are not for training."""
    return (
        f"**Not for training.** {marked:,} of the {whole:,} {what} were written with "
        f"`{BASELINE}`, a baseline that stands in for a model in dry runs. They show their form, "
        "and nothing that is worth learning."
    )
