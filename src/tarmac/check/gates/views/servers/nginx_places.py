"""Where each directive of nginx is: which block is in which, and what is a configuration of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.servers.nginx import (
    Configuration,
    Directive,
    configurations,
    directives,
)
from tarmac.check.gates.views.servers.nginx_table import NginxUse, names, uses_of

#: What another program fills in first, and another language.
_TEMPLATE = re.compile(r"\{\{|\{%|<%|@@|_by_lua|^[ \t]*[%@]\w", re.MULTILINE)
#: What each block is, by what is around it.
_INSIDE = {
    "http": {"main": "http"},
    "events": {"main": "events"},
    "stream": {"main": "stream"},
    "mail": {"main": "mail"},
    "server": {"http": "server", "stream": "stream-server", "mail": "mail-server"},
    "upstream": {"http": "upstream", "stream": "stream-upstream"},
    "location": {"server": "location", "location": "location"},
    "if": {"server": "server-if", "location": "location-if"},
    "limit_except": {"location": "limit_except"},
}


class PlacedDirective(NamedTuple):
    """A directive, and where it is."""

    directive: Directive
    #: The block that it is in, by its name; "" for none.
    block: str
    #: The ways to use it that nginx has, and those of them that it has there.
    uses: tuple[NginxUse, ...]
    allowed: tuple[NginxUse, ...]
    #: Whether one of its name is before it in the same block.
    is_repeated: bool


@once
def judged_configurations(files: Files) -> Iterator[Configuration]:
    """Yield the configurations that are of nginx, and that no other program fills in first."""
    for own in configurations(files):
        if not _TEMPLATE.search(own.text) and _is_known(directives(own.text)):
            yield own


def _is_known(text: tuple[Directive, ...]) -> bool:
    """Tell whether most of what a ; ends is of nginx: Logstash has such blocks as well."""
    ended = [one.directive.words[0] for one in placed(text) if not one.directive.is_block]
    known = sum(word in names() for word in ended)
    return known > 0 and 2 * known >= len(ended)


def placed(text: tuple[Directive, ...]) -> Iterator[PlacedDirective]:
    """Yield the directives of a configuration, those in blocks among them."""
    is_whole = any(one.is_block and one.words in (("http",), ("events",)) for one in text)
    everywhere = {"main"} | {one for found in _INSIDE.values() for one in found.values()}
    # A part may be included in any block.
    yield from _placed(text, frozenset({"main"} if is_whole else everywhere), "")


def _placed(
    block: tuple[Directive, ...], here: frozenset[str], title: str
) -> Iterator[PlacedDirective]:
    seen = set[str]()
    for one in block:
        if one.words:
            uses = uses_of(one)
            allowed = tuple(use for use in uses if use.fits(here))
            yield PlacedDirective(one, title, uses, allowed, one.words[0] in seen)
            seen.add(one.words[0])
            if within := _inside(one, here):
                yield from _placed(one.body, within, one.words[0])


def _inside(block: Directive, outer: frozenset[str]) -> frozenset[str]:
    """Tell what kind of block one is; nothing where no directives are in it."""
    made = _INSIDE.get(block.words[0] if block.words else "", {})
    found = frozenset(one for before, one in made.items() if before in outer)
    votes = {one: sum(_fits(inner, one) for inner in block.body) for one in found}
    return frozenset(one for one in found if votes[one] == max(votes.values()))


def _fits(directive: Directive, context: str) -> bool:
    return any(use.fits(frozenset({context})) for use in uses_of(directive))
