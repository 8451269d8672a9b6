"""A variable that a program reads, as the readers of source code return it."""

from __future__ import annotations

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
