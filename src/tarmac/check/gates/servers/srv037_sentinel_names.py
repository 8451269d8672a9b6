"""Sentinels that watch a Redis by its name may look names up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import Configuration, written

_MONITOR = re.compile(
    r"^[ \t]*sentinel[ \t]+monitor[ \t]+([\w.-]+)[ \t]+([^\s]+)[ \t]+\d+[ \t]+\d+", re.MULTILINE
)
#: The same in a command that writes it into a file.
_SAID = re.compile(r"\bsentinel monitor ([\w.-]+) ([^\s\"']+) \d+ \d+")
#: An address, or what is filled in before the server reads it.
_ADDRESS = re.compile(r"[\d.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*|.*[$%{}<>@].*|[A-Z][A-Z0-9_]+")
_RESOLVES = re.compile(r"resolve-hostnames[\"',\s]+yes")
#: Versions that look up each name when they read it.
_OLD = re.compile(
    r"(?:.*/)?redis(?:-sentinel)?:(?:[2-5](?:\.[\w.]+)?|6\.[01](?:\.[\w.]+)?)(?:[-@].*)?"
)
_REDIS = re.compile(r"(?:.*/)?(?:redis|valkey|redis-sentinel)(?:[:@].*)?")


def check(files: Files) -> Iterator[Finding]:
    """Yield names for which a sentinel does not start."""
    configurations, commands = [*_files(files)], [*_written(files)]
    is_asked = configurations or commands
    told = " ".join(_told(files)) if is_asked else ""
    images = {*_images(files)} if is_asked else set()
    if _RESOLVES.search(told) or any(map(_OLD.fullmatch, images)):
        return
    for own in configurations:
        if _RESOLVES.search(own.text):
            continue
        for found in _MONITOR.finditer(own.text):
            if not _ADDRESS.fullmatch(found[2]):
                what = f"the sentinel watches {found[1]} by the name {found[2]}, and takes only"
                said = f"{what} addresses while resolve-hostnames is off: it does not start"
                line = own.text.count("\n", 0, found.start()) + 1
                advice = "write `sentinel resolve-hostnames yes` above"
                yield Finding(own.where(line), f"{said}; {advice}", warning=not images)
                break
    for service, found in commands:
        if not _ADDRESS.fullmatch(found[2]):
            what = f"service {service.name} has a sentinel watch {found[1]} by the name {found[2]},"
            said = f"{what} and it takes only addresses while resolve-hostnames is off: it does not"
            key = "command" if dig(service.data, "command") else "entrypoint"
            advice = "start; write `sentinel resolve-hostnames yes` above"
            yield Finding(service.at(key), f"{said} {advice}")


def _told(files: Files) -> Iterator[str]:
    """Yield what containers are started with, which may have the setting."""
    for service in compose_services(files):
        yield str(service.data)
    for own in pods(files):
        yield from (" ".join(container.words) for container in own.containers)


def _images(files: Files) -> Iterator[str]:
    found = [str(one.image) for one in compose_services(files) if one.image]
    found += [container.image for own in pods(files) for container in own.containers]
    yield from (image for image in found if _REDIS.fullmatch(image))


def _judged(files: Files) -> Iterator[object]:
    yield from _files(files)
    yield from _written(files)


def _written(files: Files) -> Iterator[tuple[ComposeService, re.Match[str]]]:
    """Yield services of Redis whose command writes such settings, with the first watch of each."""
    for service in compose_services(files):
        told = (dig(service.data, key) for key in ("entrypoint", "command"))
        text = "\n".join(line for one in told for line in texts(one))
        found = _SAID.search(text) if _REDIS.fullmatch(service.image or "") else None
        if found is not None:
            yield service, found


def _files(files: Files) -> Iterator[Configuration]:
    yield from written(files, lambda path: path.endswith((".conf", ".conf.template")), _MONITOR)


GATE = Gate(
    id="SRV037",
    title="Sentinels that watch a Redis by its name may look names up",
    phase="services",
    source="https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#ip-addresses-"
    "and-dns-names: since 6.2 names are refused while resolve-hostnames is off, as it is by itself",
    check=check,
    of_files=check,
    scope=counted_in_files("settings of sentinels", _judged),
    targets=(),
    reads="`sentinel monitor` in files, ConfigMaps and commands of Compose services, beside "
    "what containers are started with and the versions of their images. Judges files without a "
    "plan only.",
)
