"""Whether what a model wrote is in another language than was asked for.

Models that know several languages drift from one into another. Another script is told by its
letters. Two languages of the Latin script are told by the short words that none of them does
without: that is done for those of ``_SHORT_WORDS`` alone, and finds less in short texts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from pipeline.engines.answer import free_texts

_LATIN: Final = (
    "af az bs ca cs cy da de en es et eu fi fr ga gl hr hu id is it lt lv mg ms mt nb nl nn no pl"
    " pt ro sk sl so sq sv sw tl tr vi"
)
_SCRIPTS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(scripts.split())
    for scripts, languages in {
        "LATIN": _LATIN,
        "CYRILLIC": "be bg kk ky mk ru uk",
        "ARABIC": "ar fa ur",
        "DEVANAGARI": "hi mr ne",
        "CJK": "zh",
        "CJK HIRAGANA KATAKANA": "ja",
        "CJK HANGUL": "ko",
        **{"GREEK": "el", "HEBREW": "he", "THAI": "th", "BENGALI": "bn", "TAMIL": "ta"},
        **{"TELUGU": "te", "GEORGIAN": "ka", "ARMENIAN": "hy"},
    }.items()
    for language in languages.split()
}
"""The scripts of each language, as the names of characters in Unicode begin. Of a language that is
not here, or that is written in several, nothing is judged."""
_DENSE: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})
_LETTERS_A_SIGN: Final = 3
"""A sign of a dense script says about as much as so many letters."""
_LEAST_OWN: Final = 1 / 3
"""Share of a text that its own script has at least: names and words on signs may be in another."""

_SHORT_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "a an the of and to in is are on with at from by his her their its it that while into"
        " up as for he she they",
        "de": "der die das ein eine einen einem einer und ist sind mit auf im am zu den dem von"
        " nach aus er sie sich",
        "fr": "le la les un une des du de et est sont dans avec sur au aux qui il elle",
        "es": "el la los las un una de del y está en con por que su se al",
        "pt": "os um uma de da é está em na com que dos das pelo ao",
        "it": "il lo la gli un una di della del è che nel nella con per si",
        "nl": "de het een en van op met naar aan die zijn hij zij is in",
        "sv": "en ett och är på med som av den det",
        "da": "en et og er på med som af den det til",
        "pl": "się jest na w z po oraz przez",
        "tr": "bir ve ile için bu",
    }.items()
}
_KNOWN_WORDS: Final = frozenset().union(*_SHORT_WORDS.values())
_LEAST_WORDS: Final = 4
_LEAST_OTHER: Final = 2
_WORD: Final = re.compile(r"\w+")

SEEN: Final = "seen"
"""The field in which a model says what it sees before it judges. It is in no corpus."""


def is_foreign(text: str, language: str) -> bool:
    """Whether a text is in another language than this one (a code as ``pt-BR``), as far as that can
    be told: see above."""
    main = language.partition("-")[0]
    return _in_other_script(text, main) or _in_other_words(text, main)


def _in_other_script(text: str, language: str) -> bool:
    """Whether less than a third of a text is in a script of its language."""
    own = _SCRIPTS.get(language)
    if own is None or ("LATIN" in own and text.isascii()):
        return False
    letters = {True: 0, False: 0}
    for sign in text:
        if sign.isalpha():
            script = unicodedata.name(sign, "").partition(" ")[0]
            letters[script in own] += _LETTERS_A_SIGN if script in _DENSE else 1
    return letters[True] < _LEAST_OWN * (letters[True] + letters[False])


def _in_other_words(text: str, language: str) -> bool:
    """Whether a text has twice as many short words of another language as of its own, of those that
    one of the two has alone."""
    words = _WORD.findall(text.casefold())
    own = _SHORT_WORDS.get(language)
    if own is None or len(words) < _LEAST_WORDS:
        return False
    words = [word for word in words if word in _KNOWN_WORDS]
    if own.issuperset(words):  # as nearly always
        return False
    for others_alone, own_alone in _distinct_words(language):
        foreign = [word for word in words if word in others_alone]
        at_home = sum(word in own_alone for word in words)
        if len({*foreign}) >= _LEAST_OTHER and len(foreign) > 2 * at_home:
            return True
    return False


@cache
def _distinct_words(language: str) -> Sequence[tuple[frozenset[str], frozenset[str]]]:
    """For each language, the words that it has alone, and those that this one has alone."""
    own = _SHORT_WORDS[language]
    return [(other - own, own - other) for other in _SHORT_WORDS.values()]


def written(answer: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """The texts of an answer that its model had to word: none of a choice, and not what it sees."""
    return (text for text, _ in free_texts(answer, schema, without=SEEN))
