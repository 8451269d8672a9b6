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
    #: The type of a class's field that has no default: the program ends without it.
    kind: str = ""
    #: It is the address that a driver of JDBC is given.
    by_jdbc: bool = False


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


#: What is filled in between the two marks of a text: `{os.getenv('DB')}`, `${process.env.DB}`.
_FILLED_IN = re.compile(r"\$?\{[^{}\n]{0,120}\}")


def place_in(content: str, match: re.Match[str]) -> str:
    """Name what a variable is that follows the login of an address as its end: POSTGRES_PLACE.

    `postgresql://{os.getenv('DB_USER')}:{os.getenv('DB_PASSWORD')}@{os.getenv('DB_URL')}` is told
    a host with its port and the database, whatever the name says; "" for another one.
    """
    begin = max(content.rfind("\n", 0, match.start()) + 1, match.start() - 400)
    opened = content.rfind("{", begin, match.start())
    closed = re.compile(r"[^{}\n]{0,40}\}(?=[\"'`])").match(content, match.end())
    if opened < 0 or closed is None or "}" in content[opened : match.start()]:
        return ""
    before = _FILLED_IN.sub("", content[begin:opened].removesuffix("$"))
    said = _OF_ADDRESS.search(before)
    return f"{said[1].upper()}_PLACE" if said and said[2] == ":@" else ""


#: What is given the address of a database in a program for Java's machine.
_TAKES_JDBC = re.compile(
    r"(?i)jdbc|DriverManager\.getConnection\(|Database\.connect\(|data-?source[.:][^=:]{0,40}url\s*[=:]"
)


def is_of_jdbc(content: str, at: int) -> bool:
    """Tell whether a place is behind what is given an address of JDBC."""
    return bool(_TAKES_JDBC.search(content[max(0, at - 80) : at]))


def is_comment(content: str, at: int) -> bool:
    """Tell whether a place is on a line that is a comment."""
    line = content[content.rfind("\n", 0, at) + 1 : at].lstrip()
    return line.startswith(("#", "//", "*", "/*", "<!--"))
