"""Judges what any format writes of a dialogue, as far as the format can tell it.

Chats are judged by their turns (``check``). Other formats list questions and responses; these are
matched with the annotation by their texts and exact facts, and judged by when they are said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil, floor

from pipeline.corpus.audit.checker import (
    LABEL_S,
    SAME_S,
    Checked,
    Due,
    Timeline,
    check,
    due_of,
    over_s,
)
from pipeline.corpus.audit.checker_readers import Clock, Written, WrittenQuestion, WrittenResponse
from pipeline.records import Question, Response

UNTOLD: Mapping[Clock, tuple[str, ...]] = {
    "turns": (),
    "words": ("standby_missing", "standby_unfounded", "turns_wrong"),
    "seconds": ("turns_wrong",),
    "none": (
        *("early", "before_question", "misplaced"),
        *("standby_missing", "standby_unfounded", "turns_wrong"),
    ),
}
"""The counts that no file with such a clock can tell."""

_Pair = tuple[WrittenResponse, Due]


def check_written(
    written: Written,
    questions: Sequence[Question],
    responses: Sequence[Response],
    timeline: Timeline,
) -> Checked:
    """What became of ``responses``, all of which can be said, where collisions are merged.

    Of a format that lists responses, one with other facts is lost, and what stands there instead is
    ``unexplained``. Where it has a second for each response, one may be moved to the nearest that
    is free, and its question with it. Of counts that are no faults they have ``kept`` and
    ``early_by_clock``.
    """
    if written.clock == "turns":
        return check(written.turns, questions, responses, timeline)
    counts: Counter[str] = Counter()
    texts = {question.qid: question.text for question in questions}
    asked = {question.qid: timeline.turn_of(question.asked_s) for question in questions}
    dues = [due_of(response, asked[response.qid], timeline) for response in responses]
    pairs = _pairs(written, dues, texts, counts)
    matched = _questions(written.questions, questions, counts)
    early_s = 0.0
    if written.clock == "words":
        _count_words(pairs, timeline, counts)
    elif written.clock == "seconds":
        _count_seconds(pairs, matched, asked, timeline, counts)
    if written.clock != "none":
        for said, due in pairs:
            missing_s = over_s(due.response) - said.said_s
            counts["early_by_clock"] += missing_s > LABEL_S
            early_s += missing_s if missing_s > LABEL_S else 0.0
    return Checked(counts, early_s, untold=UNTOLD[written.clock])


def _facts(response: Response, names: Sequence[str]) -> tuple[object, ...]:
    spans = tuple((span.start_s, span.end_s) for span in response.evidence)
    return tuple(spans if name == "evidence" else getattr(response, name) for name in names)


def _pairs(
    written: Written, dues: Iterable[Due], texts: Mapping[str, str], counts: Counter[str]
) -> list[_Pair]:
    """What is written of each response; those that have all in common in the order of time."""
    found: defaultdict[tuple[object, ...], list[WrittenResponse]] = defaultdict(list)
    for each in sorted(written.responses, key=lambda each: each.said_s):
        found[each.text, each.question, each.facts].append(each)
    owners: defaultdict[tuple[object, ...], list[Due]] = defaultdict(list)
    for due in sorted(dues, key=lambda due: due.turn):
        facts = _facts(due.response, written.facts)
        owners[due.response.text, texts[due.response.qid], facts].append(due)
    pairs: list[_Pair] = []
    for key, owned in owners.items():
        said = found.pop(key, [])
        pairs += zip(said, owned, strict=False)
        counts["lost"] += max(0, len(owned) - len(said))
        counts["said_twice"] += max(0, len(said) - len(owned))
    counts["kept"] = len(pairs)
    counts["unexplained"] = sum(map(len, found.values()))
    return pairs


def _questions(
    written: Sequence[WrittenQuestion], questions: Sequence[Question], counts: Counter[str]
) -> list[tuple[WrittenQuestion, Question]]:
    """What is written of each question; those of one text in the order of time."""
    found: defaultdict[str, list[WrittenQuestion]] = defaultdict(list)
    for each in sorted(written, key=lambda each: each.asked_s):
        found[each.text].append(each)
    matched = []
    for question in sorted(questions, key=lambda each: each.asked_s):
        if found[question.text]:
            matched.append((found[question.text].pop(0), question))
        else:
            counts["questions_lost"] += 1
    counts["questions_early"] = sum(one.asked_s < other.asked_s for one, other in matched)
    counts["questions_late"] = sum(one.asked_s > other.asked_s for one, other in matched)
    counts["questions_unexplained"] = sum(map(len, found.values()))
    return matched


def _count_words(pairs: Sequence[_Pair], timeline: Timeline, counts: Counter[str]) -> None:
    """The first response of a turn begins with the turn, others of it before the next one."""
    starts = timeline.starts
    turns = sorted({due.turn for _, due in pairs})
    until_s = {turn: starts[after] for turn, after in pairwise(turns)}
    first_s = {turn: min(said.said_s for said, due in pairs if due.turn == turn) for turn in turns}
    for said, due in pairs:
        late_s = max(said.said_s - until_s.get(due.turn, timeline.end_s),
                     first_s[due.turn] - starts[due.turn])  # fmt: skip
        if said.said_s < starts[due.turn] - LABEL_S:
            _count_soon(said, due, starts[due.asked], counts)
        else:
            counts["misplaced"] += late_s > LABEL_S


def _count_soon(said: WrittenResponse, due: Due, asked_s: float, counts: Counter[str]) -> None:
    """Counts a response that is said before it should be."""
    early = said.said_s < over_s(due.response) - LABEL_S
    before = said.said_s < asked_s - LABEL_S
    counts["early"] += early
    counts["before_question"] += before
    counts["misplaced"] += not early and not before


def _count_seconds(
    pairs: Sequence[_Pair],
    matched: Sequence[tuple[WrittenQuestion, Question]],
    asked: Mapping[str, int],
    timeline: Timeline,
    counts: Counter[str],
) -> None:
    """A response has a second of its own, the one in which its turn has begun, or the nearest that
    is free; after the last whole second of the video there is none."""
    starts = timeline.starts
    last = max(0, floor(timeline.end_s + SAME_S) - 1)
    alike: defaultdict[float, set[object]] = defaultdict(set)
    first: dict[str, float] = {}
    for said, due in pairs:
        alike[said.said_s].add((said.text, said.question, said.facts))
        qid = due.response.qid
        first[qid] = min(first.get(qid, last), said.said_s)
    crowded = sum(map(len, alike.values())) > last + 1

    def taken(begin: float, end: float) -> bool:
        return all(second in alike for second in range(int(begin), int(end)))

    for said, due in pairs:
        at, wanted = said.said_s, min(ceil(starts[due.turn] - SAME_S), last)
        nearest = taken(at + 1, last + 1) if at < wanted else taken(wanted, at) and at <= last
        if at < wanted and not nearest:
            _count_soon(said, due, starts[due.asked], counts)
        else:
            counts["misplaced"] += not nearest or not (crowded or len(alike[at]) == 1)
        waiting = due.standby_from(timeline)
        waits = min(ceil(starts[waiting] - SAME_S), at)
        counts["standby_missing"] += said.waits_s > waits
        counts["standby_unfounded"] += said.waits_s < waits
    for written, question in matched:
        second = min(floor(starts[asked[question.qid]] + SAME_S), first.get(question.qid, last))
        if written.second is not None:
            counts["questions_early"] += written.second < second
            counts["questions_late"] += written.second > second
