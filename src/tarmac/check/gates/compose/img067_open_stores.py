"""Stores without a password are not open to every network of the host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: Files by their name or folder for what is not a developer's machine.
_LIVE = re.compile(r"(?i)(^|[/._-])(prod|production|live|deploy|deployment|staging)([/._-])")


def check(files: Files) -> Iterator[Finding]:
    """Yield stores that any host may reach and that ask for nothing."""
    for service, (title, asks) in _stores(files):
        variables = " ".join(service.variables)
        told = " ".join([*words(service, "entrypoint"), *words(service), variables])
        if re.search(asks, told) or dig(service.data, "network_mode"):
            continue
        for number, entry in enumerate(listed(dig(service.data, "ports"))):
            if _is_open(entry):
                what = f"service {service.name} publishes {title} without a password on every"
                said = (
                    f"{what} address of the host, past its firewall: a host that reaches it reads"
                )
                advice = "and writes all of it; remove the port, or write 127.0.0.1: before it"
                yield Finding(service.at("ports", number), f"{said} {advice}", warning=True)


def _is_open(entry: Any) -> bool:
    """Tell whether a port is published on all addresses."""
    if isinstance(entry, Mapping):
        return "published" in entry and "host_ip" not in entry
    written = str(entry)
    return ":" in written and "$" not in written and not re.match(r"\d+\.\d+\.\d+\.\d+:", written)


@once
def _stores(files: Files) -> Iterator[tuple[ComposeService, tuple[str, str]]]:
    """Yield the stores of files that are by their name for a live system."""
    for service in compose_services(files):
        known = published("open_stores")["images"].get(official(service))
        if known is not None and _LIVE.search(f"/{service.artifact.path}"):
            yield service, (known["title"], known["asks"])


GATE = Gate(
    id="IMG067",
    title="Stores without a password are not open to every network",
    phase="containers",
    source="https://docs.docker.com/engine/network/packet-filtering-firewalls/#docker-and-ufw: "
    "published ports are open before the firewall's own rules; https://redis.io/docs/latest/"
    "operate/oss_and_stack/management/security",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("stores of a live system", _stores),
    targets=("compose",),
    reads="published ports of Redis, Valkey, MongoDB and Memcached in Compose files whose name or "
    "folder is for production, staging or a deployment. What is before the host is not known, so "
    "all are warnings.",
)
