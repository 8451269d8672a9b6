"""A host that nginx looks up for each request has a resolver to ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import (
    Configuration,
    Directive,
    configurations,
    directives,
)
from tarmac.check.gates.views.servers.nginx_addresses import host_of, is_address, set_in
from tarmac.check.gates.views.servers.nginx_settings import for_all, is_open, is_plain, whole

_PASSES = ("proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass")


class Pass(NamedTuple):
    """A directive with variables that hands requests on."""

    own: Configuration
    directive: Directive
    #: What variables are set to around it, where that is one text.
    known: Mapping[str, str]
    #: Whether it has a resolver, or may have one by what is included.
    is_resolved: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield addresses with variables whose name no resolver is asked for."""
    found = [one for one in _passes(files) if not one.is_resolved]
    if not found or for_all(files, "resolver"):
        return
    named, is_known = _named(files), is_plain(files)
    for one in found:
        text = one.directive.words[1]
        host, port = host_of({**one.known}, text)
        # A group of servers, and what is passed to without variables, is known from the start.
        if not host or is_address(host) or {host, f"{host}{port}"} & named:
            continue
        is_whole = any(top.words[:1] == ("http",) for top in directives(one.own.text))
        what = f"{one.own.name}: {one.directive.words[0]} {text} has a variable, so nginx looks up"
        said = f"{what} {host} for each request, and no resolver is defined: each is answered with"
        where = one.own.where(one.directive.line)
        advice = "502; write a resolver, or a name without a variable"
        yield Finding(where, f"{said} {advice}", warning=not (is_known or is_whole))


@once
def _passes(files: Files) -> Iterator[Pass]:
    for own in configurations(files):
        top = Directive((), 0, whole(directives(own.text)))
        yield from _below(own, top, {}, is_resolved=False)


def _below(
    own: Configuration, block: Directive, known: Mapping[str, str], *, is_resolved: bool
) -> Iterator[Pass]:
    if block.words[:1] == ("stream",):
        return
    here = {**known, **set_in(block)}
    is_known = is_resolved or _has(block, "resolver") or (bool(block.words) and is_open(block))
    for one in block.body:
        if (
            one.words[:1]
            and one.words[0] in _PASSES
            and len(one.words) == 2
            and "$" in one.words[1]
        ):
            yield Pass(own, one, here, is_known)
        elif one.body:
            yield from _below(own, one, here, is_resolved=is_known)


def _has(block: Directive, name: str) -> bool:
    return any(one.words[:1] == (name,) for one in block.body)


def _named(files: Files) -> set[str]:
    """List the groups of servers, and the hosts that are passed to without a variable."""
    found, todo = set[str](), [one for own in configurations(files) for one in directives(own.text)]
    while todo:
        one = todo.pop()
        todo += one.body
        if one.words[:1] == ("upstream",):
            found.add(one.words[-1])
        elif one.words[:1] and one.words[0] in _PASSES and "$" not in one.words[-1]:
            host, port = host_of({}, one.words[-1])
            found.add(f"{host}{port}")
    return found


GATE = Gate(
    id="SRV009",
    title="A host that nginx looks up for each request has a resolver to ask",
    phase="services",
    source="https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass: with variables, "
    "a server is searched among the groups, and else determined using a resolver",
    check=check,
    of_files=check,
    scope=counted_in_files("addresses with variables", _passes),
    targets=(),
    reads="configurations of nginx in files that end in .conf and in ConfigMaps: what is passed to "
    "by variables that are set there. Where a block includes another file, or any file here "
    "defines a resolver for all servers, nothing is told. Judges files without a plan only.",
)
