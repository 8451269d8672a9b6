"""Addresses that lead to this machine alone: what local servers let in."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback_address(host: str) -> bool:
    """Tell whether a host is an address of loopback, without brackets; a name is none."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
