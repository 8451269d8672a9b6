"""Terraform settings expose and lose nothing: public databases, missing backups, open ports."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files as packaged
from typing import Any

import yaml

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.filled import filled_sources, sources
from tarmac.check.gates.views.terraform.settings import Setting, settings
from tarmac.check.gates.views.terraform.terragrunt import declares_variables
from tarmac.check.gates.views.terraform.undeclared import undeclared

FILE = packaged("tarmac") / "assets" / "terraform_rules.yaml"
_OPEN = re.compile(r"""["'](0\.0\.0\.0/0|::/0)["']""")
#: Ports that the internet may be let in by.
_PUBLIC = frozenset({"80", "443"})
_NUMBER = re.compile(r"-?\d+")
#: What begins with a point is a part, which a template puts behind another one. A length has three
#: digits at most; what has more is a page, or a part of an address.
_NETWORK = re.compile(r'"(-?\d+\.[\d.]*/-?\d{1,3})"|"(-\d+[\d.]*/\d{1,3})"')
_WINDOW = re.compile(
    r"((mon|tue|wed|thu|fri|sat|sun):)?\d\d:\d\d-((mon|tue|wed|thu|fri|sat|sun):)?\d\d:\d\d",
    re.IGNORECASE,
)
_MARKER = "expired_object_delete_marker"
_EVERYWHERE, _LAST = 0, 65535


def check(files: Files) -> Iterator[Finding]:
    """Yield settings that expose or lose data, open ports, and undeclared variables."""
    for find in (dangers, opened):
        for where, what in find(files):
            yield Finding(where, what, warning=True)
    declared = () if declares_variables(files) else (undeclared,)
    for find in (*declared, numbers, networks):
        for where, what in find(files):
            yield Finding(where, what, warning="every address" in what)


def numbers(files: Files) -> Iterator[tuple[str, str]]:
    """Yield numbers and spans of time that a provider refuses."""
    blocks: dict[tuple[str, ...], dict[str, Setting]] = {}
    found = list(settings(files))
    # With a marker of its own, an expiration has 0 days.
    markers = {(*one.path[:-1], "days") for one in found if one.name == _MARKER}
    for setting in found:
        value = str(setting.value)
        least, *most = _span(".".join(setting.path[-2:]))
        is_number = _NUMBER.fullmatch(value) and setting.path not in markers
        if is_number and (int(value) < least or (most and int(value) > most[0])):
            span = f"{least} to {most[0]}" if most else f"at least {least}"
            yield setting.where, f"{setting.name} is {value}; must be {span}"
        if setting.name.endswith("_window") and ":" in value and not _WINDOW.fullmatch(value):
            what = f"{setting.name} is {value}, which is not a time window"
            yield setting.where, f"{what}; write e.g. sun:04:30-sun:05:30"
        if setting.name in ("from_port", "to_port", "protocol", "ip_protocol"):
            blocks.setdefault((setting.file, *setting.path[:-1]), {})[setting.name] = setting
    for block in blocks.values():
        yield from _ports(block)


@cache
def _span(path: str) -> tuple[int, ...]:
    """Give the least value of a number, and the most where it has one, by the end of its path."""
    bounds, own = terraform_rules()["bounds"].items(), f".{path}"
    return next((tuple(of) for at, of in bounds if fnmatchcase(own, f"*.{at}")), (-sys.maxsize,))


def _ports(block: dict[str, Setting]) -> Iterator[tuple[str, str]]:
    first, last = block.get("from_port"), block.get("to_port")
    protocol: Any = block.get("protocol") or block.get("ip_protocol") or first or last
    if protocol is None or str(protocol.value) not in ("tcp", "udp", "6", "17"):
        return  # of all protocols, or of one without ports
    found = [one for one in (first, last) if one and _NUMBER.fullmatch(str(one.value))]
    for setting in found:
        is_none = setting is last and setting.value == "0"
        if not 0 <= int(str(setting.value)) <= _LAST or is_none:
            what = f"{setting.name} is {setting.value}, which is not a port of {protocol.value}"
            yield setting.where, f"{what}; write one"
    if len(found) == 2:
        least, most = (int(str(one.value)) for one in found)
        if least > most > 0 or least == 0 < most < _LAST:
            yield (
                found[0].where,
                f"opens the ports {least} to {most}; open only those that are used",
            )


def networks(files: Files) -> Iterator[tuple[str, str]]:
    """Yield texts that look like networks and are none, and subnets that hold every address."""
    for source in sources(files):
        inside = ""
        for number, line in enumerate(str(source.content).splitlines(), 1):
            words = line.split()
            if words and words[-1] == "{":
                inside = " ".join(words)
            for found in _NETWORK.findall(line.partition("#")[0]):
                network, where = found[0] or found[1], f"{source.path}:{number}"
                try:
                    size = ipaddress.ip_network(network, strict=False).prefixlen
                except ValueError:
                    yield where, f"{network} is not a network; write e.g. 10.0.0.0/16"
                    continue
                name = words[0] if words else ""
                is_own = "subnet" in name or (name == "default" and inside.endswith('cidr" {'))
                if size == _EVERYWHERE and (is_own or name == "cidr"):
                    what = f"{name} is {network}, which is every address"
                    yield where, f"{what}; write the intended network"


@cache
def terraform_rules() -> Any:
    """Read all of them."""
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)


def dangers(files: Files) -> Iterator[tuple[str, str]]:
    """Yield where a setting exposes or loses something, and how."""
    refused, needed = terraform_rules()["refused"], terraform_rules()["needed"]
    said: dict[tuple[str, ...], dict[str, str]] = {}
    for setting in settings(files):
        rule = refused.get(setting.name)
        if rule and setting.value in rule["values"]:
            yield setting.where, f"{setting.name} is {setting.value}: {rule['why']}; change it"
        if setting.path[0] == "resource" and len(setting.path) > 3:
            # A block that is written by a loop is there, too.
            own = setting.path[4 if setting.path[3] == "dynamic" else 3]
            said.setdefault((setting.file, *setting.path[1:3]), {})[own] = setting.where
    for (_, kind, name), found in said.items():
        for key in needed.get(kind, ()):
            if key not in found:
                where = next(iter(found.values()))
                yield where, f"{kind} {name} has no {key}: {refused[key]['why']}; write it"


def opened(files: Files) -> Iterator[tuple[str, str]]:
    """Yield rules that let the internet in by other ports than those of the web."""
    for source in filled_sources(files):
        ports: set[str] = set()
        inside = ""
        for number, line in enumerate(source.filled.splitlines(), 1):
            words = line.split("#")[0].split()
            if words and words[-1] == "{":
                inside, ports = words[0], set()
            elif len(words) == 3 and words[0] in ("from_port", "to_port"):
                ports.add(words[2])
            if inside == "ingress" and _OPEN.search(line) and not ports <= _PUBLIC:
                named = ", ".join(sorted(ports))
                yield (
                    f"{source.path}:{number}",
                    f"allows ingress from the internet on port {named}; name peers",
                )


GATE = Gate(
    id="INF004",
    title="Terraform settings expose no service to the internet and lose no data",
    phase="infrastructure",
    source="https://registry.terraform.io/providers/hashicorp/aws: `apply` carries out what is "
    "written, and a database that was public for a minute has been scanned",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("Terraform files", sources),
    reads="settings and bounds of assets/terraform_rules.yaml, networks, ports and addresses of "
    "`ingress` blocks, and `var.` beside the variables of the folder. How a module uses "
    "its inputs is not followed.",
)
