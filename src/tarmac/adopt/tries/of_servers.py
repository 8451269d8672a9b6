"""Corrects how a service finds its servers: a host, a usual port, a login, encryption."""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import KnownPlace, Service, Store, Survey
from tarmac.adopt.survey.scene import Scene
from tarmac.adopt.tries.case import Case, Correction, Lesson
from tarmac.adopt.tries.of_variables import given
from tarmac.adopt.tries.with_store import changed_store, with_store
from tarmac.adopt.variables.addresses import rewritten

#: The login that RabbitMQ has as it comes, and that programs try which are told none.
_FIRST_LOGIN = "guest"


def _host(case: Case, match: re.Match[str]) -> Lesson | None:
    """Bring up the server that a container's host name means, and refer to it."""
    host, service = match[1], case.service
    server = servers.of_image(host)
    using = [name for name, value in service.env.items() if re.search(rf"\b{host}\b", value)]
    if server is None or server.kind not in case.kinds or not using:
        return None
    found, store, _ = with_store(case.found, server)
    stores = {known.name: known for known in found.stores}
    broker = store if server.broker else found.broker
    scene = Scene(
        {s.name: s for s in found.services},
        {**stores, host: store},
        broker,
        {},
        case.kinds,
        may_add=False,
    )
    env = {**service.env, **{n: rewritten(n, service.env[n], service, scene) for n in using}}
    if env == service.env:
        return None
    note = f"the host {host} exists in containers alone: {store.name} is there instead"
    return case.corrected(replace(service, env=env), note, found)


def _at_usual_port(case: Case, match: re.Match[str]) -> Lesson | None:
    """Bring up the server that it looks for at its usual port: by a variable, or at that port."""
    del match
    said = "\n".join((case.failure.cause, *case.failure.last_lines))
    for server in servers.servers():
        tried = re.search(rf"(?:127\.0\.0\.1|localhost|::1)\D{{0,20}}{server.shows.port}\b", said)
        if not tried or server.kind not in case.kinds:
            continue
        if lesson := _by_variable(case, server) or _there(case, server):
            return lesson
    return None


def _by_variable(case: Case, server: servers.Server) -> Lesson | None:
    service = case.service
    for name in (*service.missing, *service.optional):
        known = servers.of_variable(name, frozenset({server.kind}))
        if known is None or known[0].kind != server.kind or known[1] not in ("url", "host"):
            continue
        found, store, _ = with_store(case.found, server)
        value = servers.reference(store.name, known[1], broker=server.broker)
        changed = given(replace(service, env={**service.env, name: value}), name)
        note = f"it looks for {server.kind} on its usual port; {name} names {store.name}"
        return case.corrected(changed, note, found)
    return None


def _there(case: Case, server: servers.Server) -> Lesson | None:
    """Put a server that needs no login, or has its first one, at its usual port."""
    found, store, _ = with_store(case.found, server)
    may_enter = server.passwordless or server.broker
    if store.known is not None or not may_enter or _is_taken(server.shows.port, found):
        return None
    known = KnownPlace(port=server.shows.port, by=case.service.name)
    changed = replace(store, known=known, passwordless=store.passwordless or server.passwordless)
    note = f"it looks for {server.kind} on its usual port, where {store.name} is now"
    return case.corrected(_waiting(case.service, store), note, changed_store(found, changed))


def _waiting(service: Service, store: Store) -> Service:
    """Let a service start after its store: for a broker, a reference says so."""
    if servers.of_kind(store.kind).broker:
        name = f"{store.kind.upper()}_URL"
        return replace(
            service, env={name: servers.reference("", "url", broker=True), **service.env}
        )
    return replace(service, stores=tuple(dict.fromkeys((*service.stores, store.name))))


def _is_taken(port: int, found: Survey) -> bool:
    known = (s.known.port for s in (*found.stores, found.broker) if s is not None and s.known)
    return port in known or any(port in s.ports.values() for s in found.services if s.fixed)


def _login(case: Case, match: re.Match[str]) -> Lesson | None:
    """Give the broker the login that a program knows by itself: its first one."""
    del match
    broker = case.found.broker
    if broker is None or (broker.known and broker.known.user):
        return None
    known = replace(broker.known or KnownPlace(by=case.service.name), user=_FIRST_LOGIN)
    found = changed_store(case.found, replace(broker, known=replace(known, password=_FIRST_LOGIN)))
    note = f"it knows the login of {broker.name} by itself: {_FIRST_LOGIN}"
    return case.corrected(case.service, note, found)


def _plain(case: Case, match: re.Match[str]) -> Lesson | None:
    """Say in its addresses of stores that they are not encrypted."""
    del match
    env = {
        name: f"{value}?sslmode=disable"
        if re.fullmatch(r"\$\{stores\.\S+\.url\}", value)
        else value
        for name, value in case.service.env.items()
    }
    if env == case.service.env:
        return None
    note = "it insists on an encrypted connection unless its address says no"
    return case.corrected(replace(case.service, env=env), note)


CORRECTIONS: tuple[tuple[str, Correction], ...] = (
    (r"host ([\w.-]+) does not exist here", _host),
    (r"add \?sslmode=disable", _plain),
    (r"^the broker refuses its login", _login),
    (r"something that it connects to is not listening", _at_usual_port),
)
