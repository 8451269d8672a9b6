"""What nginx knows of its directives: assets/nginx_directives.yaml."""

from __future__ import annotations

from functools import cache
from importlib.resources import files as resources
from typing import NamedTuple

import yaml

from tarmac.check.gates.views.servers.nginx import Directive

FILE = resources("tarmac") / "assets" / "nginx_directives.yaml"
_ANY = "any"


class NginxUse(NamedTuple):
    """One way to use a directive."""

    contexts: frozenset[str]
    least: int
    most: int
    numbers: frozenset[int]
    is_block: bool
    #: What its word has to be: flag, time, seconds, size, number, =one|of|several or "".
    value: str
    is_once: bool

    def fits(self, contexts: frozenset[str]) -> bool:
        """Tell whether it may be in one of some blocks."""
        return _ANY in self.contexts or not self.contexts.isdisjoint(contexts)

    def takes(self, number: int) -> bool:
        """Tell whether it takes so many words."""
        return number in self.numbers if self.numbers else self.least <= number <= self.most


@cache
def _table() -> tuple[dict[str, tuple[NginxUse, ...]], frozenset[str]]:
    told = yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    uses = {name: tuple(map(_use, text.split("; "))) for name, text in told["directives"].items()}
    return uses, frozenset(told["others"].split())


def _use(text: str) -> NginxUse:
    contexts, count, *rest = text.split()
    number = count.rstrip("{")
    value = next((word for word in rest if word != "once"), "")
    least, most, numbers = 0, 1000, frozenset[int]()
    if number == "flag":
        least = most = 1
        value = "flag"
    elif number.endswith("+"):
        least = int(number[:-1])
    elif "-" in number:
        least, most = map(int, number.split("-"))
    elif number != "any":
        numbers = frozenset(map(int, number.split(",")))
    known = frozenset(contexts.split(","))
    return NginxUse(known, least, most, numbers, count.endswith("{"), value, "once" in rest)


@cache
def names() -> frozenset[str]:
    """Return all names that nginx, or one of its modules, knows."""
    uses, others = _table()
    return others | uses.keys()


def uses_of(directive: Directive) -> tuple[NginxUse, ...]:
    """List the ways to use a directive of its name; none where no more than the name is known."""
    found = _table()[0].get(directive.words[0], ()) if directive.words else ()
    if directive.words[:1] == ("proxy_pass",) and "://" in "".join(directive.words[1:]):
        return tuple(use._replace(contexts=use.contexts - {"stream-server"}) for use in found)
    return found
