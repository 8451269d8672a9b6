"""nginx tells a server of many names by TLS which of them it asks."""

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
from tarmac.check.gates.views.servers.nginx_addresses import host_of, is_public, set_in
from tarmac.check.gates.views.servers.nginx_settings import for_all, is_open, whole

_SETTING = "proxy_ssl_server_name"


class SecurePass(NamedTuple):
    """A location that hands requests on by TLS, to a name of the public DNS."""

    own: Configuration
    directive: Directive
    host: str
    #: Whether it sends the name, or may do so by what is included.
    is_told: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield addresses by TLS whose server is not told which name is asked."""
    found = [one for one in _passes(files) if not one.is_told]
    if not found or any(one.words[1:] == ("on",) for one in for_all(files, _SETTING)):
        return
    for one in found:
        what = f"{one.own.name}: proxy_pass leads to {one.host} by TLS, and {_SETTING} is off: the"
        said = f"{what} handshake names no host, which a server of several names, as each CDN is,"
        advice = f"refuses, or answers by a wrong certificate: 502; write {_SETTING} on"
        yield Finding(one.own.where(one.directive.line), f"{said} {advice}", warning=True)


@once
def _passes(files: Files) -> Iterator[SecurePass]:
    for own in configurations(files):
        top = Directive((), 0, whole(directives(own.text)))
        yield from _below(own, top, {}, is_told=False)


def _below(
    own: Configuration, block: Directive, known: Mapping[str, str], *, is_told: bool
) -> Iterator[SecurePass]:
    here = {**known, **set_in(block)}
    said = [one.words[-1] for one in block.body if one.words[:1] == (_SETTING,)]
    is_here = said[-1] != "off" if said else is_told
    # What is above the servers of a file is another one's.
    is_here = is_here or (bool(block.words) and is_open(block))
    for one in block.body:
        if one.words[:1] == ("proxy_pass",) and len(one.words) == 2:
            if one.words[1].startswith("https://"):
                host = host_of(here, one.words[1])[0]
                if is_public(host):
                    yield SecurePass(own, one, host, is_here)
        elif one.body and block.words[:1] != ("stream",):
            yield from _below(own, one, here, is_told=is_here)


GATE = Gate(
    id="SRV027",
    title="nginx tells a server of many names which of them it asks",
    phase="services",
    source="https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_server_name: the "
    "name of the server is not passed through TLS unless it is on",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("addresses by TLS", _passes),
    targets=(),
    reads="proxy_pass to names of the public DNS by https, in configurations of nginx. A server "
    "of one name takes such a handshake, too, so all are warnings. Judges files without a plan "
    "only.",
)
