"""What nginx is to give to some addresses alone, it gives to no others."""

from __future__ import annotations

from collections.abc import Iterator
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

_BLOCKS = ("http", "server", "location", "limit_except", "stream")
#: What else decides over a request in a block, and what does so in those below, too.
_HERE = ("include", "return", "if")
_BELOW = ("auth_basic", "auth_request", "auth_jwt", "satisfy")


class AccessBlock(NamedTuple):
    """A block that allows some addresses."""

    own: Configuration
    #: For a reader: `location /admin/`.
    title: str
    allowed: tuple[Directive, ...]
    #: Whether something else may decide, too.
    is_open: bool
    refuses: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield blocks that allow some addresses and refuse no other."""
    for one in _guarded(files):
        first = one.allowed[0]
        address = " ".join(first.words[1:2])
        if not one.refuses and not one.is_open:
            what = f"{one.own.name}: {one.title} allows {address} and refuses no other address: all"
            advice = "are allowed, as without it; write `deny all;` behind it"
            yield Finding(one.own.where(first.line), f"{what} {advice}")


@once
def _guarded(files: Files) -> Iterator[AccessBlock]:
    for own in configurations(files):
        yield from _below(own, directives(own.text), is_open=False)


def _below(
    own: Configuration, found: tuple[Directive, ...], *, is_open: bool
) -> Iterator[AccessBlock]:
    for block in found:
        if block.words[:1] == () or block.words[0] not in _BLOCKS:
            continue
        words = {one.words[0] for one in block.body if one.words}
        here = is_open or bool(words & {*_HERE, *_BELOW})
        allowed = tuple(one for one in block.body if one.words[:1] == ("allow",))
        if allowed and not any(one.words[1:2] == ("all",) for one in allowed):
            yield AccessBlock(own, " ".join(block.words), allowed, here, "deny" in words)
        yield from _below(own, block.body, is_open=is_open or bool(words & set(_BELOW)))


GATE = Gate(
    id="SRV003",
    title="What nginx is to give to some addresses alone, it gives to no others",
    phase="security",
    source="https://nginx.org/en/docs/http/ngx_http_access_module.html: an address that no rule "
    "names is allowed, and a block with rules of its own has those alone",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("blocks with allowed addresses", _guarded),
    reads="allow and deny of blocks in configurations of nginx in files that end in .conf and in "
    "ConfigMaps. Where an include, a return or a login may decide as well, nothing is told.",
)
