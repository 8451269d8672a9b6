"""One request of a journey and what was answered, as they went over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """A request and its response; bodies are text."""

    service: str
    method: str
    #: With its query.
    path: str
    #: Those that the journey itself gave.
    headers: Mapping[str, str]
    body: str
    status: int
    answer: str

    def is_again(self, other: Exchange) -> bool:
        """Whether it asks the same as another: a journey that polls."""
        return self._asked() == other._asked()

    def _asked(self) -> tuple[Any, ...]:
        return self.service, self.method, self.path, dict(self.headers), self.body


@dataclass(frozen=True)
class Recording:
    """What a journey asks before its visits, and in each of some visits."""

    #: Service -> URL.
    urls: Mapping[str, str]
    before: Sequence[Exchange]
    visits: Sequence[Sequence[Exchange]]


def without_polls(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Leave out of several equal requests in a row all but the last."""
    return [
        exchange
        for exchange, following in zip_longest(exchanges, exchanges[1:])
        if following is None or not exchange.is_again(following)
    ]
