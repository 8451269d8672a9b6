"""A variable that a program reads, with all that decides its value; the rules share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tarmac.adopt.survey.found import Service
from tarmac.adopt.survey.scene import Scene
from tarmac.adopt.variables import dotenv_files
from tarmac.adopt.variables.variable_read import VariableRead


@dataclass(frozen=True)
class GivenValues:
    """What files of variables say."""

    #: The `.env` beside the system's file, and the example of one.
    dotenv: Mapping[str, str]
    example: Mapping[str, str]
    #: What lies in the program's own folder, and its name: it may well read that itself.
    beside: Mapping[str, str]
    beside_file: str

    def value(self, name: str) -> str | None:
        """Read what a variable is given."""
        return self.dotenv.get(name, self.beside.get(name, self.example.get(name)))

    def is_of_its_own(self, name: str) -> bool:
        """Tell whether it stands in the program's own `.env` alone."""
        return name in self.beside and name not in self.dotenv and self.beside_file == ".env"

    def is_secret(self, name: str) -> bool:
        """Tell whether what a variable holds is private."""
        private = name in self.dotenv or (name in self.beside and self.beside_file == ".env")
        value = self.value(name) or ""
        # A number that an example gives says what the variable is.
        return dotenv_files.is_secret(name, value if private or value.isdigit() else "")


@dataclass(frozen=True)
class Variable:
    """A variable that a program reads."""

    read: VariableRead
    #: What a file gives it.
    given: str | None
    service: Service
    #: The kinds of servers that the program has a client of.
    clients: frozenset[str]
    scene: Scene
    #: All variables that the program reads.
    names: frozenset[str]
    #: It writes an address of its database without a port.
    leaves_port_out: bool
    #: What variables say by the settings that they override.
    about: Mapping[str, str]
    #: The paths that a front end's own server hands on to another one.
    handed_on: frozenset[str] = frozenset()
