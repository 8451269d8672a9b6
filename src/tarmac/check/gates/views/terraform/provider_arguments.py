"""Which arguments providers of Terraform take, by the releases whose schemas are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.check.gates.views.published import packed

#: What an argument is, by the sign for that; `ANY` is not told.
TEXT, NUMBER, BOOLEAN, LIST, MAP, ANY = "text", "number", "boolean", "list", "map", ""
FORMS = {"": TEXT, "#": NUMBER, "b": BOOLEAN, "[": LIST, "{": MAP, "?": ANY}
AWS = "aws"
#: Numbers of bodies from here on are those of the second file.
_OTHERS = 1_000_000
#: Major releases that get no more minor ones.
_LAST = {(AWS, 5), ("google", 6), ("kubernetes", 2)}


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


class ProviderRelease(NamedTuple):
    """A major release of a provider."""

    provider: str
    major: int
    #: Numbers of bodies, by the type.
    resource: Mapping[str, int]
    data: Mapping[str, int]

    @property
    def is_last(self) -> bool:
        """Whether none of its minor releases has more than is known."""
        return (self.provider, self.major) in _LAST

    def types(self, kind: str) -> Mapping[str, int]:
        """Return its types of `resource` or `data` sources."""
        return self.resource if kind == "resource" else self.data

    def body(self, kind: str, name: str) -> ArgumentBody | None:
        """Find what a type takes; None: this release has none of that name."""
        number = self.types(kind).get(name)
        return None if number is None else body(number)


def provider_of(name: str) -> str:
    """Return the provider that a type is of by its name: `aws` of `aws_lb`."""
    return name.partition("_")[0]


@cache
def releases() -> Mapping[str, tuple[ProviderRelease, ...]]:
    """List the releases that are known, the oldest first, by their provider."""
    found: dict[str, list[ProviderRelease]] = {}
    for one in _releases():
        found.setdefault(one.provider, []).append(one)
    return {name: tuple(sorted(those, key=lambda one: one.major)) for name, those in found.items()}


def _releases() -> Iterator[ProviderRelease]:
    aws = _packed("aws_arguments.xz")
    yield ProviderRelease(AWS, _major(aws), aws["resource"], aws["data"])
    for name, said in _packed("provider_arguments.xz")["providers"].items():
        kinds = [
            {one: number + _OTHERS for one, number in said[kind].items()}
            for kind in ("resource", "data")
        ]
        yield ProviderRelease(name, _major(said), *kinds)


def _major(said: Mapping[str, Any]) -> int:
    return int(str(said["version"]).partition(".")[0])


def types_of(kind: str, provider: str) -> Collection[str]:
    """List the names of all `resource` or `data` types that some release of a provider has."""
    return {name for one in releases()[provider] for name in one.types(kind)}


@cache
def body(number: int) -> ArgumentBody:
    """Find what a block takes, by the number of its body."""
    first = _OTHERS if number >= _OTHERS else 0
    file = "provider_arguments.xz" if first else "aws_arguments.xz"
    found: dict[str, Any] = _packed(file)["blocks"][number - first]
    said = {name: one for name, one in found.items() if isinstance(one, str)}
    return ArgumentBody(
        {name: one[:1] == "!" for name, one in said.items() if one[:1] != "-"},
        frozenset(name for name, one in said.items() if one[:1] == "-"),
        {name: _kind(first, *one) for name, one in found.items() if isinstance(one, list)},
        {name: FORMS[one.lstrip("!-")] for name, one in said.items()},
    )


def _kind(first: int, is_required: int, number: int, most: str = "") -> BlockKind:
    return BlockKind(bool(is_required), number + first, most == "1", not most)


@cache
def _packed(file: str) -> dict[str, Any]:
    found: dict[str, Any] = packed(file)
    return found
