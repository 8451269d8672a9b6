"""A client's address behind trusted proxies, and the household by which limits count it.

Used by the gateway and by services that count what one address does. Pure functions over raw
header lists; nothing is resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator

Networks = Sequence[IPv4Network | IPv6Network]


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read a list as TRUSTED_PROXIES has it, separated by commas; ValueError for a wrong entry."""
    return tuple(ip_network(entry) for entry in text.replace(",", " ").split())


def _checked(text: str) -> str:
    parse_networks(text)
    return text


#: A setting that is such a list: refused where an entry is no network, and kept as it is written.
NetworkList = Annotated[str, AfterValidator(_checked)]


def client_address(peer: str, headers: Iterable[tuple[bytes, bytes]], proxies: Networks) -> str:
    """Tell a client's address: the peer, or behind trusted proxies the last one they did not add.

    Without TRUSTED_PROXIES nothing that a client sends is believed.
    """
    if not is_within(peer, proxies):
        return peer
    for hop in reversed(forwarded_hops(headers)):
        if not _is_address(hop):
            return peer
        if not is_within(hop, proxies):
            return hop
    return peer


def household(address: str) -> str:
    """Return the household of an address: with IPv6 one household has 2^64 of them, its /64."""
    found = _parsed(address)
    if found is None or isinstance(found, IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, 64), strict=False))


def forwarded_hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """List the addresses in X-Forwarded-For, the client's own claim first."""
    return [
        hop.strip()
        for key, value in headers
        if key.lower() == b"x-forwarded-for"
        for hop in value.decode("latin-1").split(",")
    ]


def is_within(address: str, networks: Networks) -> bool:
    """Return whether the text is an address in one of the networks."""
    found = _parsed(address) if networks else None
    return found is not None and any(found in network for network in networks)


def _is_address(text: str) -> bool:
    return _parsed(text) is not None


# The same few addresses come with every request: a proxy's, a visitor's.
@lru_cache(maxsize=1024)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None
