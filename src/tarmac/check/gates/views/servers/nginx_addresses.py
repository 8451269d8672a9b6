"""Addresses that nginx hands requests on to, with the variables that are set around them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from tarmac.check.gates.views.servers.nginx import Directive

_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
#: The host and port of an address, whose path may be anything.
_ADDRESS = re.compile(
    r"(?:[a-z]+://)?([A-Za-z0-9][\w.-]*)(?:(:(?:\d+|\$\w+))(?:[/$?].*)?|(?:[/?]|\$(?:request_)?uri).*)?"
)
#: What is filled in before nginx reads it.
_FILLED = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}|\{\{|%\w+%|<\w+>")
_BRANCHES = ("if", "limit_except")
#: Ends of names that are of one network alone.
_OWN = frozenset((
    "local", "internal", "svc", "cluster", "lan", "localdomain", "localhost", "test", "home",
    "corp", "intranet", "private", "consul", "docker", "arpa", "invalid", "onion", "intern",
))  # fmt: skip
_PUBLIC = re.compile(r"(?:[A-Za-z0-9_](?:[\w-]*\w)?\.)+([A-Za-z]{2,24})")


def set_in(block: Directive) -> dict[str, str]:
    """List the variables that a block sets; "" for one that is set to several texts."""
    found: dict[str, str] = {}
    branches = [one for one in block.body if one.words[:1] and one.words[0] in _BRANCHES]
    for one in (*block.body, *(below for branch in branches for below in branch.body)):
        if one.words[:1] == ("set",) and len(one.words) == 3:
            name, value = one.words[1].lstrip("$"), one.words[2]
            found[name] = value if found.get(name, value) == value else ""
    return found


def host_of(known: Mapping[str, str], text: str) -> tuple[str, str]:
    """Find the host of an address once its variables are filled in; "" where it is not known."""
    for _ in range(3):
        if _FILLED.search(text):
            return "", ""
        text = _VARIABLE.sub(lambda found: known.get(found[1] or found[2]) or found[0], text)
    found = _ADDRESS.fullmatch(text)
    return (found[1], found[2] or "") if found is not None and found[1] != "unix" else ("", "")


def is_public(host: str) -> bool:
    """Tell whether a host is a name of the public DNS: not an address, and not of one network."""
    found = _PUBLIC.fullmatch(host)
    return found is not None and not _OWN & {part.lower() for part in host.split(".")[1:]}


def is_address(host: str) -> bool:
    """Tell whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
