"""A proxy that reads containers' labels reaches them by a network that it is on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, fields, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import labels_of, listed
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.traefik import SETTINGS
from tarmac.check.gates.views.scope import counted_in_files

_TRAEFIK = re.compile(r"(docker\.io/)?(library/)?traefik(:.*|@.*)?")
#: Where Traefik is told of one network for all: an argument, a variable.
_FOR_ALL = re.compile(r"(?i)providers[._](docker|swarm)[._]network\b")
_READS = re.compile(r"(?i)providers[._](docker|swarm)\b")
_OWN = ("traefik.docker.network", "traefik.swarm.network")


def check(files: Files) -> Iterator[Finding]:
    """Yield services that Traefik may call by a network that it is not on."""
    every = compose_files(files)
    proxies = [(one, found) for one in every if (found := _proxy(one)) is not None]
    seen = [(found, set(_by_real_name(one, found))) for one, found in proxies[:2]]
    for beside in every:
        if not beside.is_whole:
            continue
        if (proxy := _proxy(beside)) is None:
            yield from _apart(beside, seen)
        elif not dig(proxy.data, "network_mode"):
            yield from _together(beside, proxy)


def _proxy(beside: ComposeFiles) -> ComposeService | None:
    return next((one for one in beside.services if _is_proxy(one)), None)


def _together(beside: ComposeFiles, proxy: ComposeService) -> Iterator[Finding]:
    own = beside.networks(proxy)
    for service, labels in _routed(beside):
        is_apart = service.artifact is not proxy.artifact
        if service.name == proxy.name or is_apart or dig(service.data, "network_mode"):
            continue
        its = beside.networks(service)
        told = next((labels[key] for key in _OWN if key in labels), None)
        if not own & its and told is None:
            what = f"service {service.name} has labels for {proxy.name}, with which it shares"
            said = f"{what} no network: it is not reached; put both on one"
            yield Finding(service.at("networks"), said)
        elif told is None and its - own and not _is_told(proxy):
            yield _either(service, its - own, proxy, min(own & its))
        elif told and (keys := _called(beside, told)) and not keys & its:
            what = f"service {service.name} names the network {told} to Traefik, and is not on it:"
            said = f"{what} it is not reached; put it on {min(keys)}"
            yield Finding(service.at("networks"), said)
        elif told and (real := _real(beside, told)):
            what = f"service {service.name} names the network {told} to Traefik, and Compose"
            said = f"{what} calls it {real}; give the network `name: {told}`"
            yield Finding(service.at("labels"), said, warning=True)


def _either(
    service: ComposeService, others: set[str], proxy: ComposeService, shared: str
) -> Finding:
    what = f"service {service.name} is on {_list(others)}, which {proxy.name} is not"
    why = "on: Traefik may take its address there, and answers with Gateway Timeout"
    said = f"{what} {why}; add the label traefik.docker.network: {shared}"
    return Finding(service.at("networks"), said)


def _apart(
    beside: ComposeFiles, proxies: list[tuple[ComposeService, set[str]]]
) -> Iterator[Finding]:
    """Yield services of a project without Traefik that name to it none of their networks.

    Args:
        proxies: at most two, with the networks that they are on.
    """
    for service, labels in _routed(beside):
        its = _by_real_name(beside, service)
        outer = [name for name, key in its.items() if name == key or _is_external(beside, key)]
        is_told = any(key in labels for key in _OWN) or dig(service.data, "network_mode")
        if len(its) < 2 or not outer or is_told:
            continue
        near = [(one, own) for one, own in proxies if own & its.keys()]
        if len(proxies) == len(near) == 1:
            ((proxy, own),) = near
            others = {key for name, key in its.items() if name not in own}
            is_open = _is_told(proxy) or dig(proxy.data, "network_mode")
            if others and not is_open:
                yield _either(service, others, proxy, min(own & its.keys()))
        elif not proxies and len(outer) == 1 and labels.get("traefik.enable") == "true":
            what = f"service {service.name} is on {_list(set(its.values()))}, and names none to"
            advice = f"add the label traefik.docker.network: {outer[0]}"
            said = f"{what} Traefik, which may take its address on one that it is not on; {advice}"
            yield Finding(service.at("networks"), said, warning=True)


def _by_real_name(beside: ComposeFiles, service: ComposeService) -> dict[str, str]:
    """List the networks of a service by what Docker calls them; of a project, by its files."""
    declared, found = beside.declared("networks"), dict[str, str]()
    for key in sorted(beside.networks(service)):
        data = fields(declared.get(key, (None, None))[1])
        name = str(data.get("name") or dig(data, "external", "name") or "")
        is_own = not name and not data.get("external")
        found[f"{service.artifact.path} {key}" if is_own else name or key] = key
    return found


def _is_external(beside: ComposeFiles, key: str) -> bool:
    data = fields(beside.declared("networks").get(key, (None, None))[1])
    return bool(data.get("external"))


def _is_proxy(service: ComposeService) -> bool:
    told = " ".join(text for _, text in places(service.data))
    is_traefik = _TRAEFIK.fullmatch(service.image or "") is not None
    return is_traefik and (_READS.search(told) is not None or "docker.sock" in told)


def _is_told(proxy: ComposeService) -> bool:
    """Tell whether Traefik is told one network for all, or may be in a file."""
    words = [text for key in ("command", "environment") for _, text in places(dig(proxy.data, key))]
    words += [str(name) for name in fields(proxy.data, "environment")]
    mounted = [*proxy.mounted, *(text for _, text in places(dig(proxy.data, "configs")))]
    mounted += [str(one) for one in listed(dig(proxy.data, "volumes"))]
    is_open = "env_file" in fields(proxy.data) or any(map(SETTINGS.search, [*words, *mounted]))
    return is_open or any(map(_FOR_ALL.search, words))


def _routed(beside: ComposeFiles) -> Iterator[tuple[ComposeService, dict[str, str]]]:
    for service in beside.services:
        labels = labels_of(dig(service.data, "labels"))
        is_off = labels.get("traefik.enable", "true").lower() == "false"
        if not is_off and any(key.startswith(("traefik.http.", "traefik.tcp.")) for key in labels):
            yield service, labels


def _real(beside: ComposeFiles, told: str) -> str:
    """Return the name that Compose gives a declared network; "" where it is the one told."""
    if "$" in told or told not in beside.declared("networks"):
        return ""
    data = fields(beside.declared("networks")[told][1])
    every = [fields(one[1]).get("name") for one in beside.declared("networks").values()]
    if data.get("external") or told in every:
        return ""
    return str(data.get("name") or f"PROJECT_{told}")


def _called(beside: ComposeFiles, told: str) -> set[str]:
    """List the declared networks that Docker calls so, by their keys here."""
    projects = [dig(one.data, "name") for one in beside.artifacts]
    declared = beside.declared("networks").items()
    named = {key: str(fields(one[1]).get("name") or "") for key, one in declared}
    return {
        key
        for key, name in named.items()
        if told in (name, *(f"{project}_{key}" for project in projects if project and not name))
    }


def _list(names: set[str]) -> str:
    return " and ".join(sorted(names))


def _judged(files: Files) -> Iterator[object]:
    for beside in compose_files(files):
        yield from _routed(beside)


GATE = Gate(
    id="IMG026",
    title="A proxy reaches services of Compose by a network that it is on",
    phase="containers",
    source="https://doc.traefik.io/traefik/providers/docker/#network: of a container with several "
    "networks Traefik takes one, unless it is told which",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services with labels for Traefik", _judged),
    targets=("compose",),
    reads="labels and networks of services beside those of a Traefik in the same files, or in one "
    "other project; not what a configuration file tells it.",
)
