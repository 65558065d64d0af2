"""What had to be merged, shifted, clamped and so on, as keys of rows. No trainer reads them."""

from __future__ import annotations

from pipeline.records import AskedQuestion, Dialogue

LATE = "late_question"
REPEATED = "repeated"


def turn_flags(dialogue: Dialogue) -> str:
    """The flags by index of turn, as ``"4 merged; 9 clamped merged"``; empty without any.

    One text, because loaders that guess types take an empty list for one of nulls.
    """
    turns = dialogue.turns
    return "; ".join(" ".join([f"{turns.first + at}", *its]) for at, its in turns.flags.items())


def question_flags(dialogue: Dialogue, question: AskedQuestion) -> list[str]:
    """The flags of a question of a whole dialogue."""
    return [LATE] if question.asked_s > dialogue.duration_s else []
