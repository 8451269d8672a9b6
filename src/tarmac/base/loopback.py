"""Addresses that lead to this machine alone: what local servers let in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address

#: A Host header of HTTP (RFC 9110, section 7.2): a name or an address, and maybe a port.
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def is_loopback_address(host: str) -> bool:
    """Tell whether a host is an address of loopback, without brackets; a name is none."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_problem(headers: Sequence[str], *, own: str = "") -> tuple[int, str] | None:
    """Check the Host headers of a request to a local server.

    A page elsewhere may have made another name lead here, so only loopback's names are let in.

    Args:
        headers: the values of all of them.
        own: one more name that is let in.

    Returns:
        The status of the refusal and its reason; None where the request may be answered.
    """
    if len(headers) != 1:
        return 400, "send one Host header"
    found = _HOST.fullmatch(headers[0])
    if not found and headers[0]:
        return 400, "Host is not a host name"
    name = found["name"].strip("[]").lower() if found else ""
    if name and (name in (own, "localhost") or name.endswith(".localhost")):
        return None
    if is_loopback_address(name):
        return None
    return 421, f"host {headers[0][:100]!r} is not this machine's loopback; use http://localhost"
