"""nginx knows each directive, and takes it where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import directives
from tarmac.check.gates.views.servers.nginx_places import (
    PlacedDirective,
    judged_configurations,
    placed,
)
from tarmac.check.gates.views.servers.nginx_table import names

_TITLES = {"main": "no block", "server-if": "if in server", "location-if": "if in location"}


def check(files: Files) -> Iterator[Finding]:
    """Yield directives that nginx does not know, or not where they are."""
    for own in judged_configurations(files):
        for one in placed(directives(own.text)):
            if said := _fault(one):
                where = own.where(one.directive.line)
                yield Finding(where, f"{own.name}: {said}: nginx does not start")


def _fault(one: PlacedDirective) -> str:
    """Say what is wrong with a directive; "": nothing."""
    name = one.directive.words[0]
    if name not in names():
        near = misspelt(name, names())
        return f"{name} is not a directive (did you mean {near!r}?)" if near else ""
    if one.uses and not one.allowed:
        return f"{name} is not allowed in {one.block or 'no block'}, but in {_places(one)}"
    if one.is_repeated and any(use.is_once for use in one.allowed):
        return f"{name} is there twice in one block; keep one"
    return ""


def _places(one: PlacedDirective) -> str:
    known = {place for use in one.uses for place in use.contexts}
    return ", ".join(sorted(_TITLES.get(place, place) for place in known))


GATE = Gate(
    id="VAL025",
    title="nginx knows its directives, where they are",
    phase="services",
    source="the tables of nginx and its modules, by which `nginx -t` goes",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of nginx", judged_configurations),
    targets=("repository",),
    reads="files and keys of ConfigMaps with blocks of nginx: the names of directives, the block "
    "that each is in, and what is there twice. A name that is like none is passed, since a module "
    "may have it, as are templates and Lua.",
)
