"""Headers of a server of nginx hold in each of its locations."""

from __future__ import annotations

from collections.abc import Iterator

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
    locations,
)
from tarmac.check.gates.views.servers.nginx_addresses import host_of, is_public, set_in

#: What the program behind is told of a request, in lower case.
_TOLD = frozenset((
    "host", "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
    "x-forwarded-port", "x-forwarded-prefix", "x-scheme", "forwarded",
))  # fmt: skip
#: Headers that keep a page from others, in lower case.
_GUARDS = frozenset((
    "strict-transport-security", "content-security-policy", "x-frame-options",
    "x-content-type-options", "referrer-policy", "permissions-policy",
))  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield locations with a header of their own that lose those of their server."""
    for own, server in _servers(files):
        given = _headers(server) & _GUARDS
        for location in locations(server.body) if given else ():
            has = _headers(location)
            # What is included may write them again, and a redirect shows no page.
            is_open = any(one.words[:1] in (("include",), ("return",)) for one in location.body)
            if has and not is_open and (lost := given - has):
                what = (
                    f"{own.name}: the location {location.words[-1]} has add_header of its own, so"
                )
                advice = (
                    f"its answers lose {', '.join(sorted(lost))} of the server; write them there"
                )
                yield Finding(own.where(location.line), f"{what} {advice}, too")
        yield from _untold(own, server)


def _untold(own: Configuration, server: Directive) -> Iterator[Finding]:
    """Yield locations whose program is not told what those of their server are."""
    told = _headers(server, "proxy_set_header") & _TOLD
    for location in locations(server.body) if told else ():
        has = _headers(location, "proxy_set_header")
        passes = [one.words[1] for one in location.body if _passes(one)]
        is_open = any(one.words[:1] == ("include",) for one in location.body)
        lost = sorted(told - has)
        # What is elsewhere is asked as its clients ask it.
        if has and passes and lost and not is_open and not _is_elsewhere(server, location, passes):
            what = f"{own.name}: the location {location.words[-1]} has proxy_set_header of its own,"
            said = f"{what} so {passes[0]} does not get {', '.join(lost)} of the server"
            why = "Host is the name in proxy_pass then" if "host" in lost else ""
            advice = "; write them there, too"
            yield Finding(own.where(location.line), f"{said}{why and f': {why}'}{advice}")


def _passes(one: Directive) -> bool:
    return one.words[:1] == ("proxy_pass",) and len(one.words) == 2


def _is_elsewhere(server: Directive, location: Directive, passes: list[str]) -> bool:
    known = {**set_in(server), **set_in(location)}
    return any(is_public(host_of(known, one)[0]) for one in passes)


def _headers(block: Directive, name: str = "add_header") -> set[str]:
    """List the headers that a block adds or sets itself."""
    found = (one.words for one in block.body if one.words[:1] == (name,))
    return {words[1].lower() for words in found if len(words) > 1}


@once
def _servers(files: Files) -> Iterator[tuple[Configuration, Directive]]:
    for own in configurations(files):
        for one in directives(own.text):
            below = one.body if one.words[:1] == ("http",) else (one,)
            yield from ((own, block) for block in below if block.words[:1] == ("server",))


GATE = Gate(
    id="SRV002",
    title="Headers of a server of nginx hold in each of its locations",
    phase="security",
    source="https://nginx.org/en/docs/http/ngx_http_headers_module.html#add_header: they are "
    "inherited only where the block has none of its own",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("servers of nginx", _servers),
    reads="configurations of nginx in files that end in .conf and in ConfigMaps: headers that "
    "guard a page, and those that tell the program behind of a request (proxy_set_header). What "
    "`include` brings is not read.",
)
