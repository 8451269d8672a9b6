"""Services of Compose files reach each other, and their checks ask programs that are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from tarmac.base.foreign.reading import Path, dig, fields, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.compose import ComposeService
from tarmac.check.gates.views.images.compose_entries import listed
from tarmac.check.gates.views.images.compose_files import ComposeFiles, compose_files, waited
from tarmac.check.gates.views.images.compose_ports import asked_twice, outer_ports
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

Fault = tuple[Path, str]
_ADDRESS = re.compile(r"(?<![\w.@/-])(?:\w+://(?:[^\s/@]*@)?)?([a-z][\w-]*):(\d{2,5})(?![\w.:-])")
#: An address of the service itself, by a protocol that no browser speaks.
_ITSELF = re.compile(
    r"\b(?!https?:|wss?:)([a-z][\w+]*)://(?:[^\s/@]*@)?(?:localhost|127\.0\.0\.1):(\d+)"
)
#: A variable that names the host of a store, and what its name begins with.
_STORE_HOST = re.compile(
    r"(?i)((?:\w*_)?(?:db|database|pg|postgres\w*|mysql|mariadb|redis|valkey|rabbitmq|amqp|mongo\w*"
    r"|memcached?|elastic\w*|kafka)_?)(?:host|hostname|server)"
)
#: Modes in which a service has no network of its own.
_SHARED = ("host", "none", "service:", "container:")


def check(files: Files) -> Iterator[Finding]:
    """Yield calls that reach nothing, ports that two ask for, and checks that cannot run."""
    for beside in compose_files(files):
        yield from asked_twice(beside)
        for service in beside.services:
            faults = (*_calls(service, beside), *_asked(service), *_unheard(service, beside))
            for path, what in faults:
                yield Finding(service.at(*path), f"service {service.name} {what}")


def _calls(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    """Yield addresses of other services that lead nowhere."""
    others = {one.name: one for one in beside.services if one.name != service.name}
    if _mode(service).startswith(_SHARED):
        return
    is_joined = any(_mode(one) == f"service:{service.name}" for one in others.values())
    yield from () if is_joined else _stores(service, others.values())
    for path, text in places(dig(service.data, "environment"), ("environment",)):
        for scheme, port in _ITSELF.findall(text):
            there = [one.name for one in others.values() if int(port) in _heard(one)]
            if there and int(port) not in _heard(service):
                what = f"calls {scheme}://localhost:{port}, which is itself, and nothing listens"
                yield path, f"{what} there; write {there[0]}:{port}"
        for host, port in _ADDRESS.findall(text):
            other = others.get(host)
            if other is None or _mode(other).startswith(_SHARED):
                continue
            own, its = beside.networks(service), beside.networks(other)
            if not own & its and beside.is_whole:
                what = f"calls {host}, with which it shares no network ({_told(own)}, {_told(its)})"
                yield path, f"{what}; give both one"
                return
            outer = [
                key[1] for entry in listed(dig(other.data, "ports")) for key in outer_ports(entry)
            ]
            listens = _heard(other)
            if port in outer and listens and int(port) not in listens:
                what = f"calls {host}:{port}, which is the port of the host; inside of the network "
                yield path, f"{what}{host} listens on {', '.join(map(str, sorted(listens)))}"


def _stores(service: ComposeService, others: Iterable[ComposeService]) -> Iterator[Fault]:
    """Yield stores of these files that are looked for in the service itself."""
    given = service.environment
    stores = [one for one in others if _name(one) in published("compose")["stores"]]
    for name, value in given.items():
        found = _STORE_HOST.fullmatch(name)
        if found is None or value not in ("localhost", "127.0.0.1"):
            continue
        port = next((given[key] for key in given if key.upper() == f"{found[1]}PORT".upper()), "")
        alike = [one for one in stores if _name(one)[:4] in name.lower()] or stores
        there = [one.name for one in alike if not port or port in map(str, _heard(one))]
        if len(there) == 1 and port not in map(str, _heard(service)):
            where = ("environment", *_key_of(service, name))
            what = f"looks for {there[0]} at {value} by {name}, which is the service itself"
            yield where, f"{what}; write {there[0]}"


def _key_of(service: ComposeService, name: str) -> Path:
    """Find a variable among those that are written as a list, or by name."""
    entries = listed(dig(service.data, "environment"))
    numbers = [n for n, one in enumerate(entries) if str(one).partition("=")[0] == name]
    return tuple(numbers[:1]) or (name,)


def _heard(service: ComposeService) -> set[int]:
    """List the ports at which a service listens, as far as its ports and its image say."""
    known = published("compose")["images"].get(_name(service), {}).get("ports", [])
    return {one for one in (*service.ports, *known) if isinstance(one, int)}


def _unheard(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    """Yield services that wait for themselves, and ports at which an image does not listen."""
    found = waited(service.name, beside)
    ring = [name for name in found if {name, service.name} <= waited(name, beside)]
    if service.name in found and service.name == min(ring):
        what = f"waits for itself, by {', '.join(sorted({*ring} - {service.name})) or 'its name'}"
        yield ("depends_on",), f"{what}: nothing of these starts; remove one from `depends_on`"
    known = published("compose")["images"].get(_name(service), {}).get("ports", [])
    # By these a server may be told another port, or more of them.
    told = {"command", "entrypoint", "env_file", "configs", "extends"} & fields(service.data).keys()
    told |= {one for one in service.mounted if re.search(r"conf|/etc|plugin|\$", one)}
    for number, port in enumerate(service.ports if known and not told else ()):
        is_moved = str(port) in str(dig(service.data, "environment"))
        if isinstance(port, int) and port not in known and not is_moved:
            there = ", ".join(map(str, known))
            what = f"publishes its port {port}, at which {_name(service)} does not listen"
            yield ("ports", number), f"{what}; it listens on {there}"


def _mode(service: ComposeService) -> str:
    return str(dig(service.data, "network_mode") or "")


def _told(names: set[str]) -> str:
    return " and ".join(sorted(names))


def _name(service: ComposeService) -> str:
    image = str(service.image or "").partition("@")[0]
    head, _, last = image.rpartition("/")
    name = last.partition(":")[0]
    maker = head.removeprefix("docker.io").strip("/")
    return f"{maker}/{name}" if maker not in ("", "library") else name


def _asked(service: ComposeService) -> Iterator[Fault]:
    """Yield checks by a program that the image does not have."""
    image = published("compose")["images"].get(_name(service))
    tag = str(service.image or "").rpartition(":")[2]
    if image is None or "$" in str(service.image):
        return
    major = re.match(r"\d+", tag)
    if major and int(major[0]) < image.get("from", 0):
        return
    lacks = image.get("alpine", image["lacks"]) if "alpine" in tag else image["lacks"]
    test: Any = dig(service.data, "healthcheck", "test")
    words = _program(test)
    for word in words:
        if word in lacks:
            what = f"is checked by {word}, which {_name(service)} does not have, so it is unhealthy"
            yield ("healthcheck", "test"), f"{what} for ever; ask by what it has: {image['has']}"
            return


def _program(test: Any) -> list[str]:
    """List the programs that a check runs first in each of its commands."""
    if isinstance(test, list) and test and test[0] == "CMD":
        return [str(test[1]).rpartition("/")[2]] if len(test) > 1 else []
    text = str(test[1]) if isinstance(test, list) and len(test) > 1 else str(test or "")
    try:
        words = ["&&", *shlex.split(text.replace(";", " ; "))]
    except ValueError:
        return []
    # Behind `||` is what is tried where the first one is not there.
    return (
        [one for sign, one in pairwise(words) if sign in ("&&", ";")]
        if "||" not in text or (words[-2:] == ["exit", "1"] or words[-1] in ("false", "1"))
        else []
    )


def _judged(files: Files) -> Iterator[object]:
    for beside in compose_files(files):
        yield from beside.services


GATE = Gate(
    id="IMG016",
    title="Services of Compose files reach each other, and can be checked",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/networking: services of other networks are not "
    "found by name, and a published port is one of the host; a check by a program that the image "
    "lacks never passes, and what waits for it never starts",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services of Compose files", _judged),
    targets=("compose",),
    reads="addresses in variables beside `networks` and `ports`; `healthcheck` beside what "
    "official images have, by assets/published.yaml.",
)
