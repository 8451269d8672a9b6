"""Locations of nginx and their aliases end alike: else one leads beside its folder."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import (
    Configuration,
    Directive,
    configurations,
    directives,
    locations,
)

#: The address of a server with a path that ends with a slash.
_PASSED = re.compile(r"https?://[^/$]+(/|/[^$]*/)")

#: Where the path is written again, or comes from nginx itself.
_OTHERWISE = (("rewrite",), ("internal",))
#: A path that programs ask for as it is, to learn how a server is.
_CHECK = re.compile(r"/(?:health\w*|live\w*|ready\w*|ping|status|metrics)$")


def check(files: Files) -> Iterator[Finding]:
    """Yield aliases by which a request leaves their folder, and paths with two slashes."""
    yield from _passed(files)
    for own, location, alias in _aliases(files):
        path, folder = location.words[-1], alias.words[1]
        what = f"{own.name}: the location {path} has the alias {folder}"
        if folder.endswith("/") and not path.endswith("/"):
            above = folder.rstrip("/").rpartition("/")[0]
            said = f"{what}: {path}../ leads to {above}/, so anyone may read what is beside it"
            yield Finding(own.where(location.line), f"{said}; write location {path}/")
        elif path.endswith("/") and not folder.endswith("/") and path != "/":
            said = f"{what}: {path}a is sought at {folder}a; write alias {folder}/"
            yield Finding(own.where(alias.line), said)


def _passed(files: Files) -> Iterator[Finding]:
    """Yield locations whose rest is put behind a slash, and begins with one."""
    for own in configurations(files):
        asked = set(_asked(directives(own.text)))
        for location in locations(directives(own.text)):
            is_prefix = len(location.words) == 2 or location.words[1:-1] == ("^~",)
            path = location.words[-1] if is_prefix else "/"
            is_whole = (
                path in asked
                or bool(_CHECK.search(path))
                or any(one.words[:1] in _OTHERWISE for one in location.body)
            )
            is_left = is_whole or path.endswith("/") or "$" in path
            for one in location.body if not is_left else ():
                found = _PASSED.fullmatch(one.words[1]) if one.words[0] == "proxy_pass" else None
                if found is not None and len(one.words) == 2:
                    what = (
                        f"{own.name}: the location {path} passes {path}/a on as {found[1]}/a, with"
                    )
                    said = f"{what} two slashes; write location {path}/"
                    yield Finding(own.where(location.line), said)


def _asked(own: tuple[Directive, ...]) -> Iterator[str]:
    """Yield the paths that nginx itself asks for, as they are: nothing is behind them."""
    for one in own:
        if one.words[:1] in (("auth_request",), ("mirror",)):
            yield from one.words[1:]
        yield from _asked(one.body)


def _aliases(files: Files) -> Iterator[tuple[Configuration, Directive, Directive]]:
    """Yield the aliases of locations that take all below a path."""
    for own in configurations(files):
        for location in locations(directives(own.text)):
            is_prefix = len(location.words) == 2 or location.words[1:-1] == ("^~",)
            for one in location.body if is_prefix else ():
                is_plain = len(one.words) == 2 and not set("${<") & set("".join(one.words))
                if one.words[:1] == ("alias",) and is_plain and "$" not in location.words[-1]:
                    yield own, location, one


def _judged(files: Files) -> Iterator[Directive]:
    for own in configurations(files):
        yield from locations(directives(own.text))


GATE = Gate(
    id="SRV001",
    title="A location of nginx and its alias end alike",
    phase="security",
    source="https://nginx.org/en/docs/http/ngx_http_core_module.html#alias: the alias stands for "
    "the location's path, and what follows is put behind it, ../ as well",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("locations", _judged),
    reads="configurations of nginx in files that end in .conf and in ConfigMaps: `alias` and "
    "proxy_pass in locations that are the beginning of a path.",
)
