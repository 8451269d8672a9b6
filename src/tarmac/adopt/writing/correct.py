"""Corrects what was found by what a try showed: a port, a missing store, a host, a variable.

`tarmac init --try` calls it with the likely causes that `up` gave. Pure; what it cannot correct it
notes, so that the file says what is left to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Service, Store, Survey
from tarmac.adopt.survey.scene import Scene
from tarmac.adopt.variables.addresses import rewritten
from tarmac.adopt.variables.dotenv_files import is_secret

#: (what a cause says, what corrects it)
_Corrections: TypeAlias = tuple[
    tuple[
        str,
        "Callable[[Survey, Service, re.Match[str], Failure, frozenset[str]], Lesson | None]",
    ],
    ...,
]
#: What the notes of a try begin with.
TRIED = "tried: "


@dataclass(frozen=True)
class Failure:
    """What did not become healthy, and why."""

    #: The service that it is or belongs to.
    service: str
    #: Its task; "" for the service itself.
    task: str
    #: The likely cause, as `up` says it.
    cause: str
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """What a failure taught."""

    found: Survey
    #: For the file and the user.
    note: str
    #: Another try may go better.
    is_corrected: bool = False
    #: It cannot run on this machine: the rest is tried without it.
    is_absent: bool = False


def corrected(
    found: Survey, failures: Iterable[Failure], kinds: frozenset[str]
) -> tuple[Lesson, ...]:
    """Correct what can be corrected, one failure after the other; the last lesson has all of it."""
    return _learnt(found, failures, kinds, _CORRECTIONS)


def noted(found: Survey, failures: Iterable[Failure], kinds: frozenset[str]) -> tuple[Lesson, ...]:
    """Take notes of failures, one after the other, and correct nothing."""
    return _learnt(found, failures, kinds, ())


def _learnt(
    found: Survey, failures: Iterable[Failure], kinds: frozenset[str], corrections: _Corrections
) -> tuple[Lesson, ...]:
    lessons: list[Lesson] = []
    for failure in failures:
        service = next((s for s in found.services if s.name == failure.service), None)
        if service is None:
            continue
        lesson = _lesson(found, service, failure, kinds, corrections)
        found = _noted(lesson.found, failure.service, lesson.note)
        lessons.append(replace(lesson, found=found))
    return tuple(lessons)


def taken_back(found: Survey, before: Survey, failure: Failure) -> Survey:
    """Undo for a service what a try has shown to be of no help: it fails as it did before.

    Args:
        before: what was known before the correction.
    """
    old = next(service for service in before.services if service.name == failure.service)
    found = _noted(_with(found, old), failure.service, _note(old, failure))
    said = "\n".join(value for service in found.services for value in service.env.values())
    known = {store.name for store in before.stores}
    kept = (s for s in found.stores if s.name in known or f"${{stores.{s.name}." in said)
    broker = found.broker if before.broker or "${broker." in said else None
    return replace(found, stores=tuple(kept), broker=broker)


def _lesson(
    found: Survey,
    service: Service,
    failure: Failure,
    kinds: frozenset[str],
    corrections: _Corrections,
) -> Lesson:
    for pattern, correct in corrections:
        if match := re.search(pattern, failure.cause):
            if lesson := correct(found, service, match, failure, kinds):
                return lesson
            break
    return Lesson(found, _note(service, failure), is_absent=bool(_ABSENT.search(failure.cause)))


def _note(service: Service, failure: Failure) -> str:
    """Write a failure, with the name of a variable as the program reads it."""
    what = f"task {failure.task}: " if failure.task else ""
    named = re.sub(
        r"(?<=missing environment variable )\w+",
        lambda match: _as_read(service, match[0]),
        failure.cause,
    )
    return f"{TRIED}{what}{named}"


def _with(found: Survey, service: Service) -> Survey:
    services = (service if s.name == service.name else s for s in found.services)
    return replace(found, services=tuple(services))


def _noted(found: Survey, name: str, note: str) -> Survey:
    service = next(s for s in found.services if s.name == name)
    if note in service.remarks:
        return found
    return _with(found, replace(service, remarks=(*service.remarks, note)))


def _port(
    found: Survey, service: Service, match: re.Match[str], failure: Failure, kinds: frozenset[str]
) -> Lesson | None:
    """Believe it about its port, unless another service has that one."""
    del failure, kinds
    number = int(match[1])
    taken = (s.ports.values() for s in found.services if s.name != service.name and s.fixed)
    if any(number in ports for ports in taken):
        return None
    first = next(iter(service.ports), "http")
    changed = replace(
        service,
        ports={**service.ports, first: number},
        fixed=True,
        # What is known of its port from elsewhere no longer holds.
        guesses=tuple(guess for guess in service.guesses if "port " not in guess),
    )
    note = f"{TRIED}it listens on {number}, whatever PORT says"
    return Lesson(_with(found, changed), note, is_corrected=True)


def _variable(
    found: Survey, service: Service, match: re.Match[str], failure: Failure, kinds: frozenset[str]
) -> Lesson | None:
    """Give a variable the store that its name means, or a secret that is generated.

    A word that may mean any database, such as DB, means one that is there.
    """
    del failure
    name = _as_read(service, match[1])
    there = frozenset(store.kind for store in found.stores)
    known = servers.of_variable(name, there)
    if known and known[0].kind in kinds:
        found, store, is_new = _with_store(found, known[0])
        value = servers.reference(store.name, known[1], broker=known[0].broker)
        what = f"the {known[0].kind} that it names" if is_new else f"that of {store.name}"
    elif is_secret(name) and name not in service.secrets:
        service = replace(service, secrets=(*service.secrets, name))
        note = f"{TRIED}it does not start without {name}, which is generated now"
        return Lesson(_with(found, _given(service, name)), note, is_corrected=True)
    else:
        return None
    service = _given(replace(service, env={**service.env, name: value}), name)
    note = f"{TRIED}it does not start without {name}: {what} is its value now"
    return Lesson(_with(found, service), note, is_corrected=True)


def _as_read(service: Service, name: str) -> str:
    """Find the variable that a program means which names a field of its settings: its prefix."""
    known = {*service.env, *service.secrets, *service.missing, *service.optional}
    longer = [other for other in known if other.endswith(f"_{name}")]
    return longer[0] if name not in known and len(longer) == 1 else name


def _given(service: Service, name: str) -> Service:
    return replace(
        service,
        missing={key: place for key, place in service.missing.items() if key != name},
        optional=tuple(other for other in service.optional if other != name),
    )


def _with_store(found: Survey, server: servers.Server) -> tuple[Survey, Store, bool]:
    """Find the store of a kind, or add one."""
    known = [found.broker] if found.broker else []
    for store in (*found.stores, *known):
        if store.kind == server.kind:
            return found, store, False
    name = server.shows.store_name or server.kind
    taken = {s.name for s in found.services} | {store.name for store in found.stores}
    store = Store(f"{name}-store" if name in taken else name, server.kind)
    if server.broker:
        return replace(found, broker=store), store, True
    return replace(found, stores=(*found.stores, store)), store, True


def _host(
    found: Survey, service: Service, match: re.Match[str], failure: Failure, kinds: frozenset[str]
) -> Lesson | None:
    """Bring up the server that a container's host name means, and refer to it."""
    del failure
    host = match[1]
    server = servers.of_image(host)
    using = [name for name, value in service.env.items() if re.search(rf"\b{host}\b", value)]
    if server is None or server.kind not in kinds or not using:
        return None
    found, store, _ = _with_store(found, server)
    stores = {known.name: known for known in found.stores}
    broker = store if server.broker else found.broker
    scene = Scene(
        {s.name: s for s in found.services},
        {**stores, host: store},
        broker,
        {},
        kinds,
        may_add=False,
    )
    env = {**service.env, **{n: rewritten(n, service.env[n], service, scene) for n in using}}
    if env == service.env:
        return None
    note = f"{TRIED}the host {host} exists in containers alone: {store.name} is there instead"
    return Lesson(_with(found, replace(service, env=env)), note, is_corrected=True)


def _server(
    found: Survey, service: Service, match: re.Match[str], failure: Failure, kinds: frozenset[str]
) -> Lesson | None:
    """Bring up the server that it looks for at its usual port, where a variable can say so."""
    del match
    said = "\n".join(failure.last_lines)
    for server in servers.servers():
        tried = re.search(rf"(?:127\.0\.0\.1|localhost|::1)\D{{0,20}}{server.shows.port}\b", said)
        if not tried or server.kind not in kinds:
            continue
        for name in (*service.missing, *service.optional):
            known = servers.of_variable(name, frozenset({server.kind}))
            if known is None or known[0].kind != server.kind or known[1] not in ("url", "host"):
                continue
            found, store, _ = _with_store(found, server)
            value = servers.reference(store.name, known[1], broker=server.broker)
            changed = _given(replace(service, env={**service.env, name: value}), name)
            note = f"{TRIED}it looks for {server.kind} on its usual port; {name} names {store.name}"
            return Lesson(_with(found, changed), note, is_corrected=True)
    return None


def _plain(
    found: Survey, service: Service, match: re.Match[str], failure: Failure, kinds: frozenset[str]
) -> Lesson | None:
    """Say in its addresses of stores that they are not encrypted."""
    del match, failure, kinds
    env = {
        name: f"{value}?sslmode=disable"
        if re.fullmatch(r"\$\{stores\.\S+\.url\}", value)
        else value
        for name, value in service.env.items()
    }
    if env == service.env:
        return None
    note = f"{TRIED}it insists on an encrypted connection unless its address says no"
    return Lesson(_with(found, replace(service, env=env)), note, is_corrected=True)


#: It is for another machine: a language or a program that this one lacks.
_ABSENT = re.compile(
    r"is not on PATH|^program \S+ was not found|fits this Python|install that one$"
)
_CORRECTIONS: _Corrections = (
    (r"it listens on (\d+); expected", _port),
    (r"it listens on port (\d+), which Tarmac reserves", _port),
    (r"missing environment variable (\w+);", _variable),
    (r"host ([\w.-]+) does not exist here", _host),
    (r"add \?sslmode=disable", _plain),
    (r"something that it connects to is not listening", _server),
)
