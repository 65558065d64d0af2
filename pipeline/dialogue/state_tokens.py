"""How the three states are spelled as tokens. The corpus names states; texts spell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pipeline.records import State, Turn

SpellingName = Literal["official", "paper"]


@dataclass(frozen=True)
class Spelling:
    """The tokens of the three states."""

    name: SpellingName
    silence: str
    standby: str
    response: str

    def token(self, state: State) -> str:
        """The token of a state."""
        return str(getattr(self, state))

    def said(self, turn: Turn) -> str:
        """What the assistant says in a turn: the token, and the text behind one space."""
        token = self.token(turn.state)
        return f"{token} {turn.text}" if turn.state == "response" else token

    def read(self, said: str) -> tuple[State, str] | None:
        """State and text of what the assistant says; None where it begins with no token."""
        if said.startswith(self.response):
            return "response", said[len(self.response) :].removeprefix(" ")
        for state in ("silence", "standby"):
            if said.strip() == self.token(state):
                return state, ""
        return None


SPELLINGS: Mapping[SpellingName, Spelling] = MappingProxyType(
    {
        "official": Spelling("official", "</Silence>", "</Standby>", "</Response>"),
        "paper": Spelling("paper", "<Silence>", "<Standby>", "<Response>"),
    }
)
"""``official``: the repository and the released files of Streamo; ``paper``: arXiv:2512.21334."""


def spelling_of(said: str) -> Spelling | None:
    """The spelling in which something the assistant says begins with a token, if there is one."""
    return next((s for s in SPELLINGS.values() if s.read(said) is not None), None)
