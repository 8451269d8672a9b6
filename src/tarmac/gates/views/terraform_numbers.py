"""Numbers and networks in Terraform that no provider takes: assets/terraform_rules.yaml."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tarmac.gates.subject import Files
from tarmac.gates.views.terraform import Setting, settings, sources
from tarmac.gates.views.terraform_rules import terraform_rules

_NUMBER = re.compile(r"-?\d+")
_NETWORK = re.compile(r'"(-?[\d.]+\d/-?\d+)"|"(-\d+[\d.]*/\d+)"')
_WINDOW = re.compile(
    r"((mon|tue|wed|thu|fri|sat|sun):)?\d\d:\d\d-((mon|tue|wed|thu|fri|sat|sun):)?\d\d:\d\d"
)
_EVERYWHERE = 0
_LAST = 65535


def numbers(files: Files) -> Iterator[tuple[str, str]]:
    """Yield numbers and spans of time that a provider refuses."""
    bounds = terraform_rules()["bounds"]
    blocks: dict[tuple[str, ...], dict[str, Setting]] = {}
    for setting in settings(files):
        value = str(setting.value)
        spans = (span for name, span in bounds.items() if fnmatchcase(setting.name, name))
        least, *most = next(spans, (-sys.maxsize,))
        if _NUMBER.fullmatch(value) and (int(value) < least or (most and int(value) > most[0])):
            span = f"{least} to {most[0]}" if most else f"{least} at least"
            yield setting.where, f"{setting.name} is {value}, and must be {span}; correct it"
        if setting.name.endswith("_window") and ":" in value and not _WINDOW.fullmatch(value):
            what = f"{setting.name} is {value}, which is no span of time"
            yield setting.where, f"{what}; write e.g. sun:04:30-sun:05:30"
        if setting.name in ("from_port", "to_port", "protocol", "ip_protocol"):
            blocks.setdefault((setting.file, *setting.path[:-1]), {})[setting.name] = setting
    for block in blocks.values():
        yield from _ports(block)


def _ports(block: dict[str, Setting]) -> Iterator[tuple[str, str]]:
    first, last = block.get("from_port"), block.get("to_port")
    protocol: Any = block.get("protocol") or block.get("ip_protocol") or first or last
    if protocol is None or str(protocol.value) not in ("tcp", "udp", "6", "17"):
        return  # of all protocols, or of one without ports
    found = [one for one in (first, last) if one and _NUMBER.fullmatch(str(one.value))]
    for setting in found:
        is_none = setting is last and setting.value == "0"
        if not 0 <= int(str(setting.value)) <= _LAST or is_none:
            what = f"{setting.name} is {setting.value}, which is no port of {protocol.value}"
            yield setting.where, f"{what}; write one"
    if len(found) == 2:
        least, most = (int(str(one.value)) for one in found)
        if least > most > 0 or least == 0 < most < _LAST:
            yield found[0].where, f"opens the ports {least} to {most}; write those that are meant"


def networks(files: Files) -> Iterator[tuple[str, str]]:
    """Yield texts that look like networks and are none, and subnets that hold every address."""
    for source in sources(files):
        inside = ""
        for number, line in enumerate(str(source.content).splitlines(), 1):
            words = line.partition("#")[0].split()
            if words and words[-1] == "{":
                inside = " ".join(words)
            for found in _NETWORK.findall(line.partition("#")[0]):
                network, where = found[0] or found[1], f"{source.path}:{number}"
                try:
                    size = ipaddress.ip_network(network, strict=False).prefixlen
                except ValueError:
                    yield where, f"{network} is no network; write e.g. 10.0.0.0/16"
                    continue
                name = words[0] if words else ""
                is_own = "subnet" in name or (name == "default" and inside.endswith('cidr" {'))
                if size == _EVERYWHERE and (is_own or name == "cidr"):
                    what = f"{name} is {network}, which holds every address"
                    yield where, f"{what}; write the network that is meant"
