"""What is wrong with a service of a Compose file, beside the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.errors import did_you_mean
from tarmac.gates.views.compose import ComposeService
from tarmac.gates.views.compose_containers import Fault, own_faults
from tarmac.gates.views.compose_files import ComposeFiles, called, named, waited_for
from tarmac.gates.views.reading import dig, fields, places

CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
_SECRET = re.compile(r"/run/secrets/([\w.-]+)")
#: Names that Docker gives, and those of networks.
_OWN = ("default", "host", "none", "bridge")


def faults(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    """Yield where a service is wrong, and how."""
    if not isinstance(service.data, Mapping):
        return
    same = [one.data for one in beside.services if one.name == service.name]
    has_program = any({"image", "build", "extends"} & fields(one).keys() for one in same)
    if beside.is_whole and not has_program:
        yield (), "has neither an image nor a build, so nothing runs; write one"
    elif dig(service.data, "build") == {}:
        yield ("build",), "is built of nothing; write `context`"
    yield from _declared(service, beside)
    yield from _waits(service, beside)
    yield from own_faults(service)


def _declared(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    own = set()
    for path, key, name in named(service):
        own.add((key, name))
        known = beside.declared(key)
        if name not in known and name not in _OWN and beside.is_whole:
            advice = did_you_mean(name, known) if known else f"declare it under `{key}`"
            yield path, f"names {key.removesuffix('s')} {name}, which no file declares; {advice}"
    for path, text in places(service.data):
        for name in _SECRET.findall(text):
            if ("secrets", name) not in own and "volumes" not in path:
                yield path, f"reads /run/secrets/{name}, and has no secret {name}; add it"


def _waits(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    others = {one.name: one for one in beside.services}
    waits = waited_for(service)
    for name, how in waits.items():
        condition = fields(how).get("condition")
        if name not in others and beside.is_whole:
            what = f"waits for {name}, which is no service here"
            yield ("depends_on",), f"{what}; {did_you_mean(name, others)}"
        elif condition not in CONDITIONS:
            what = f"waits for {name} with the condition {condition}"
            yield ("depends_on", name), f"{what}; write one of {', '.join(CONDITIONS)}"
        elif condition == "service_healthy" and name in others:
            check = fields(others[name].data, "healthcheck")
            if "image" in fields(others[name].data) and not check.get("test"):
                what = f"waits until {name} is healthy, and {name} has no healthcheck of its own"
                yield ("depends_on", name), f"{what}; write one, unless its image has it"
    for path, host in called(service):
        checked = host in others and "healthcheck" in fields(others[host].data)
        if host in others and host not in (service.name, *waits) and (waits or checked):
            yield path, f"calls {host}, and does not wait for it; add it to `depends_on`"
        elif host not in _known(beside) and beside.is_whole and len(others) > 1:
            yield path, f"calls {host}, which is no service here; {did_you_mean(host, others)}"


def _known(beside: ComposeFiles) -> set[str]:
    """Find every name that containers are found by."""
    found: set[str] = {one.name for one in beside.services}
    for one in beside.services:
        found |= {str(dig(one.data, "container_name")), str(dig(one.data, "hostname"))}
        found |= {text.rpartition(":")[2] for _, text in places(dig(one.data, "links"))}
        found |= {text for path, text in places(dig(one.data, "networks")) if "aliases" in path}
        found |= {text.partition(":")[0] for _, text in places(dig(one.data, "extra_hosts"))}
        found |= set(map(str, fields(one.data, "extra_hosts")))
    return found
