"""Calls of Python's clients that are told a server's place by keywords: `Redis(host="localhost")`.

`named_servers` asks; which server it is, where the call does not say so, is told there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.adopt.variables.variable_read import is_comment

_CALL = re.compile(
    r"(?<![\w.])([\w.]*(?:Redis|MongoClient|MotorClient|connect|Connection|create_pool))"
    r"\(([^()]{0,800})\)"
)
_KEYWORD = re.compile(r"(?:^|,)\s*(\w+)\s*=\s*(?:['\"]([^'\"\n]*)['\"]|(\d+))\s*(?=,|#|$)")
#: What a call or its module says of the server.
_KINDS = {
    r"Redis$": "redis",
    r"M(?:ongo|otor)Client$": "mongodb",
    r"(?i)psycopg|asyncpg|pg8000|aiopg": "postgres",
    r"(?i)mysql": "mysql",
}


class Call(NamedTuple):
    """A call of a client, with what it is told in plain words."""

    position: int
    #: The server's kind; "" where the call does not say it.
    kind: str
    told: dict[str, str]


def calls(text: str) -> Iterator[Call]:
    """Yield the calls that have a host in plain words."""
    for match in _CALL.finditer(text):
        said = re.sub(r"#[^\n'\"]*$", "", match[2], flags=re.MULTILINE)
        told = {name: value or number for name, value, number in _KEYWORD.findall(said)}
        if "host" in told and not is_comment(text, match.start()):
            kinds = (kind for words, kind in _KINDS.items() if re.search(words, match[1]))
            yield Call(match.start(), next(kinds, ""), told)
