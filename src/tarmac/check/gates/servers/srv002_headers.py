"""Headers of a server of nginx hold in each of its locations."""

from __future__ import annotations

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


def _headers(block: Directive) -> set[str]:
    """List the headers that a block adds itself."""
    return {one.words[1].lower() for one in block.body if one.words[:1] == ("add_header",)}


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
    scope=counted_in_files("servers of nginx", _servers),
    reads="configurations of nginx in files that end in .conf and in ConfigMaps: headers that "
    "guard a page. What `include` brings is not read.",
)
