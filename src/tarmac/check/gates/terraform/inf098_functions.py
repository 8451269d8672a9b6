"""Expressions of Terraform call functions that it has, with as many arguments as they take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import asset
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.tree import children, line_of, tree

#: `2`, `1+`, `2-3`.
_COUNT = re.compile(r"(\d+)(?:(\+)|-(\d+))?")
_SPREAD = "..."
_TABLE = "terraform_functions.yaml"
_ANY = 10**6


class FunctionCall(NamedTuple):
    """A call of a function."""

    where: str
    name: str
    #: None: a list is spread over its arguments.
    given: int | None


def check(files: Files) -> Iterator[Finding]:
    """Yield functions that Terraform does not have, and arguments too few or too many."""
    known, gone = functions(), asset(_TABLE)["gone"]
    for one in _calls(files):
        if one.name not in known:
            near = misspelt(one.name, known)
            advice = f"did you mean {near}?" if near else "write a function that it has"
            advice = f"write {gone[one.name]}" if one.name in gone else advice
            what = f"Terraform has no function {one.name}: it refuses the folder; {advice}"
            # A newer release, or a fork, may have another one.
            yield Finding(one.where, what, warning=not near and one.name not in gone)
        elif one.given is not None:
            least, most = known[one.name]
            if not least <= one.given <= most:
                wanted = f"{least} at least" if most == _ANY else f"{least} to {most}"
                wanted = str(least) if least == most else wanted
                what = f"{one.name}(...) has {one.given} arguments, where it takes {wanted}"
                yield Finding(one.where, f"{what}: Terraform refuses the folder; correct it")


@cache
def functions() -> Mapping[str, tuple[int, int]]:
    """Read how many arguments each function takes: at least, at most."""
    found: dict[str, tuple[int, int]] = {}
    for count, names in asset(_TABLE).items():
        if (said := _COUNT.fullmatch(count)) is not None:
            least = int(said[1])
            most = _ANY if said[2] else int(said[3] or least)
            found |= dict.fromkeys(names, (least, most))
    return found


@once
def _calls(files: Files) -> Iterator[FunctionCall]:
    for source in sources(files):
        found = tree(source.path, str(source.content))
        if not isinstance(found, Finding):
            yield from _below(found, source.path, "")


def _below(node: Any, path: str, block: str) -> Iterator[FunctionCall]:
    """Yield the calls in a tree; types of variables are written like calls."""
    for one in children(node):
        kind = str(one.data)
        if kind == "attribute" and block == "variable" and _first(one) == "type":
            continue
        # A function of a provider begins with that word.
        if kind == "function_call" and not _first(one).startswith("provider"):
            yield FunctionCall(f"{path}:{line_of(one)}", _first(one), _count(one))
        yield from _below(one, path, _first(one) if kind == "block" else block)


def _first(node: Any) -> str:
    return str(next(node.scan_values(lambda _: True)))


def _count(call: Any) -> int | None:
    given = [one for part in children(call) if part.data == "arguments" for one in part.children]
    if any(str(one) == _SPREAD for one in given if not hasattr(one, "children")):
        return None
    return sum(1 for one in given if getattr(one, "data", "") not in ("", "new_line_or_comment"))


GATE = Gate(
    id="INF098",
    title="Functions of Terraform are called as they are",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/functions; `terraform validate` "
    "says the same once its providers are there",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("calls of functions", _calls),
    targets=("cluster",),
    reads="names and numbers of arguments of calls in expressions, beside "
    "assets/terraform_functions.yaml. Functions of providers are left out.",
)
