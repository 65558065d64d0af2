"""The taxonomy of Streaming-Train-248K (arXiv:2606.08615): what a sample is, in three words. Pure.

The paper names the words; what they mean is ours. Of its forms, a narration tells what happens, and
the others answer: one question whose answer stays (``answer_invariant``) or changes
(``fact_changing``), or two questions that can be asked each by itself
(``question_changing_independent``) or of which the second cannot
(``question_changing_dependent``). When and how are those of the last question:

- ``backward``: what it asks for was over when it is asked; ``present``: it is on screen then;
  ``forward``: it is to come.
- ``contextual``: the answer rests on what was said or remembered, and not on frames alone;
  ``proactive``: some of it is given unasked, when its time comes; ``punctual``: it is given at
  once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import AfterValidator, Field

from pipeline.records import Annotation, Question, Response
from pipeline.records.hash_sampling import hash_fraction
from stages._spans import JITTER_S

Form = Literal[
    "narration",
    "answer_invariant",
    "fact_changing",
    "question_changing_independent",
    "question_changing_dependent",
]
When = Literal["backward", "present", "forward"]
How = Literal["proactive", "punctual", "contextual"]
Want = Literal["now", "before", "next", "each", "all"]
"""What a question asks of a subject: what holds now, what held before that, what is next to hold,
each thing that is to hold from now on, or that with what holds now."""


class Cell(NamedTuple):
    """A form, when, and how."""

    form: Form
    when: When
    how: How

    @property
    def aspect(self) -> str:
        """As an annotation and its samples have it."""
        return "/".join(self)


NARRATION: Final = Cell("narration", "forward", "proactive")
MEMORY: Final = Cell("answer_invariant", "backward", "contextual")
ASKED: Final[Mapping[Cell, tuple[Want, ...]]] = {
    Cell("answer_invariant", "backward", "punctual"): ("before",),
    Cell("answer_invariant", "present", "punctual"): ("now",),
    Cell("answer_invariant", "forward", "proactive"): ("next",),
    Cell("fact_changing", "present", "proactive"): ("all",),
    Cell("fact_changing", "forward", "proactive"): ("each",),
    Cell("question_changing_independent", "backward", "punctual"): ("now", "before"),
    Cell("question_changing_independent", "present", "punctual"): ("now", "now"),
    Cell("question_changing_independent", "forward", "proactive"): ("now", "next"),
    Cell("question_changing_dependent", "backward", "contextual"): ("now", "before"),
    Cell("question_changing_dependent", "present", "contextual"): ("now", "now"),
    Cell("question_changing_dependent", "forward", "contextual"): ("now", "next"),
}
"""What is asked for each cell, one question after the other. The cells that are not here, and
neither narration nor memory, are not made."""


def known_cells(shares: Mapping[str, float]) -> Mapping[str, float]:
    """Raises ValueError for a name that is no cell of ``ASKED``."""
    names = [cell.aspect for cell in ASKED]
    for name in shares:
        if name not in names:
            raise ValueError(f"{name!r} is none of {', '.join(names)}")
    if not sum(shares.values()) > 0:
        raise ValueError("no cell has a share above 0")
    return shares


Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Shares = Annotated[dict[str, Share], AfterValidator(known_cells)]


def drawn_cell(name: str, shares: Mapping[str, float], seed: int) -> Cell:
    """The cell of a name, drawn by hash in proportion to the shares."""
    left = hash_fraction(name, seed) * sum(shares.values())
    cells = [cell for cell in ASKED if shares.get(cell.aspect, 0) > 0]
    for cell in cells:
        left -= shares[cell.aspect]
        if left < 0:
            return cell
    return cells[-1]


def is_dependent(cell: Cell) -> bool:
    """Whether its second question cannot be asked by itself."""
    return cell.form == "question_changing_dependent"


def has_follow_up(cell: Cell) -> bool:
    """Whether it has two questions."""
    return cell.form.startswith("question_changing")


def cell_of(annotation: Annotation, form: Form) -> Cell:
    """When and how, read off what an annotation asks and says, whoever made it."""
    last = max(annotation.questions, key=lambda question: question.asked_s)
    own = [r for r in annotation.responses if r.qid == last.qid]
    return Cell(form, when_of(last, own), how_of(last, own))


def when_of(question: Question, responses: Sequence[Response]) -> When:
    """By the evidence of its first response."""
    first = min(responses, key=lambda response: response.respond_s)
    if first.respond_s > question.asked_s + JITTER_S:
        return "forward"
    return "present" if first.kind == "instant" else "backward"


def how_of(question: Question, responses: Sequence[Response]) -> How:
    """By what the responses rest on, then by when they are given."""
    if question.depends_on or any(response.from_memory for response in responses):
        return "contextual"
    late = any(response.respond_s > question.asked_s + JITTER_S for response in responses)
    return "proactive" if late else "punctual"
