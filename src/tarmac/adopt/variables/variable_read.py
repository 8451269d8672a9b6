"""A variable that a program reads, as the readers of source code return it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class VariableRead:
    """A variable that the program reads."""

    name: str
    #: None: it must be given.
    default: str | None
    #: file:line, from the folder.
    place: str
    #: The code asks whether it is there, or whether it says `true`: absent is an answer.
    is_tested: bool = False
    #: A schema says what it may be, and the program ends without it.
    is_checked: bool = False
    #: The program also reads it from a file of its own, which holds more than an example.
    in_a_file: bool = False
    #: The setting that it overrides, as a variable would be called: what it says by its name.
    about: str = ""


def line_of(content: str, position: int) -> int:
    """Return the line of a position, from 1."""
    return content.count("\n", 0, position) + 1


#: What stands before a variable in the address of a server.
_OF_ADDRESS = re.compile(
    r"\b(mongodb|postgres(?:ql)?|mysql|mariadb|redis|amqp|nats)(?:\+\w+)?://([^\s\"'`]*)$"
)


def part_of_address(content: str, match: re.Match[str]) -> str:
    """Name what a variable is of the address that it stands in: MONGODB_HOST; "" outside of one.

    A name such as MG_HOST in `mongodb://${MG_HOST:localhost}` says nothing by itself.
    """
    line = content[max(content.rfind("\n", 0, match.start()) + 1, match.start() - 200) :]
    begin = _OF_ADDRESS.search(line[: match.start() - len(content) + len(line)])
    if begin is None:
        return ""
    behind = re.match(r"[^\s\"'`]*", content[match.end() : match.end() + 200])
    if behind and "@" in behind[0]:
        part = "PASSWORD" if begin[2] else "USERNAME"
    else:
        before = begin[2].rpartition("@")[2]
        part = "DATABASE" if "/" in before else "PORT" if before.endswith(":") else "HOST"
        part = "" if part == "HOST" and before else part
    return f"{begin[1].upper()}_{part}" if part else ""


def is_comment(content: str, at: int) -> bool:
    """Tell whether a place is on a line that is a comment."""
    line = content[content.rfind("\n", 0, at) + 1 : at].lstrip()
    return line.startswith(("#", "//", "*", "/*", "<!--"))
