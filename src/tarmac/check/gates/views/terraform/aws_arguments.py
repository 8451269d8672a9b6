"""Which arguments AWS' provider for Terraform takes, and which release of it a folder asks for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import packed
from tarmac.check.gates.views.terraform.settings import written_settings

#: The release whose arguments are known.
_MAJOR = 5
_BOUND = re.compile(r"(~>|>=|<=|!=|=|<|>)?\s*v?(\d+)(?:\.(\d+))?")


#: What an argument is, by the sign for that; `ANY` is not told.
TEXT, NUMBER, BOOLEAN, LIST, MAP, ANY = "text", "number", "boolean", "list", "map", ""
FORMS = {"": TEXT, "#": NUMBER, "b": BOOLEAN, "[": LIST, "{": MAP, "?": ANY}


class BlockKind(NamedTuple):
    """A kind of block within another one."""

    is_required: bool
    #: Of its body.
    number: int
    #: There is one of them at most.
    is_one: bool
    #: It is a list of objects, which may be written as such, or as blocks.
    is_argument: bool


class ArgumentBody(NamedTuple):
    """What a block takes."""

    #: Whether each of its arguments is required, by its name.
    arguments: Mapping[str, bool]
    #: What the provider alone sets.
    set_alone: frozenset[str]
    blocks: Mapping[str, BlockKind]
    #: What each argument is: one of FORMS.
    forms: Mapping[str, str]

    @property
    def names(self) -> frozenset[str]:
        """The names that an expression may read of it."""
        return frozenset({*self.arguments, *self.set_alone, *self.blocks})


def body_of(kind: str, name: str) -> ArgumentBody | None:
    """Find what a `resource` or `data` source takes; None: the provider has none of that name."""
    number = _read()[kind].get(name)
    return None if number is None else body(number)


@cache
def body(number: int) -> ArgumentBody:
    """Find what a block takes, by the number of its body."""
    found: dict[str, Any] = _read()["blocks"][number]
    said = {name: one for name, one in found.items() if isinstance(one, str)}
    return ArgumentBody(
        {name: one[:1] == "!" for name, one in said.items() if one[:1] != "-"},
        frozenset(name for name, one in said.items() if one[:1] == "-"),
        {name: _kind(*one) for name, one in found.items() if isinstance(one, list)},
        {name: FORMS[one.lstrip("!-")] for name, one in said.items()},
    )


def _kind(is_required: int, number: int, most: str = "") -> BlockKind:
    return BlockKind(bool(is_required), number, most == "1", not most)


def names_of(kind: str) -> Collection[str]:
    """List the names of all `resource` or `data` types that the provider has."""
    found: dict[str, int] = _read()[kind]
    return found.keys()


@cache
def _read() -> dict[str, Any]:
    found: dict[str, Any] = packed("aws_arguments.xz")
    return found


class AskedReleases:
    """Which releases of the provider folders ask for; a folder that asks for none has any of
    them.
    """

    def __init__(self, files: Files) -> None:
        self._asked = {
            posixpath.dirname(one.file): f"{one.value},"
            for one in written_settings(files)
            if one.path == ("terraform", "required_providers", "aws", "version")
        }
        self._of_any = "".join(self._asked.values())

    def takes_known(self, file: str) -> bool:
        """Tell whether the folder of a file may have the release that is known."""
        return self._allows(file, _MAJOR)

    def takes_newer(self, file: str) -> bool:
        """Tell whether it may have a newer one, with names that are not known."""
        return self._allows(file, _MAJOR + 1)

    def _allows(self, file: str, release: int) -> bool:
        constraint = self._asked.get(posixpath.dirname(file), self._of_any)
        return _allows(constraint, release)


def _allows(constraint: str, release: int) -> bool:
    """Tell whether constraints of versions allow a major release."""
    for sign, written_major, minor in _BOUND.findall(constraint):
        major = int(written_major)
        is_before = sign == "<" and major <= release and minor in ("", "0")
        if is_before or (sign == "<=" and major < release) or (sign == ">" and major > release):
            return False
        if (sign in ("~>", "=", "") and major != release) or (sign == ">=" and major > release):
            return False
    return True
