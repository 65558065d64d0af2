"""The tokens of the three states. A corpus names states; only exported texts hold tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pipeline.records import State, Turn

StateTokensName = Literal["official", "paper", "two_states"]


@dataclass(frozen=True)
class StateTokens:
    """The tokens of the three states."""

    name: StateTokensName
    silence: str
    standby: str
    """Empty where it has none, for dialogues without standby."""
    response: str

    def token(self, state: State) -> str:
        """The token of a state."""
        return str(getattr(self, state))

    def message(self, turn: Turn) -> str:
        """The assistant's message of a turn: the token, and a response's text behind one space."""
        token = self.token(turn.state)
        return f"{token} {turn.text}" if turn.state == "response" else token

    def parse(self, message: str) -> tuple[State, str] | None:
        """State and text of an assistant's message; None where it begins with no token."""
        if message.startswith(self.response):
            return "response", message[len(self.response) :].removeprefix(" ")
        for state in ("silence", "standby"):
            if message.strip() == self.token(state) != "":
                return state, ""
        return None


STATE_TOKENS: Mapping[StateTokensName, StateTokens] = MappingProxyType(
    {
        "official": StateTokens("official", "</Silence>", "</Standby>", "</Response>"),
        "paper": StateTokens("paper", "<Silence>", "<Standby>", "<Response>"),
        "two_states": StateTokens("two_states", "</silence>", "", "</response>"),
    }
)
"""``official``: the repository and the released files of Streamo; ``paper``: arXiv:2512.21334;
``two_states``: Streaming-Train-248K (arXiv:2606.08615) and JoyAI."""


def tokens_of(message: str) -> StateTokens | None:
    """The tokens with one of which an assistant's message begins, if any."""
    return next((t for t in STATE_TOKENS.values() if t.parse(message) is not None), None)
